"""`make siege`: attacks on a real server process, one after the other, and what was seen of it meanwhile.

A line for each: whether it was held; the longest wait for GET /health; the server's memory before, at most and after; the
slowest answer that a neighbour got to a tiny query, how many were right, and how many were refused with when to come again.
"""

import argparse
import asyncio
import resource
import sys
import traceback
from collections import defaultdict
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(Path(__file__).parent)]

import by_cells  # noqa: E402  (the path comes first)
import by_connections  # noqa: E402
import by_files  # noqa: E402
import by_models  # noqa: E402
import by_neighbours  # noqa: E402
import by_pages  # noqa: E402
import by_runs  # noqa: E402
import by_signals  # noqa: E402
from besieging import MIB, NotHeld, Siege  # noqa: E402

GOAL = 0.3  # seconds that /health may take
FROZEN = 3.0  # more than any noise of a busy machine makes of it
ATTACK_SECONDS = 600  # none takes so long, or it hangs


class Attack(NamedTuple):
    """`play(siege, *sizes)`, on a server of these settings; `short`: the sizes in `make test`, None: it is not played there.

    `most`, `left`: MiB that it may take at once, and that may be kept of that; `slowest`: seconds of the neighbour.
    """

    name: str
    play: Callable[..., Awaitable[None]]
    sizes: tuple = ()
    short: tuple | None = None
    settings: dict[str, Any] | None = None
    files: int | None = None
    most: int = 400
    left: int = 100
    slowest: float = 2.0


class Outcome(NamedTuple):
    """`problems`: why it was not held."""

    attack: Attack
    problems: list[str]
    seen: dict

    def __str__(self):
        seen = self.seen
        if not seen:
            return f"NOT HELD  {self.attack.name}: {'; '.join(self.problems)}"
        before, after = (seen[each] // MIB for each in ("before", "after"))
        most = max(seen["memory"] // MIB, after)
        line = (
            f"{'NOT HELD' if self.problems else 'held':8}  {self.attack.name:52}  {seen['freeze']:6.2f} s  "
            f"{before:5} {most:5} {after:5} MiB  {seen['slowest']:6.2f} s {seen['right']:4} right {seen['refused']:3} refused"
        )
        return "\n".join([line, *(f"          {each}" for each in self.problems)])


# Contexts that stay loaded for the next run, as they may, would be taken for memory that is not given back.
SMALL = {
    "sandbox": {"memory_bytes": 64 * MIB, "template_bytes": 16 * MIB},
    "server": {"run_journal_bytes": 4 * MIB},
    "": {"retry_seconds": 0.001},
}
# Nor is a run parked there: its memory would be given up before the others have theirs.
ROOMY = {
    "sandbox": {"memory_bytes": 256 * MIB},
    "server": {"budget_bytes": 24 << 30, "run_journal_bytes": MIB, "park_seconds": 3600.0},
}
DEEP = {"sandbox": {"memory_bytes": 256 * MIB}, "": {"retry_seconds": 0.001}}
LARGE = {"sandbox": {"memory_bytes": 1024 * MIB}, "": {"max_iterations": 60}}
QUEUE = {
    "sandbox": {"memory_bytes": 1024 * MIB},
    "server": {"budget_bytes": 4 << 30, "max_queued_runs": 50, "run_journal_bytes": MIB},
}
JOURNALS = {"server": {"run_journal_bytes": 32 * MIB}}
SPINNING = {"sandbox": {"memory_bytes": 64 * MIB, "seconds": 5.0}}
FEW_SLOTS = SMALL | {"provider": {"max_concurrency": 4}}
GUARDED = SMALL | {"tokens": by_pages.TOKENS}

ATTACKS = (
    Attack("runs abandoned by their clients", by_runs.abandoned, (20, 100), (4, 60), ROOMY, most=2400),
    Attack("an array of 880 MiB rewritten in slices", by_runs.rewritten_slices, (880, 32), None, LARGE, most=2200),
    Attack("50 runs of 1 GiB on 4 GiB, and 20 too many", by_runs.queued, (50, 20, 900), None, QUEUE, most=4096, slowest=120),
    Attack("queries of 20 MB", by_runs.large_queries, (20,), (2,), SMALL),
    Attack("journals that grow", by_runs.growing_journals, (8, 18), None, JOURNALS, most=600, left=350),
    Attack("80 runs under `ulimit -n 64`", by_runs.few_descriptors, (80,), None, SMALL, files=64, slowest=30),
    Attack("1,300 connections at 1,000 descriptors", by_connections.flood, (1300, 15), None, SMALL, files=1000),
    Attack("headers that do not end", by_connections.slow_headers, (100,), None, SMALL),
    Attack("bodies that do not come", by_connections.slow_bodies, (50,), None, SMALL),
    Attack("bodies in chunks of one byte", by_connections.tiny_chunks, (4, 1_000_000), (1, 200_000), SMALL),
    Attack("bodies of 30 MB that are refused", by_connections.refused_bodies, (10, 30), (2, 30), SMALL),
    Attack("40 spinning cells beside a long one", by_neighbours.spinning, (40, 20), None, SPINNING, most=1500, slowest=10),
    Attack("batches of 50 beside one call", by_neighbours.batch, (50, 1.5), None, FEW_SLOTS),
    Attack("a cell that replaces what reports, and prints 10 M", by_cells.liar, (), None, DEEP, most=700),
    Attack("a reply of 20,000 blocks", by_cells.many_blocks, (20_000,), (20_000,), SMALL),
    Attack(
        "deep JSON from a cell, a command, a module, a body", by_cells.nested_json, (1_000_000,), (200_000,), DEEP, most=700
    ),
    *(
        Attack(f"a backend's {name}", by_models.failing, (how,), (how,) if how == "nested_error" else None, DEEP)
        for name, how in (
            ("reply of 200 MB", "large"),
            ("line of 200 MB", "one_line"),
            ("stream without end", "endless"),
            ("deep error", "nested_error"),
            ("deep reply", "nested_reply"),
        )
    ),
    Attack("a backend's emoji in pieces of a byte", by_models.cut_characters, (), (), SMALL),
    Attack("pages of other sites", by_pages.other_sites, (20,), (2,), SMALL),
    Attack("no token, a wrong one, another's", by_pages.tokens, (10,), (1,), GUARDED),
    Attack("journals that were forged, for `rlm replay`", by_files.journals, (60,), None, SMALL),
    Attack("machine code that is damaged", by_files.damaged_cache, (), None, SMALL, slowest=20),
    Attack("SIGTERM amid runs", by_signals.stopped, (20,), None, SMALL),
)


async def besiege(siege, attacks, patience=1.0):
    """Plays attacks (each with its sizes) on one running server; yields their outcomes. `patience`: on a busy machine, more."""
    try:
        async with siege.running():
            for attack, sizes in attacks:
                problems = await _problems(siege, attack, sizes)
                yield Outcome(attack, [*problems, *_judge(attack, siege, patience)], siege.seen)
    except NotHeld as error:  # it did not start
        yield Outcome(attacks[0][0], [str(error)], {})


async def _problems(siege, attack, sizes):
    try:
        async with siege.watched(), asyncio.timeout(ATTACK_SECONDS):
            await attack.play(siege, *sizes)
    except NotHeld as error:
        return [str(error)]
    except Exception:  # noqa: BLE001  (an attack that cannot be played is not held)
        return [traceback.format_exc(limit=-3)]
    return []


def _judge(attack, siege, patience):
    """What must not be seen, whatever the attack was."""
    seen = siege.seen
    if siege.process.returncode is not None:
        yield f"the server ended ({siege.process.returncode}): {siege.log[-500:]}"
    if "Traceback" in siege.log:
        yield f"the log has a traceback: {siege.log[siege.log.index('Traceback') :][:1500]}"
    if not seen:
        yield "nothing was seen"
        return
    yield from seen["wrong"][:3]
    if not seen["right"]:
        yield "the neighbour had no answer"
    if seen["slowest"] > attack.slowest * patience:
        yield f"the neighbour waited for {seen['slowest']:.1f} s"
    if seen["freeze"] > FROZEN * patience:
        yield f"/health took {seen['freeze']:.1f} s"
    taken, left = ((seen[each] - seen["before"]) // MIB for each in ("memory", "after"))
    if taken > attack.most:
        yield f"it took {taken} MiB at once, at most {attack.most}"
    if left > attack.left:
        yield f"{left} MiB were not given back"


def _siege(attack):
    siege = Siege(attack.settings, attack.files, by_pages.SECRETS)
    if attack.settings is GUARDED:
        siege.headers = {"authorization": f"Bearer {by_pages.OWN}"}
    return siege


async def play(attacks):
    """Each on a server of its own."""
    for attack in attacks:
        async for outcome in besiege(_siege(attack), [(attack, attack.sizes)]):
            yield outcome


async def play_short():
    """Those that have a short form, in that, on one server for each of their settings."""
    together = defaultdict(list)
    for attack in ATTACKS:
        if attack.short is not None:
            together[id(attack.settings)].append((attack, attack.short))
    return [each for attacks in together.values() async for each in besiege(_siege(attacks[0][0]), attacks, patience=5.0)]


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default="", help="attacks whose name has these words")
    options = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 8192), most))
    print(f"{'':8}  {'attack':52}  /health   memory before, most, after   neighbour")
    lost = 0
    async for outcome in play(each for each in ATTACKS if options.only in each.name):
        slow = outcome.seen.get("freeze", 0) > GOAL
        print(outcome, "(above the goal)" if slow else "", flush=True)
        lost += bool(outcome.problems)
    print(f"{lost} were not held" if lost else "all were held")
    sys.exit(bool(lost))


if __name__ == "__main__":
    asyncio.run(main())
