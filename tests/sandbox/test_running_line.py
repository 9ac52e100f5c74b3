"""Which line of a cell was running when it was stopped."""

import random
import struct
import time

import msgspec
import pytest
from notebooks import as_sent

from orchestrator.config import SandboxSettings
from orchestrator.sandbox.messages import CellRequest, Line
from orchestrator.sandbox.running_line import Layout, find_layout, running_line

IN_LIBRARY = "import itertools, statistics\n\nstatistics.mean(itertools.repeat(1))"
IN_A_THREAD = """from concurrent.futures import ThreadPoolExecutor
def count(number):
    while True: number += 1
with ThreadPoolExecutor() as pool:
    pool.map(count, [1, 2])"""
IN_A_TASK = """import asyncio
async def count():
    await asyncio.sleep(1)
    number = 0
    while True: number += 1
await asyncio.gather(count(), count())"""
DEEP = """import sys
sys.setrecursionlimit(10**9)
def deeper(number):
    return 1 + deeper(number + 1)

deeper(0)"""


@pytest.mark.parametrize(
    ("code", "kind", "line"),
    [
        pytest.param("x = 0\n\nwhile True: x += 1", "fuel", Line(3, "while True: x += 1"), id="a loop"),
        pytest.param("def f():\n    while True: pass\n\nf()", "fuel", Line(2, "while True: pass"), id="a function"),
        pytest.param("rows = [1]\nn = [row\n  for row in rows if sum(range(10**12))]", "fuel", Line(3, "for row in rows if sum(range(10**12))]"), id="a list"),
        pytest.param("x = 1\nsum(n for n in range(10**12))", "fuel", Line(2, "sum(n for n in range(10**12))"), id="a generator"),
        pytest.param("x = 1\nsum(range(10**12))\nx = 2", "fuel", Line(2, "sum(range(10**12))"), id="a loop in C"),
        pytest.param(DEEP, "fuel", Line(4, "return 1 + deeper(number + 1)"), id="recursion"),
        pytest.param(IN_LIBRARY, "fuel", Line(3, "statistics.mean(itertools.repeat(1))"), id="a function of the library"),
        pytest.param(IN_A_THREAD, "fuel", Line(3, "while True: number += 1"), id="a pool"),
        pytest.param(IN_A_TASK, "fuel", Line(5, "while True: number += 1"), id="a task"),
        pytest.param("x = 1\r\ny = '\f\u2028'\rwhile True: pass", "fuel", Line(3, "while True: pass"), id="ends of lines"),
        pytest.param(f"while True: {'x = 1; ' * 20}", "fuel", Line(1, f"while True: {'x = 1; ' * 12}x = ..."), id="a long line"),
        pytest.param("import os\nos._exit(1)", "aborted", Line(2, "os._exit(1)"), id="the end of the interpreter"),
        pytest.param("while True: pass\n" * 2000, "fuel", Line(1, "while True: pass"), id="a long cell"),
    ],
)  # fmt: skip
async def test_a_stopped_cell_was_in_a_line(new_notebook, code, kind, line):
    """The innermost of its own, whatever that had called; numbers are those of a traceback."""
    trap = await new_notebook().run_cell(1, code)
    assert (trap.kind, trap.line) == (kind, line)


async def test_a_pattern_that_tries_everything_is_named_with_its_line(new_notebook):
    """Both are told."""
    trap = await new_notebook().run_cell(1, "import re\ntext = 'a' * 40\nre.match('(a+)+b', text)")
    assert (trap.within, trap.line) == ("re", Line(3, "re.match('(a+)+b', text)"))


async def test_the_clock_stops_a_cell_in_a_line_too(new_notebook, new_engine):
    """Seconds, not fuel."""
    quick = new_engine(SandboxSettings(seconds=0.3, fuel=10**14, memory_bytes=64 << 20))
    trap = await new_notebook(engine=quick).run_cell(1, "x = 1\nwhile True: pass")
    assert (trap.kind, trap.line) == ("seconds", Line(2, "while True: pass"))


async def test_a_function_of_an_earlier_cell_is_named_by_the_line_that_called_it(new_notebook):
    """The model is told of the cell that it has just written."""
    notebook = new_notebook()
    await notebook.run_cell(1, "def f():\n    while True: pass")
    assert (await notebook.run_cell(2, "x = 1\n\nf()")).line == Line(3, "f()")


FORGED = [
    pytest.param("exec(compile('\\n' * 50 + 'while True: pass', '<cell 1>', 'exec'))", id="a line that the cell has not"),
    pytest.param("def f():\n    while True: pass\nf.__code__ = f.__code__.replace(co_linetable=b'')\nf()", id="no table"),
    pytest.param("def f():\n    while True: pass\nf.__code__ = f.__code__.replace(co_linetable=b'\\xf7' + b'\\x7f' * 90)\nf()", id="a number without end"),
    pytest.param("def f():\n    while True: pass\nf.__code__ = f.__code__.replace(co_firstlineno=2**31 - 2)\nf()", id="far away"),
]  # fmt: skip


@pytest.mark.parametrize("code", FORGED)
async def test_a_cell_that_forges_its_lines_is_in_none(new_notebook, code):
    """There is nothing to be named."""
    trap = await new_notebook().run_cell(1, code)
    assert (trap.kind, trap.line) == ("fuel", None)


async def test_commands_are_in_no_line(new_notebook):
    """They are no lines."""
    trap = await new_notebook().run_commands(1, as_sent({"op": "python", "code": "while True: pass"}))
    assert (trap.kind, trap.line) == ("fuel", None)


CELL = CellRequest(number=7, kind="python", text="\n".join("abcdef"), names_context=False, fuel=1)
LAYOUT = Layout(
    runtime=64,
    interpreters=8,
    threads=4,
    current_frame=12,
    previous=4,
    executable=0,
    instruction=8,
    filename=0,
    line_table=4,
    first_line=8,
    instructions=16,
    bytes_length=4,
    bytes_content=8,
    text_content=8,
)
INTERPRETER, THREAD, NONE, CODE, FILENAME, TABLE = 128, 160, 224, 256, 288, 320
ENTRY_FRAME, FRAME = 192, 208
# Three units on line 2; two units two lines on, with columns; eight units one line back (a signed number); one without a line.
LINES = bytes([0x80 | 10 << 3 | 2, 1, 1, 0x80 | 12 << 3 | 1, 1, 1, 0x80 | 13 << 3 | 7, 3, 0x80 | 15 << 3])


def remains(unit=0):
    """The memory of a guest that has the bare necessities, in `unit` of its code."""
    memory = bytearray(512)

    def put(address, *words):
        struct.pack_into(f"<{len(words)}I", memory, address, *words)

    put(LAYOUT.runtime + LAYOUT.interpreters, INTERPRETER)
    put(INTERPRETER + LAYOUT.threads, THREAD)
    put(THREAD + LAYOUT.current_frame, ENTRY_FRAME)
    put(ENTRY_FRAME, NONE | 1, FRAME, 0)
    put(FRAME, CODE | 1, 0, CODE + LAYOUT.instructions + 2 * unit)
    put(CODE, FILENAME, TABLE, 2)
    put(TABLE + LAYOUT.bytes_length, len(LINES))
    memory[FILENAME + 8 : FILENAME + 17] = b"<cell 7>\0"
    memory[TABLE + 8 : TABLE + 8 + len(LINES)] = LINES
    return memory


def number_in(memory, layout=LAYOUT):
    line = running_line(layout, memoryview(memory), CELL)
    return line.number if line else None


@pytest.mark.parametrize(
    ("unit", "number"), [(0, 2), (2, 2), (3, 4), (4, 4), (5, 3), (12, 3), (13, None), (14, None), (-1, None)]
)
def test_an_instruction_is_in_the_line_of_its_entry(unit, number):
    """One without a line, and what lies outside of the code, is in none."""
    assert number_in(remains(unit)) == number


def test_frames_in_a_circle_come_to_an_end():
    """In the time of some thousand frames."""
    memory = remains()
    struct.pack_into("<2I", memory, ENTRY_FRAME, NONE, ENTRY_FRAME)
    assert number_in(memory) is None


def test_a_table_without_end_comes_to_an_end():
    """Of one that claims four gigabytes a bounded part is looked at."""
    memory = remains(unit=1 << 30) + bytes([0x80]) * (1 << 24)
    struct.pack_into("<I", memory, TABLE + LAYOUT.bytes_length, 0xFFFFFFFF)
    started = time.monotonic()
    assert number_in(memory) is None
    assert time.monotonic() - started < 1


def test_any_memory_comes_to_a_line_of_the_cell_or_none():
    """Ten thousand that were written over at random, cut, or read with other offsets."""
    chance = random.Random(15)
    numbers = set()
    for _ in range(10_000):
        memory = remains(chance.randrange(20))
        for _ in range(chance.randrange(1, 8)):
            place = chance.randrange(64, 400)
            content = chance.choice(
                (chance.randbytes(1), chance.randbytes(4), b"\xff" * 4, struct.pack("<I", chance.randrange(512)))
            )
            memory[place : place + len(content)] = content
        places = {
            name: chance.choice((0, 4, 1 << 31, (1 << 64) - 1, chance.randrange(64))) for name in Layout.__struct_fields__
        }
        other = chance.random() < 0.2
        layout = msgspec.structs.replace(LAYOUT, **dict(chance.sample(sorted(places.items()), 2))) if other else LAYOUT
        numbers.add(number_in(memory[: chance.choice((512, 512, chance.randrange(512)))], layout))
    assert numbers == {None, 1, 2, 3, 4, 5, 6}


def table_of_offsets(cookie=b"xdebugpy", version=0x030E02F0, free_threaded=0):
    return struct.pack("<8s80Q", cookie, version, free_threaded, *range(3, 81))


@pytest.mark.parametrize(
    "memory",
    [
        pytest.param(bytes(1 << 16), id="no cookie"),
        pytest.param(b"", id="nothing"),
        pytest.param(table_of_offsets(version=0x030F00F0), id="another version"),
        pytest.param(table_of_offsets(free_threaded=1), id="free threads"),
        pytest.param(table_of_offsets()[:-1], id="cut off"),
    ],
)
def test_a_guest_of_another_kind_names_no_line(memory):
    """Its objects lie otherwise."""
    assert find_layout(memory) is None
    assert running_line(None, memoryview(remains()), CELL) is None


def test_the_layout_is_what_the_component_says():
    """Wherever it lies in the memory."""
    layout = find_layout(bytes(4096) + table_of_offsets() + bytes(10))
    assert (layout.runtime, layout.interpreters, layout.current_frame, layout.text_content) == (4096, 5, 26, 80)
