"""The limits of a cell: each is hit, and the next cell of the same run works."""

import asyncio

import pytest

from orchestrator.config import SandboxSettings
from orchestrator.dialogue import reports
from orchestrator.sandbox.guest import CellOutcome
from orchestrator.sandbox.messages import Effects, Line, SubReply, Trap

KEPT = "Nothing of the block was kept; all variables are what they were before it."


async def outcome_and_next(notebook, code):
    """What a cell came to, and what `1 + 1` prints after it."""
    outcome = await notebook.run_cell(1, code)
    following = await notebook.run_cell(2, "1 + 1")
    return outcome, following.head


@pytest.mark.parametrize(
    "code",
    [
        "while True: pass",
        "sum(range(10**12))",
        "import re\nre.match(r'(a+)+$', 'a' * 40 + 'b')",
        "pow(7, 10**8)",
        "def f():\n    try:\n        while True: pass\n    except BaseException:\n        f()\nf()",
        "sorted(range(10**7), key=lambda n: -n)",
    ],
)
async def test_endless_work_uses_up_its_fuel(new_notebook, code):
    """Loops in Python and in C, swallowing every exception or not, end at the fuel."""
    outcome, following = await outcome_and_next(new_notebook(), code)
    assert isinstance(outcome, Trap)
    assert (outcome.kind, outcome.fuel, following) == ("fuel", 3_000_000_000, "2\n")


async def test_seconds_in_the_guest_are_limited(new_notebook, quick_engine):
    """An endless loop with plenty of fuel ends at the seconds."""
    outcome, following = await outcome_and_next(new_notebook(engine=quick_engine), "while True: pass")
    assert (outcome.kind, following) == ("seconds", "2\n")
    assert 0.3 <= outcome.seconds < 5


async def test_waiting_for_a_sub_model_is_charged_to_no_cell(new_notebook, quick_engine):
    """A sub-call that takes longer than the limit is fine."""

    async def slow(prompts):
        await asyncio.sleep(0.6)
        return [SubReply(text="late") for _ in prompts]

    outcome = await new_notebook(engine=quick_engine, ask=slow).run_cell(1, "llm_query('x')")
    assert (outcome.head, outcome.error) == ("'late'\n", None)
    assert outcome.seconds < 0.3


@pytest.fixture
def quick_engine(new_engine):
    return new_engine(SandboxSettings(seconds=0.3, fuel=10**14, memory_bytes=64 << 20))


MEMORY_ERROR = "MemoryError\n(The memory limit of the sandbox was reached: work on slices, delete what is no longer needed.)"


@pytest.mark.parametrize(
    ("code", "place"),
    [
        ("x = 'x' * 10**9", "    x = 'x' * 10**9\n        ~~~~^~~~~~~\n"),
        ("x = bytearray(2**30)", "    x = bytearray(2**30)\n"),
        ("x = [0] * 10**9", "    x = [0] * 10**9\n        ~~~~^~~~~~~\n"),
    ],
)
async def test_a_memory_bomb_in_one_step_is_a_memory_error(run_cells, code, place):
    """The variables of earlier cells are intact."""
    outcome = await run_cells("kept = 1", code)
    assert outcome.error == (
        f'Traceback (most recent call last):\n  File "<cell 2>", line 1, in <module>\n{place}{MEMORY_ERROR}'
    )
    assert (await run_cells("kept = 1", code, "kept")).head == "1\n"


async def test_a_memory_bomb_in_small_steps_is_stopped(new_notebook):
    """A list that grows for ever: an exception, or where Python cannot recover a trap; the next cell works."""
    notebook = new_notebook()
    outcome = await notebook.run_cell(1, "def grow():\n    found = []\n    while True: found.append('x' * 10**5)\ngrow()")
    assert isinstance(outcome, CellOutcome)
    assert outcome.error.endswith(MEMORY_ERROR)
    assert (await notebook.run_cell(2, "1 + 1")).head == "2\n"


async def test_recursion_in_python_is_a_recursion_error(run_cells):
    """The interpreter survives with its variables."""
    outcome = await run_cells("kept = 1\ndef f(n): return f(n + 1)", "f(0)")
    assert outcome.error.splitlines()[-1] == "RecursionError: maximum recursion depth exceeded"
    assert (await run_cells("kept = 1\ndef f(n): return f(n + 1)", "f(0)", "kept")).head == "1\n"


@pytest.mark.parametrize(
    "code",
    [
        "def f(n): return sum([f(n)])\nf(0)",
        "class A:\n    def __repr__(self): return repr(self)\nrepr(A())",
        "import json\njson.loads('[' * 100_000)",
    ],
)
async def test_recursion_through_c_is_an_exception(run_cells, code):
    """The C stack of the guest is bounded too, on a thread whose own stack is larger."""
    outcome = await run_cells(code)
    assert isinstance(outcome, CellOutcome)
    assert outcome.error.splitlines()[-1].startswith("RecursionError: ")


@pytest.mark.parametrize(
    "code",
    [
        "import sys\nsys.setrecursionlimit(10**9)\ndef f(): f()\nf()",
        "x = None\nfor _ in range(3_000_000): x = (x,)\ndel x",
        "import sys\nsys.setrecursionlimit(10**9)\nclass A:\n    def __getattr__(self, name): return getattr(self, name + 'x')\nA().y",
    ],
)
async def test_deeper_recursion_never_ends_the_host(new_notebook, code):
    """With the recursion limit lifted: an exception or a trap; the next cell works."""
    outcome, following = await outcome_and_next(new_notebook(), code)
    assert following == "2\n"
    assert isinstance(outcome, Trap) or outcome.error is None or "Error" in outcome.error


async def test_a_flood_of_output_keeps_its_beginning_and_end(run_cells):
    """Everything is counted, output_chars of it are kept."""
    outcome = await run_cells("print('a' * 10**7 + 'b' * 10**7)")
    assert (len(outcome.head), len(outcome.tail), outcome.length) == (5_000, 5_000, 20_000_001)
    assert (outcome.head, outcome.tail) == ("a" * 5_000, "b" * 4_999 + "\n")


async def test_a_flood_of_small_writes_ends_at_the_fuel(new_notebook):
    """Printing for ever is endless work like any other."""
    outcome, following = await outcome_and_next(new_notebook(), "while True: print('x')")
    assert (outcome.kind, following) == ("fuel", "2\n")


@pytest.mark.parametrize("code", ["import os\nos._exit(3)", "import os\nos.abort()"])
async def test_ending_the_interpreter_is_a_trap(new_notebook, code):
    """The instance is gone; the next cell has a new one."""
    outcome, following = await outcome_and_next(new_notebook(), code)
    assert (outcome.kind, following) == ("aborted", "2\n")


async def test_exit_is_an_exception_that_says_how_to_answer(run_cells):
    """sys.exit does not end anything."""
    outcome = await run_cells("import sys\nsys.exit(3)")
    assert outcome.error == (
        "Traceback (most recent call last):\n"
        '  File "<cell 1>", line 2, in <module>\n'
        "    sys.exit(3)\n"
        "    ~~~~~~~~^^^\n"
        "SystemExit: 3\n"
        "(A cell cannot end the run this way: call FINAL(value) to answer.)"
    )


async def test_gigantic_prompts_are_refused_before_they_are_sent(run_cells):
    """The message has the limit."""
    outcome = await run_cells("llm_query('x' * 20_000_001)")
    assert outcome.error.splitlines()[-1] == (
        "ValueError: the prompts have 20000001 characters in all; 20000000 at once is the limit"
    )


def stopped(kind, *, lost, line=None):
    effects = Effects(context_reads=0, reads_sha256="", clock_ns=0, random_draws=0)
    return Trap(kind=kind, fuel=5, seconds=1.26, lost=lost, effects=effects, loaded=False, line=line)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (
            "fuel",
            "It used up its fuel of 5 units: do less in one block. modules.regex, .csv, .json and .text pass over all of `context` many times faster than a loop.",
        ),
        (
            "seconds",
            "It computed for more than 30 seconds: do less in one block. modules.regex, .csv, .json and .text pass over all of `context` many times faster than a loop.",
        ),
        ("stack", "It nested too deeply for the sandbox's stack: use a loop instead of recursion."),
        ("transfer", "It handed more than 128 MiB to the host at once: send, print or answer less."),
        (
            "aborted",
            "It ended the interpreter itself, or ran out of memory where Python cannot recover: use less memory.",
        ),
    ],
)
def test_every_trap_is_told_with_what_to_do(kind, message):
    """The whole message, from the settings' own numbers: which limit, how far it was, what is left."""
    trap = stopped(kind, lost=False)
    told = f"{message} That was after 1.3 seconds of computing. {KEPT}"
    assert reports.rolled_back_message(trap, "python", SandboxSettings(), answered=0) == told
    assert reports.rolled_back_message(trap, "python", SandboxSettings(), answered=2) == (
        f"{told} It had 2 sub-calls answered: the same prompts get the same answers again, free."
    )
    assert reports.rolled_back_message(
        stopped(kind, lost=False, line=Line(7, "for b in rows:")), "python", SandboxSettings(), answered=0
    ) == (f"{message} That was after 1.3 seconds of computing, in line 7: `for b in rows:`. {KEPT}")
    assert reports.rolled_back_message(stopped(kind, lost=True), "python", SandboxSettings(), answered=0) == (
        f"{message} That was after 1.3 seconds of computing. Nothing of the block was kept; an earlier block had broken the "
        "interpreter, so all variables are lost; `context` and the functions are there."
    )


@pytest.mark.parametrize(
    ("code", "kind", "line", "message"),
    [
        ("while True: pass", "fuel", "line 1: `while True: pass`", "It used up its fuel of 10000000000 units: do less in one block. modules.regex, .csv, .json and .text pass over all of `context` many times faster than a loop."),
        ("import sys\nsys.setrecursionlimit(10**9)\nx = None\nfor _ in range(3_000_000): x = (x,)\ndel x", "stack", "line 5: `del x`", "It nested too deeply for the sandbox's stack: use a loop instead of recursion."),
        ("import wit_world\nwit_world.call('llm_query', 'x' * 140_000_000)", "transfer", "line 2: `wit_world.call('llm_query', 'x' * 140_000_000)`", "It handed more than 128 MiB to the host at once: send, print or answer less."),
        ("import os\nos._exit(1)", "aborted", "line 2: `os._exit(1)`", "It ended the interpreter itself, or ran out of memory where Python cannot recover: use less memory."),
    ],
)  # fmt: skip
async def test_each_limit_is_hit_and_told(new_notebook, new_engine, code, kind, line, message):
    """The cell is stopped by it, the model reads the whole message, and the variables before it are there."""
    settings = SandboxSettings(fuel=10_000_000_000)
    notebook = new_notebook(engine=new_engine(settings))
    await notebook.run_cell(1, "kept = 1")
    trap = await notebook.run_cell(2, code)
    assert trap.kind == kind
    assert reports.rolled_back_message(trap, "python", settings, answered=0) == (
        f"{message} That was after {trap.seconds:.1f} seconds of computing, in {line}. {KEPT}"
    )
    assert (await notebook.run_cell(3, "kept")).head == "1\n"
