"""`rlm fork`: a run of a server that is the same as another up to a turn."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from orchestrator.cli.command import command_parser
from orchestrator.cli.say import say, write
from orchestrator.cli.server import Server, add_run, add_server
from orchestrator.errors import InvalidRequest


class _Begun(msgspec.Struct):
    run_id: str


def main(arguments: Sequence[str]) -> int:
    """Prints the id of the new run, which goes on by itself."""
    options = _parser().parse_args(arguments)
    server = Server(options)
    body = {"turn": options.turn} | _change(options)
    begun = server.post(f"/runs/{server.find(options.run)}/fork", _Begun, body)
    write(f"{begun.run_id}\n")
    say(f"`rlm follow {begun.run_id[:8]}` shows what it does")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = command_parser(
        "fork", "Begin a run that is the same as another up to the model's reply of a turn; nothing of that is paid again."
    )
    add_run(parser)
    parser.add_argument("--turn", type=int, required=True, metavar="NUMBER", help="the turn that is otherwise, from 1")
    change = parser.add_mutually_exclusive_group(required=True)
    change.add_argument("--code", type=Path, metavar="FILE", help="run this instead of the model's code")
    change.add_argument("--reply", type=Path, metavar="FILE", help="take this as the model's reply")
    change.add_argument("--model", metavar="NAME", help="ask this model instead")
    change.add_argument("--max-iterations", type=int, metavar="NUMBER", help="ask again, for so many turns in all")
    add_server(parser)
    return parser


def _change(options: argparse.Namespace) -> dict[str, Any]:
    if options.model is not None:
        return {"model": options.model}
    if options.max_iterations is not None:
        return {"limits": {"max_iterations": options.max_iterations}}
    name = "code" if options.code is not None else "reply"
    try:
        return {name: getattr(options, name).read_text(encoding="utf-8")}
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidRequest(f"--{name}: {error}") from None
