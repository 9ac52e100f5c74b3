"""What forkable memory costs: snapshots, forks and rollbacks, by the size of the context; many at once."""

import gc
import time
from collections.abc import Callable
from typing import Any

from measuring import private_mb, shown, timed

from orchestrator.config import CellLimits, SandboxSettings
from orchestrator.contexts.context import Context
from orchestrator.contexts.store import ContextStore
from orchestrator.sandbox import templates
from orchestrator.sandbox.engine import Engine
from orchestrator.sandbox.entered import entering
from orchestrator.sandbox.execution import preparation
from orchestrator.sandbox.instance import Instance
from orchestrator.sandbox.messages import Opening

SIZES = {"none": 0, "100 MB": 100_000_000, "1 GB": 1_000_000_000}
HEAVY = "made{} = [str(n) * 3 for n in range(60_000)]\nimport gc\ngc.collect()"
RUNS = 20
UNHURRIED = CellLimits(seconds=600.0)


def opening(engine: Engine) -> Opening:
    return Opening(seed=1, clock_start_ns=0, limits=engine.settings)


def fork_rows() -> list[str]:
    """One table row for each operation, one column for each size."""
    engine = Engine(SandboxSettings())
    columns = [in_guest(engine, lambda context=context: measure(engine, context)) for context in contexts()]
    rows = [f"| {name} | {' | '.join(shown(column[name]) for column in columns)} |" for name in columns[0]]
    many = in_guest(engine, lambda: many_forks(engine))
    engine.close()
    return ["", f"| ms, by the context | {' | '.join(SIZES)} |", f"|---|{'---|' * len(SIZES)}", *rows, "", *many]


def contexts() -> list[Context]:
    store = ContextStore()
    return [store.add_text("some words " * (size // 11)) for size in SIZES.values()]


def in_guest(engine: Engine, action: Callable[[], Any]) -> Any:
    def inside() -> Any:
        with entering(preparation(engine.nothing, UNHURRIED, engine.modules)):
            return action()

    return engine.enter(inside).result()


def measure(engine: Engine, context: Context) -> dict[str, list[float]]:
    """Milliseconds of each operation over one context."""
    template = engine.templates.image(context, engine.settings)
    extra = templates.extra_bytes(context, engine.settings)

    def fresh() -> Instance:
        return templates.begin(engine, context, template, opening(engine))

    rows = {
        "fork": timed(lambda: engine.fork(template, None, extra), RUNS),
        "fresh sandbox (fork and seed)": timed(fresh, RUNS),
    }
    guest = fresh()
    guest.call("run-cell", 1, "found = context.count('words')")
    rows["snapshot after a light cell"] = [after(guest, "x = 1") for _ in range(RUNS)]
    rows["rollback: fork of that snapshot"] = fork_times(engine, guest, extra)
    rows["snapshot after a heavy cell (16 MB of new objects)"] = [after(guest, HEAVY.format(n)) for n in range(RUNS)]
    rows["rollback after 20 heavy cells"] = fork_times(engine, guest, extra)
    return rows


def after(guest: Instance, code: str) -> float:
    guest.call("run-cell", 1, code)
    started = time.perf_counter()
    guest.snapshot()
    return (time.perf_counter() - started) * 1000


def fork_times(engine: Engine, guest: Instance, extra: int) -> list[float]:
    image = guest.snapshot()
    return timed(lambda: engine.fork(image, None, extra), RUNS)


def many_forks(engine: Engine) -> list[str]:
    """100 and 1,000 live forks over one context of 100 MB, each of which has run a cell."""
    context = contexts()[1]
    image = engine.templates.image(context, engine.settings)
    rows = [
        "| live forks over one context of 100 MB | begun: ms each, private MB in all | after a cell each |",
        "|---|---|---|",
    ]
    for count in (100, 1000):
        gc.collect()
        before, started = private_mb(), time.perf_counter()
        live = [templates.begin(engine, context, image, opening(engine)) for _ in range(count)]
        begun = f"{(time.perf_counter() - started) * 1000 / count:.2f}, {private_mb() - before:,.0f}"
        started = time.perf_counter()
        for guest in live:
            guest.call("run-cell", 1, "x = len(context)")
        after_cell = f"{(time.perf_counter() - started) * 1000 / count:.2f}, {private_mb() - before:,.0f}"
        rows.append(f"| {count:,} | {begun} | {after_cell} |")
        del live, guest
    return [*rows, ""]
