"""Cells of many runs at once: none holds up a short one."""

import asyncio
import threading
import time

import pytest
from notebooks import shout

from orchestrator.config import SandboxSettings
from orchestrator.sandbox.limits import Meter
from orchestrator.sandbox.modules import wat_compiler
from orchestrator.sandbox.turns import Turns


async def test_a_short_cell_is_not_held_up_by_many_long_ones(new_engine, new_notebook):
    """Fifty runs that spin; a neighbour's cell takes a tenth of a second or so."""
    engine = new_engine(SandboxSettings(seconds=30.0, memory_bytes=256 << 20))
    spinning = [asyncio.create_task(new_notebook(engine=engine).run_cell(1, "while True: pass")) for _ in range(50)]
    await asyncio.sleep(2)
    neighbour = new_notebook(engine=engine)
    began = time.monotonic()
    outcome = await neighbour.run_cell(1, "print(sum(range(100_000)))")
    took = time.monotonic() - began
    for each in spinning:
        each.cancel()
    await asyncio.gather(*spinning, return_exceptions=True)
    assert outcome.head + outcome.tail == "4999950000\n"
    assert took < 1.5


async def test_a_cell_that_waits_for_a_model_lets_others_compute(new_notebook, engine):
    """More wait than may compute at once."""
    waiting, all_wait, go_on = [], asyncio.Event(), asyncio.Event()

    async def slow(prompts):
        waiting.append(prompts)
        if len(waiting) == 20:
            all_wait.set()
        await go_on.wait()
        return await shout(prompts)

    asking = [asyncio.create_task(new_notebook(ask=slow).run_cell(1, "llm_query('x')")) for _ in range(20)]
    async with asyncio.timeout(30):
        await new_notebook().run_cell(1, "1")
        await all_wait.wait()
    go_on.set()
    await asyncio.gather(*asking)
    assert engine.turns._free > 0


def test_who_has_computed_least_is_next():
    """Whoever came first; one that is cancelled waits no more."""
    turns = Turns(1)
    order = []
    turns.enter(0.0, cancelled=Meter(1.0))

    def compute(seconds):
        turns.enter(seconds, cancelled=Meter(1.0))
        order.append(seconds)
        turns.leave()

    threads = [threading.Thread(target=compute, args=(seconds,)) for seconds in (3.0, 1.0, 2.0)]
    for each in threads:
        each.start()
    while len(turns._waiting) < 3:
        time.sleep(0.001)
    over = Meter(1.0)
    over.cancelled = True
    turns.enter(9.0, cancelled=over)
    turns.leave()
    assert order == []
    turns.leave()
    for each in threads:
        each.join()
    assert (order, turns._free) == ([1.0, 2.0, 3.0], 1)


def test_compilers_begin_in_the_order_of_asking(monkeypatch):
    """One that is cancelled takes nobody's place."""
    monkeypatch.setattr(wat_compiler, "MOST_AT_ONCE", 0)
    meter = Meter(1.0)
    meter.cancelled = True
    with pytest.raises(ValueError, match=r"^compiling it takes more time or memory than there is$"):
        wat_compiler.compile_text("(module)", meter)
    assert wat_compiler._asked == []
