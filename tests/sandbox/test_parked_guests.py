"""A guest that gives memory and thread back while its run waits, and goes on as if it had not."""

import asyncio
import gc
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from notebooks import Notebook, shout
from test_determinism import CELLS
from test_rollback import PROBE, STATE

from orchestrator.config import SandboxSettings
from orchestrator.contexts.store import ContextStore
from orchestrator.errors import SandboxError
from orchestrator.sandbox import limits
from orchestrator.sandbox.memory import mappings, memory
from orchestrator.sandbox.messages import SubReply, Trap

ASKING = [
    "import random, time\nx = [llm_query('a'), random.random(), time.time()]\nprint(x)",
    "y = llm_batch(['b', 'c'])\ntry: llm_query('fails')\nexcept LLMError as error: print(error, id(y))\nprint(y)",
    "words = modules.text.describe()['words']\nz = llm_query(f'{words} words')\nprint(z, modules.regex.count('the'), llm_query(z))",
    "print(context[5:9], llm_query(context[:3]), context.upper(), time.time())",
    "q = llm_query('last')\nimport os\nos._exit(1)",
    "print(x, y, z, random.random(), len(llm_query('again')))\nFINAL(x)",
]


async def some_fail(prompts):
    return [SubReply(error="m: no") if prompt == "fails" else SubReply(text=prompt.upper()) for prompt in prompts]


class Parked(Notebook):
    """Parked at each call that waits for its run, and between its cells; `parked` says of each whether it was."""

    def __init__(self, *arguments, **others):
        super().__init__(*arguments, **others)
        self.parked = []

    async def answer(self, call):
        self.parked.append(await self.guest.park())
        return await super().answer(call)

    async def run_cell(self, number, code):
        outcome = await super().run_cell(number, code)
        self.parked.append(await self.guest.park())
        return outcome


class Forgetful(Parked):
    """The template of its context is gone each time, too."""

    async def run_cell(self, number, code):
        outcome = await super().run_cell(number, code)
        self.guest._engine.templates.shrink(0)
        gc.collect()
        return outcome


def plain(outcome):
    """All that does not hang on clocks."""
    fields = {name: getattr(outcome, name) for name in outcome.__struct_fields__ if name != "seconds"}
    return type(outcome).__name__, fields


async def executed(kind, engine, cells, text="the context, and the other words", ask=some_fail):
    """(outcomes, records of calls) of each cell, and the notebook."""
    notebook = kind(engine, ContextStore().add_text(text), ask)
    found = [(plain(await notebook.run_cell(number, code)), list(notebook.calls)) for number, code in enumerate(cells, 1)]
    notebook.guest.close()
    return found, notebook


@pytest.mark.parametrize("kind", [Parked, Forgetful])
async def test_a_guest_that_was_parked_comes_to_the_same(engine, kind):
    """In each call and between all cells: outputs, addresses, clock, randomness, fuel, reads of the context, records."""
    straight, _ = await executed(Notebook, engine, ASKING)
    parked, notebook = await executed(kind, engine, ASKING)
    assert parked == straight
    assert notebook.parked == [True] * 14


async def test_a_lazy_context_is_read_again(new_engine):
    """Its reads are counted once."""
    engine = new_engine(SandboxSettings(context_inline_limit=100, fuel=3_000_000_000))
    cells = [
        "print(context[10:20])\nx = llm_query('a')\nprint(context.count('the'), x, llm_query(context[:5]))",
        "print(len(context), x)",
    ]
    text = "the other words " * 100
    straight, _ = await executed(Notebook, engine, cells, text)
    parked, notebook = await executed(Parked, engine, cells, text)
    assert parked == straight
    assert straight[0][0][1]["effects"].context_reads > 1
    assert notebook.parked == [True] * 4


async def test_commands_are_parked_too(engine):
    """A list of commands is a cell."""
    commands = '[{"op": "llm_query", "prompt": "a", "store": "x"}, {"op": "llm_query", "prompt": "${x}b", "store": "y"}]'
    found = []
    for kind in (Notebook, Parked):
        notebook = kind(engine, ContextStore().add_text("the text"), shout)
        outcome = await notebook.run_commands(1, commands)
        found.append((plain(outcome), notebook.calls, plain(await notebook.run_cell(2, "print(x, y)"))))
    assert found[0] == found[1]
    assert found[1][2][1]["head"] == "A AB\n"


async def test_plain_copies_do_the_same(new_engine, monkeypatch):
    """Where the platform cannot map files."""
    monkeypatch.setattr(mappings, "MAPPABLE", False)
    engine = new_engine(SandboxSettings(fuel=3_000_000_000, memory_bytes=64 << 20))
    cells = ["x = llm_query('a')", "print(x, context)"]
    assert (await executed(Parked, engine, cells))[0] == (await executed(Notebook, engine, cells))[0]


async def test_whatever_a_cell_leaves_is_there_after(engine):
    """Open generators, weak references, caches, streams."""
    cells = [STATE, "llm_query('a')", PROBE]
    straight, _ = await executed(Notebook, engine, cells)
    assert (await executed(Parked, engine, cells))[0] == straight
    assert straight[2][0][1]["error"] is None


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(cells=st.lists(CELLS, min_size=1, max_size=6))
async def test_random_cells_come_to_the_same(engine, cells):
    """Parked at each wait."""
    parked, notebook = await executed(Parked, engine, cells)
    assert parked == (await executed(Notebook, engine, cells))[0]
    assert all(notebook.parked)


async def test_neither_memory_nor_a_thread_is_held(new_engine):
    """While a cell waits, and between two cells."""
    engine = new_engine(SandboxSettings())
    released = []

    async def release():
        """Whether all of it is given back, now or in a moment: a thread has yet to come to its end."""
        for _ in range(100):
            gc.collect()
            if (engine.alive, engine._threads.count - engine._threads._idle) == (0, 0):
                return True
            await asyncio.sleep(0.05)
        return False

    class Watched(Parked):
        async def answer(self, call):
            self.parked.append(await self.guest.park())
            released.append(await release())
            return await Notebook.answer(self, call)

    notebook = Watched(engine, ContextStore().add_text("t"))
    await notebook.run_cell(1, "x = bytearray(20 << 20)\nllm_query('a')")
    released.append(await release())
    await notebook.run_cell(2, "llm_query('b')\nprint(len(x))")
    assert released == [True] * 3


async def test_fuel_and_seconds_are_counted_once(engine):
    """The cell that is executed again and again has used what it used."""
    code = "for n in range(5):\n    sum(range(100_000)); llm_query(str(n))"
    one, again = Notebook(engine, ContextStore().add_text("t")), Parked(engine, ContextStore().add_text("t"))
    first, second = await one.run_cell(1, code), await again.run_cell(1, code)
    assert (first.fuel, first.error, second.error) == (second.fuel, None, None)
    assert second.seconds < 2.5 * first.seconds  # executed five times


async def test_a_cell_that_spins_after_it_came_back_is_stopped(new_engine):
    """What it computed before is counted; the next cell finds what was there before it."""
    notebook = Parked(new_engine(SandboxSettings(seconds=0.5, fuel=10**13)), ContextStore().add_text("t"))
    stopped = await notebook.run_cell(1, "sum(range(500_000)); llm_query('a')\nwhile True: pass")
    assert (stopped.kind, 0.5 <= stopped.seconds < 0.7, notebook.parked) == ("seconds", True, [True, True])


async def test_what_would_take_long_to_compute_again_is_not_given_up(engine, monkeypatch):
    """The guest keeps its thread then; after the cell it is parked as any other."""
    monkeypatch.setattr(limits, "REPEATED_SECONDS", 0.0)
    found, notebook = await executed(Parked, engine, ASKING[:2])
    assert notebook.parked == [False, True, False, False, True]
    assert found == (await executed(Notebook, engine, ASKING[:2]))[0]


async def test_a_cell_that_waits_again_and_again_is_written_once(engine, monkeypatch):
    """What was there before it does not change."""
    written = []
    place = engine.spool.place
    monkeypatch.setattr(engine.spool, "place", lambda length: written.append(length) or place(length))
    cells = ["x = 1", "for n in range(5): llm_query(str(n))\nimport os\nos._exit(1)", "print(x, llm_query('a'))", "x += 1"]
    found, notebook = await executed(Parked, engine, cells)
    assert notebook.parked == [True] * 10
    assert len(written) == 3  # behind the cells 1, 3 and 4
    assert found == (await executed(Notebook, engine, cells))[0]


async def test_a_module_that_asks_keeps_its_guest(engine):
    """It would have to be executed again."""
    wat = r"""(module
      (import "rlm" "llm_query" (func $ask (param i32 i32) (result i64)))
      (import "rlm" "emit" (func $emit (param i32 i32)))
      (memory (export "memory") 1) (data (i32.const 0) "[\"q\"]")
      (func (export "rlm_abi_version") (result i32) (i32.const 1))
      (func (export "alloc") (param i32) (result i32) (i32.const 4096))
      (func (export "run") (param i32 i32) (result i32) (local $r i64)
        (local.set $r (call $ask (i32.const 0) (i32.const 5)))
        (call $emit (i32.wrap_i64 (i64.shr_u (local.get $r) (i64.const 32))) (i32.wrap_i64 (local.get $r)))
        (i32.const 0)))"""
    cells = [f"from rlm_guest import calls\nprint(calls.run_wat({wat!r}, 'run', {{}}, None))"]
    found, notebook = await executed(Parked, engine, cells)
    assert notebook.parked == [False, True]
    assert found == (await executed(Notebook, engine, cells))[0]
    assert found[0][0][1]["head"] == "[{'text': 'Q'}]\n"


async def test_a_disk_without_room_parks_nothing(engine, monkeypatch):
    """The guest keeps its memory, and goes on."""

    def full(length):
        raise OSError("the disk is too full")

    monkeypatch.setattr(engine.spool, "place", full)
    found, notebook = await executed(Parked, engine, ASKING[:2])
    assert notebook.parked == [True, False, False, False, False]  # of the first cell there is nothing to write
    assert found == (await executed(Notebook, engine, ASKING[:2]))[0]


async def test_a_cell_that_is_cancelled_while_it_is_parked_ends(engine):
    """Its answer is not waited for, and its memory is gone."""
    cancelled = threading.Event()
    gc.collect()
    before = len(memory._live)

    class Waiting(Parked):
        async def answer(self, call):
            self.parked.append(await self.guest.park())
            try:
                await asyncio.sleep(3600)
            finally:
                cancelled.set()

    notebook = Waiting(engine, ContextStore().add_text("t"))
    task = asyncio.create_task(notebook.run_cell(1, "llm_query('a')"))
    while not notebook.parked:  # noqa: ASYNC110  (a list)
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    notebook.guest.close()
    await asyncio.sleep(0.1)
    gc.collect()
    assert (notebook.parked, cancelled.is_set(), len(memory._live)) == ([True], True, before)


async def test_a_trap_after_it_came_back_goes_to_the_state_before_the_cell(engine):
    """Not to that of the call."""
    cells = ["x = [1]", "x.append(2)\nllm_query('a')\nx.append(3)\nimport os\nos._exit(1)", "print(x, llm_query('b'))"]
    found, _ = await executed(Parked, engine, cells)
    assert found == (await executed(Notebook, engine, cells))[0]
    assert found[1][0][0] == Trap.__name__
    assert found[2][0][1]["head"] == "[1] B\n"


async def test_what_an_answer_failed_by_ends_the_cell(engine):
    """As it would have without."""

    async def broken(prompts):
        raise SandboxError("it broke")

    with pytest.raises(SandboxError) as error:
        await executed(Parked, engine, ["llm_query('a')"], ask=broken)
    assert str(error.value) == "it broke"
