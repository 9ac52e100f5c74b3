"""A cell that is stopped never was: the next one finds exactly what was there before it."""

import pytest
from notebooks import as_sent

from orchestrator.config import SandboxSettings
from orchestrator.sandbox.memory import mappings
from orchestrator.sandbox.messages import SubReply, Trap

STATE = """
import collections, decimal, functools, gc, io, itertools, random, re, uuid, weakref
def counter():
    for number in range(100):
        yield number
numbers = counter(); next(numbers)
class Node:
    def __init__(self): self.me = self
node = Node(); watched = weakref.ref(node)
try: 1 / 0
except ZeroDivisionError as error: kept_error = error
totals = collections.Counter("abracadabra"); text = "é😀" * 1000; pattern = re.compile(r"a+(b|c)")
stream = io.StringIO("some text"); stream.read(3)
pairs = itertools.cycle("xyz"); next(pairs)
@functools.lru_cache
def square(n): return n * n
square(4)
decimal.getcontext().prec = 9; random.seed(5); random.random()
"""
ENDLESS = """(module
  (memory (export "memory") 1)
  (func (export "rlm_abi_version") (result i32) (i32.const 1))
  (func (export "alloc") (param i32) (result i32) (i32.const 0))
  (func (export "run") (param i32 i32) (result i32) (loop (br 0)) (i32.const 0)))"""
PROBE = """
import datetime, time
print(next(numbers), watched() is node, repr(kept_error), totals.most_common(2), len(text), pattern.search("xaac")[0])
print(stream.read(), next(pairs), square.cache_info(), decimal.Decimal(1) / 7, random.random(), uuid.uuid4(), time.time())
print(id(node), [str(n) for n in {"c", "a", "b"}], gc.get_count(), sorted(k for k in globals() if not k.startswith("_")))
"""
ACCIDENTS = {
    "fuel": "while True: totals['x'] += 1",
    "fuel in C": "sum(range(10**12))",
    "seconds": "numbers = text = None\nwhile True: pass",
    "stack": "import sys\nsys.setrecursionlimit(10**9)\nx = None\nfor _ in range(3_000_000): x = (x,)\ndel x",
    "exit": "import os\nnode.me = None\nos._exit(1)",
    "abort": "import os\ndel totals\nos.abort()",
    "memory": "import rlm_guest.runner as r\nrandom.random(); r.json.dumps = None\nkept = ['x' * 10**6 for _ in range(150)]",
}


@pytest.fixture
def straight(new_notebook):
    """The outcomes of cells in a run without an accident."""

    async def run(*cells, **engines):
        notebook = new_notebook(**engines)
        return [await notebook.run_cell(number, code) for number, code in enumerate(cells, 1)]

    return run


@pytest.mark.parametrize("accident", ACCIDENTS)
async def test_after_an_accident_everything_is_as_before(new_notebook, new_engine, straight, accident):
    """Variables, open generators, randomness, clock, addresses: the probe prints what it prints without the accident."""
    engines = {"engine": new_engine(SandboxSettings(seconds=0.5, fuel=10**12))} if accident == "seconds" else {}
    notebook = new_notebook(**engines)
    assert (await notebook.run_cell(1, STATE)).error is None
    stopped = await notebook.run_cell(2, ACCIDENTS[accident])
    assert isinstance(stopped, Trap)
    assert not stopped.lost
    probe = await notebook.run_cell(2, PROBE)
    assert probe.error is None
    assert probe.head == (await straight(STATE, PROBE, **engines))[1].head


async def test_after_an_accident_in_the_first_cell_too(new_notebook, straight):
    """The run begins again as it began."""
    notebook = new_notebook()
    assert isinstance(await notebook.run_cell(1, "import os, random\nrandom.random()\nos._exit(1)"), Trap)
    await notebook.run_cell(1, STATE)
    assert (await notebook.run_cell(2, PROBE)).head == (await straight(STATE, PROBE))[1].head


async def test_many_accidents_in_a_row_change_nothing(new_notebook, straight):
    """Each goes back to the same state; the cells between them stay."""
    notebook = new_notebook()
    await notebook.run_cell(1, "x = []")
    for number in range(10):
        assert isinstance(await notebook.run_cell(2, "x.append('lost')\nimport os\nos._exit(1)"), Trap)
        await notebook.run_cell(3, f"x.append({number})")
    assert (await notebook.run_cell(4, "x")).head == f"{list(range(10))}\n"


async def test_an_accident_in_the_first_cell_leaves_a_new_guest(new_notebook):
    """With its context."""
    notebook = new_notebook(text="the text")
    await notebook.run_cell(1, "context = None\nimport os\nos._exit(1)")
    assert (await notebook.run_cell(2, "context")).head == "'the text'\n"


async def test_commands_are_rolled_back_too(new_notebook):
    """A list of commands counts as one cell."""
    notebook = new_notebook()
    await notebook.run_commands(1, as_sent({"op": "set", "name": "x", "value": "kept"}))
    stopped = await notebook.run_commands(
        2, as_sent({"op": "set", "name": "x", "value": "lost"}, {"op": "wasm_wat", "wat": ENDLESS})
    )
    assert isinstance(stopped, Trap)
    assert (await notebook.run_cell(3, "x")).head == "'kept'\n"


async def test_an_answer_of_a_rolled_back_cell_does_not_count(new_notebook):
    """FINAL in a cell that was stopped is as if it had not been called."""
    notebook = new_notebook()
    await notebook.run_cell(1, "FINAL('wrong')\nimport os\nos._exit(1)")
    assert (await notebook.run_cell(2, "x = 1")).answer is None


async def test_a_rolled_back_run_still_waits_for_sub_calls(new_notebook):
    """The fork is connected as its original was."""

    async def ask(prompts):
        return [SubReply(text=prompt.upper()) for prompt in prompts]

    notebook = new_notebook(ask=ask)
    await notebook.run_cell(1, "llm_query('a')\nimport os\nos._exit(1)")
    assert (await notebook.run_cell(2, "llm_query('b')")).head == "'B'\n"


async def test_plain_copies_do_the_same(new_notebook, new_engine, monkeypatch):
    """Where the platform cannot map files: slower, and equal."""
    monkeypatch.setattr(mappings, "MAPPABLE", False)
    notebook = new_notebook(engine=new_engine(SandboxSettings(fuel=3_000_000_000, memory_bytes=64 << 20)), text="the text")
    await notebook.run_cell(1, "x = [context]")
    assert isinstance(await notebook.run_cell(2, "x = None\nwhile True: pass"), Trap)
    assert (await notebook.run_cell(3, "x")).head == "['the text']\n"
