"""`rlm runs prune`: forgets runs that have ended."""

import asyncio
import contextlib
from collections.abc import Sequence

import msgspec

from orchestrator.cli.command import add_config, command_parser
from orchestrator.cli.say import say
from orchestrator.cli.settings import read_settings
from orchestrator.config import StoreSettings
from orchestrator.errors import ConfigError
from orchestrator.store.runs import RunStore

DAY = 86_400.0  # seconds


def main(arguments: Sequence[str]) -> int:
    """Says how many are gone."""
    parser = command_parser(
        "runs", "Forget runs that have ended, beyond what [store] keeps, or what is said here. Those that go on stay."
    )
    parser.add_argument("action", choices=("prune",))
    parser.add_argument("--keep", type=int, metavar="NUMBER", help="of runs, the newest")
    parser.add_argument("--days", type=float, metavar="NUMBER", help="how old a run may be")
    add_config(parser)
    options = parser.parse_args(arguments)
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
