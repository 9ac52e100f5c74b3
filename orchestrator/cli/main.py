"""The `rlm` command: which command it is, and which error is which exit status."""

import argparse
import importlib
import os
import resource
import signal
import sys
from collections.abc import Sequence

from orchestrator import __version__, logs
from orchestrator.cli.say import say, write
from orchestrator.errors import ConfigError, JournalError, RequestError, SandboxError, StoreFull

# Each is a file of this folder with main(arguments) -> exit status.
COMMANDS = {
    "init": "write a config.toml with a model that this machine has",
    "query": "answer one question about files, without a server",
    "serve": "start the HTTP server",
    "providers": "ask each configured model for one word, and say what is wrong",
    "runs": "list the runs of a server; forget old ones",
    "show": "what a run of a server did",
    "follow": "what a run of a server does, as it goes on",
    "cancel": "end a run of a server with what it has",
    "fork": "begin a run that is the same as another up to a turn",
    "replay": "execute a run again, offline, and compare",
    "export": "write a run as something that a person can read",
    "guest": "list the Python guests that are here, or carry one to another machine",
    "build-guest": "build and compile the Python guest, which the first start does too",
}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.command is None:
        parser.print_help(sys.stderr)
        return 2
    logs.configure()
    _open_many_files()
    try:
        # Only the file of the command is imported: a server takes half a second.
        command = importlib.import_module(f"orchestrator.cli.{options.command.replace('-', '_')}")
        status: int = command.main(options.arguments)
    except JournalError as error:
        write(f"{error}\n")
        return 1
    except (ConfigError, SandboxError, RequestError, StoreFull) as error:
        say(str(error))
        return 2
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except BrokenPipeError:
        # Who reads has gone (`rlm export ... | head`); what is buffered must not be tried again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    return status


def _parser() -> argparse.ArgumentParser:
    commands = "\n".join(f"  {name:13}{what}" for name, what in COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog="rlm",
        usage="rlm COMMAND ...",
        description="Questions about inputs far larger than any model's window.",
        epilog=f"commands:\n{commands}\n\n`rlm COMMAND --help` says more.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=__version__)
    parser.add_argument("command", nargs="?", choices=COMMANDS, metavar="COMMAND", help=argparse.SUPPRESS)
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    return parser


def _open_many_files() -> None:
    """Every image of a guest is an open file; the usual soft limit of 1024 is for programs that use select."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
