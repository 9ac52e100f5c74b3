"""The `rlm` command. Exit status 2 for a mistake of the operator's, in one line."""

import argparse
import resource
import sys
from collections.abc import Sequence
from pathlib import Path

from orchestrator import __version__, logs
from orchestrator.cli.build_guest import build_guest
from orchestrator.cli.export import export
from orchestrator.cli.query import query
from orchestrator.cli.replay import replay
from orchestrator.cli.serve import serve
from orchestrator.errors import ConfigError, JournalError, RequestError, SandboxError

COMMANDS = {"serve": serve, "query": query, "replay": replay, "export": export, "build-guest": build_guest}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="rlm", description="Questions over inputs far larger than any model's window.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True)
    serving = commands.add_parser("serve", help="start the HTTP server")
    serving.add_argument("--config", type=Path, default=Path("config.toml"), help="default: config.toml")
    serving.add_argument("--port", type=int, help="default: server.port of the configuration")
    asking = commands.add_parser("query", help="answer one question, without a server")
    asking.add_argument("--config", type=Path, default=Path("config.toml"), help="default: config.toml")
    asking.add_argument("--context", type=Path, required=True, metavar="FILE|FOLDER", help="a folder: its files are documents")
    asking.add_argument("question")
    building = commands.add_parser("build-guest", help="build and compile the Python guest, which the first start does too")
    building.add_argument("--config", type=Path, default=Path("config.toml"), help="default: config.toml")
    again = commands.add_parser("replay", help="execute a run again from its journal, offline")
    again.add_argument("journal", type=Path, help="GET /runs/RUN/journal, in a file")
    again.add_argument("--context", type=Path, required=True, metavar="FILE|FOLDER", help="what the run was over")
    exporting = commands.add_parser("export", help="write a run as something that a person can read")
    exporting.add_argument("journal", type=Path, help="GET /runs/RUN/journal, in a file")
    exporting.add_argument("--script", action="store_true", required=True, help="as one Python script, on stdout")
    options = parser.parse_args(arguments)
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
