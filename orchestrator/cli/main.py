"""The `rlm` command. Exit status 2 for a mistake of the operator's, in one line."""

import argparse
import resource
import sys
from collections.abc import Sequence
from pathlib import Path

from orchestrator import __version__, logs
from orchestrator.cli.build_guest import build_guest
from orchestrator.cli.export import export
from orchestrator.cli.guest import guest
from orchestrator.cli.query import query
from orchestrator.cli.replay import replay
from orchestrator.cli.serve import serve
from orchestrator.errors import ConfigError, JournalError, RequestError, SandboxError

COMMANDS = {
    "serve": serve,
    "query": query,
    "replay": replay,
    "export": export,
    "guest": guest,
    "build-guest": build_guest,
}
CONFIG_HELP = "default: config.toml, where there is one"


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    logs.configure()
    # Every image of a guest is an open file; the usual soft limit of 1024 is for programs that use select.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    try:
        return COMMANDS[options.command](options)
    except JournalError as error:
        print(error)
        return 1
    except (ConfigError, SandboxError, RequestError) as error:
        print(f"rlm: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="rlm", description="Questions over inputs far larger than any model's window.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True)
    serving = commands.add_parser("serve", help="start the HTTP server")
    serving.add_argument("--config", type=Path, help=CONFIG_HELP)
    serving.add_argument("--port", type=int, help="default: server.port of the configuration")
    asking = commands.add_parser("query", help="answer one question, without a server")
    asking.add_argument("--config", type=Path, help=CONFIG_HELP)
    asking.add_argument("--context", type=Path, required=True, metavar="FILE|FOLDER", help="a folder: its files are documents")
    asking.add_argument("question")
    again = commands.add_parser("replay", help="execute a run again from its journal, offline")
    again.add_argument("journal", type=Path, help="GET /runs/RUN/journal, in a file")
    again.add_argument("--context", type=Path, required=True, metavar="FILE|FOLDER", help="what the run was over")
    exporting = commands.add_parser("export", help="write a run as something that a person can read")
    exporting.add_argument("journal", type=Path, help="GET /runs/RUN/journal, in a file")
    exporting.add_argument("--script", action="store_true", required=True, help="as one Python script, on stdout")
    _add_guest(commands.add_parser("guest", help="list the Python guests that are here, or carry one to another machine"))
    building = commands.add_parser("build-guest", help="build and compile the Python guest, which the first start does too")
    building.add_argument("--config", type=Path, help=CONFIG_HELP)
    return parser


def _add_guest(guests: argparse.ArgumentParser) -> None:
    actions = guests.add_subparsers(dest="action")
    exporting = actions.add_parser("export", help="write one to a file, for `rlm guest import` on another machine")
    exporting.add_argument("sha256", nargs="?", metavar="SHA256", help="that a journal names; default: that of new runs")
    exporting.add_argument("file", type=Path, metavar="FILE")
    importing = actions.add_parser("import", help="keep one from another machine, so that `rlm replay` finds it")
    importing.add_argument("file", type=Path, metavar="FILE")
