"""`rlm runs`: lists the runs of a server; `rlm runs prune` forgets runs that have ended."""

import argparse
import asyncio
import contextlib
from collections.abc import Sequence

import msgspec

from orchestrator.cli.command import command_parser
from orchestrator.cli.say import say, visible, write
from orchestrator.cli.server import Server, add_server
from orchestrator.cli.settings import read_settings
from orchestrator.config import StoreSettings
from orchestrator.errors import ConfigError
from orchestrator.journal.results import RunSummary
from orchestrator.store.runs import RunStore

DAY = 86_400.0  # seconds
WIDTH = 60  # characters of a question


class _Runs(msgspec.Struct):
    runs: list[RunSummary]


def main(arguments: Sequence[str]) -> int:
    """A line for each; or says how many are gone."""
    options = _parser().parse_args(arguments)
    if options.action == "prune":
        return _forget(options)
    filters = {name: value for name in ("status", "text", "model") if (value := getattr(options, name)) is not None}
    for each in Server(options).get("/runs", _Runs, limit=options.limit, **filters).runs:
        question = visible(each.query).strip()
        short = question if len(question) <= WIDTH else f"{question[:WIDTH]}..."
        write(f"{each.run_id}  {each.started_at[:19].replace('T', ' ')}  {each.status:14}  {short}\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = command_parser(
        "runs",
        "List the runs of a server, the newest first: id, when (UTC), how it ended, the question. `prune`: forget those that "
        "have ended, beyond what [store] keeps, or what is said here.",
    )
    parser.add_argument("action", nargs="?", choices=("prune",))
    listed = parser.add_argument_group("of the list")
    listed.add_argument("--limit", type=int, default=20, metavar="NUMBER", help="default: 20, at most 200")
    listed.add_argument("--status", help="answered, running, cancelled, ...")
    listed.add_argument("--text", help="a part of the question or the answer")
    listed.add_argument("--model", metavar="NAME", help="a part of a model's name")
    pruned = parser.add_argument_group("of prune")
    pruned.add_argument("--keep", type=int, metavar="NUMBER", help="of runs, the newest")
    pruned.add_argument("--days", type=float, metavar="NUMBER", help="how old a run may be")
    add_server(parser)
    return parser


def _forget(options: argparse.Namespace) -> int:
    kept = read_settings(options.config).store
    try:
        changed = msgspec.convert(
            msgspec.to_builtins(kept)
            | ({} if options.keep is None else {"kept_runs": options.keep})
            | ({} if options.days is None else {"kept_seconds": options.days * DAY}),
            StoreSettings,
        )
    except msgspec.ValidationError:
        raise ConfigError("--keep, --days: at least 0") from None
    say(f"{asyncio.run(_prune(kept, changed))} runs are forgotten")
    return 0


async def _prune(settings: StoreSettings, kept: StoreSettings) -> int:
    with contextlib.closing(RunStore(settings)) as store:
        return await store.forget(kept)
