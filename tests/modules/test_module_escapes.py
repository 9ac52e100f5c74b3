"""What a module that a model writes must not be able to do, and what is refused: one text, one outcome."""

import asyncio
import re
import time

import pytest
from fuzz_cases import OK, abi

from orchestrator.config import SandboxSettings
from orchestrator.errors import BudgetExceeded
from orchestrator.sandbox.guest import CellOutcome
from orchestrator.sandbox.messages import SubReply, Trap

READ = "(drop (call $read (i64.const {}) (i32.const {}) (i32.const {}))) " + OK
ENDLESS = abi("(loop (br 0)) (i32.const 0)")
RECURSES = abi("(call $run (local.get 0) (local.get 1))")
STACK = "ModuleError: it was stopped: wasm trap: call stack exhausted"
# Asks a model the prompts "prompt?" and "!", and gives its replies as they are.
REPLIED = "(call $emit (i32.wrap_i64 (i64.shr_u (local.get 2) (i64.const 32))) (i32.wrap_i64 (local.get 2))) (i32.const 0)"
ASKS = abi("(local.set 2 (call $ask (i32.const 100) (i32.const 16))) " + REPLIED)

# text -> what the cell gets, without the name of the call
REFUSED = [
    pytest.param(RECURSES, STACK, id='endless recursion'),
    pytest.param(abi(OK, fields="(func $start (call $start)) (start $start)"), 'ModuleError: it was stopped: wasm trap: call stack exhausted', id='endless recursion in a start function'),
    pytest.param(abi("(drop (memory.grow (i32.const 5000))) (i32.store8 (i32.const 300000000) (i32.const 1)) (i32.const 0)"), 'ModuleError: it was stopped: wasm trap: out of bounds memory access', id='memory.grow beyond the limit'),
    pytest.param(abi("(loop (br_if 0 (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))) (i32.const 7)"), 'ModuleError: it answered with the status 7, without a reason', id='memory.grow until it fails'),
    pytest.param(abi(OK, memory="5000"), 'ModuleError: it was stopped: memory minimum size of 5000 pages exceeds memory limits', id='a memory larger than the limit'),
    pytest.param(abi(OK, memory="65537"), 'ModuleError: it cannot be compiled: failed to parse WebAssembly module\n\nCaused by:\n    memory size must be at most 0x10000 65536-byte pages (at offset 0x7c)\n', id='a memory larger than any'),
    pytest.param(abi(OK, fields="(table 4294967295 funcref)"), 'ModuleError: it was stopped: table minimum size of 4294967295 elements exceeds table limits', id='a huge table'),
    pytest.param(abi(OK, fields="(table 1 funcref) " * 5), 'ModuleError: it was stopped: resource limit exceeded: table count too high at 5', id='five tables'),
    pytest.param(abi(OK, fields='(data (i32.const -1) "xx")'), 'ModuleError: it was stopped: wasm trap: out of bounds memory access', id='data outside the memory'),
    pytest.param(abi(OK, fields="(table 1 funcref) (elem (i32.const 9) func $run)"), 'ModuleError: it was stopped: wasm trap: undefined element: out of bounds table access', id='elements outside the table'),
    pytest.param(abi("(call_indirect (result i32) (i32.const -1))", fields="(table 1 funcref)"), 'ModuleError: it was stopped: wasm trap: undefined element: out of bounds table access', id='an indirect call outside the table'),
    pytest.param(abi("(call_indirect (result i32) (i32.const 0))", fields="(table 1 funcref) (elem (i32.const 0) func $run)"), 'ModuleError: it was stopped: wasm trap: indirect call type mismatch', id='an indirect call of another type'),
    pytest.param(abi(OK, fields="(func $start unreachable) (start $start)"), 'ModuleError: it was stopped: wasm trap: wasm `unreachable` instruction executed', id='a start function that traps'),
    pytest.param(abi("(block " * 1000 + "(br_table " + " ".join(map(str, range(1000))) + " (i32.const -1))" + ")" * 1000 + "(i32.const 3)"), 'ModuleError: it answered with the status 3, without a reason', id='a br_table bomb'),
    pytest.param('(module binary "\\00asm\\01\\00\\00\\00\\01\\04\\01\\60\\00\\00\\03\\02\\01\\00\\0a\\0a\\01\\08\\01\\ff\\ff\\ff\\ff\\0f\\7f\\0b")', 'ModuleError: it cannot be compiled: failed to compile: wasm[0]::function[0]\n\nCaused by:\n    0: WebAssembly translation error\n    1: Invalid input WebAssembly code at offset 23: too many locals: locals exceed maximum\n', id='far too many locals'),
    pytest.param(abi(READ.format(0, -1, 0)), 'ModuleError: context_read: at most 16777216 bytes at once', id='context_read of a length of 2^32-1'),
    pytest.param(abi(READ.format(0, 2**31, 0)), 'ModuleError: context_read: at most 16777216 bytes at once', id='context_read of 2^31'),
    pytest.param(abi(READ.format(0, 3, -1)), 'ModuleError: it named the bytes 4294967295 to 4294967298 of a memory of 131072', id='context_read to an address outside'),
    pytest.param(abi(READ.format(0, 3, 131071)), 'ModuleError: it named the bytes 131071 to 131074 of a memory of 131072', id='context_read across the end'),
    pytest.param(abi(READ.format(-1, 3, -1)), 'ModuleError: it named the bytes 4294967295 to 4294967295 of a memory of 131072', id='context_read from -1'),
    pytest.param(abi("(call $emit (i32.const 0) (i32.const -1)) (i32.const 0)"), 'ModuleError: the result has more than 16 MiB: ask for less (limit, columns)', id='emit 2^32-1 bytes'),
    pytest.param(abi("(call $emit (i32.const -1) (i32.const 1)) (i32.const 0)"), 'ModuleError: it named the bytes 4294967295 to 4294967296 of a memory of 131072', id='emit from outside'),
    pytest.param(abi("(call $emit (i32.const 131071) (i32.const 2)) (i32.const 0)"), 'ModuleError: it named the bytes 131071 to 131073 of a memory of 131072', id='emit across the end'),
    pytest.param(abi("(call $emit (i32.const -1) (i32.const 0)) (i32.const 0)"), 'ModuleError: it named the bytes 4294967295 to 4294967295 of a memory of 131072', id='emit nothing at 2^32-1'),
    pytest.param(abi("(loop (call $emit (i32.const 0) (i32.const 131072)) (br 0)) (i32.const 0)"), 'ModuleError: the result has more than 16 MiB: ask for less (limit, columns)', id='emit for ever'),
    pytest.param(abi("(drop (call $ask (i32.const -1) (i32.const 100))) " + OK), 'ModuleError: it named the bytes 4294967295 to 4294967395 of a memory of 131072', id='llm_query from outside'),
    pytest.param(abi("(drop (call $ask (i32.const 50) (i32.const 3))) " + OK), 'TypeError: llm_query: JSON is malformed: invalid character (byte 0)', id='llm_query of no JSON'),
    pytest.param(abi("(drop (call $ask (i32.const 0) (i32.const 16))) " + OK), 'TypeError: llm_query: Expected `str`, got `int` - at `$[0]`', id='llm_query of something else'),
    pytest.param(abi("(drop (call $ask (i32.const 100) (i32.const 16))) " + OK, alloc="(select (i32.const 0) (i32.const -1) (i32.eq (local.get 0) (i32.const 49)))"), 'ModuleError: alloc gave room outside the memory', id='llm_query, no room for replies'),
    pytest.param(abi(OK, alloc="(i32.const -1)"), 'ModuleError: alloc gave room outside the memory', id='alloc outside'),
    pytest.param(abi(OK, alloc="(i32.const 131072)"), 'ModuleError: alloc gave room outside the memory', id='alloc at the end'),
    pytest.param(abi(OK, alloc="(unreachable)"), 'ModuleError: it was stopped: wasm trap: wasm `unreachable` instruction executed', id='alloc traps'),
    pytest.param(abi("(unreachable)"), 'ModuleError: it was stopped: wasm trap: wasm `unreachable` instruction executed', id='run traps'),
    pytest.param(abi("(i32.div_s (i32.const 1) (i32.const 0))"), 'ModuleError: it was stopped: wasm trap: integer divide by zero', id='divides by zero'),
    pytest.param(abi("(i32.load (i32.const -1))"), 'ModuleError: it was stopped: wasm trap: out of bounds memory access', id='reads outside its memory'),
    pytest.param(abi("(i32.const 0)"), 'ModuleError: its result is not JSON: Input data was truncated', id='emits nothing'),
    pytest.param(abi("(call $emit (i32.const 1) (i32.const 3)) (i32.const 0)"), 'ModuleError: its result is not JSON: JSON is malformed: trailing characters (byte 2)', id='emits no JSON'),
    pytest.param(abi("(call $emit (i32.const 300) (i32.const 3)) (i32.const 0)", fields='(data (i32.const 300) "\\22\\ff\\22")'), "ModuleError: its result is not JSON: 'utf-8' codec can't decode byte 0xff in position 0: invalid start byte", id='emits no UTF-8'),
    pytest.param(abi("(memory.fill (i32.const 0) (i32.const 91) (i32.const 100000)) (call $emit (i32.const 0) (i32.const 100000)) (i32.const 0)"), 'ModuleError: its result is not JSON: maximum recursion depth exceeded while deserializing an object', id='emits deep JSON'),
    pytest.param(abi("(call $emit (i32.const 300) (i32.const 14)) (i32.const 1)", fields='(data (i32.const 300) "{\\22error\\22: \\22x\\22}")'), 'ModuleError: x', id='emits an error'),
    pytest.param(abi("(i32.const 5)"), 'ModuleError: it answered with the status 5, without a reason', id='status 5'),
    pytest.param(abi("(i32.const -1)"), 'ModuleError: it answered with the status -1, without a reason', id='status -1'),
    pytest.param(abi(OK, version="(i32.const 2)"), 'ModuleError: it is for version 2 of the ABI; this is version 1', id='abi 2'),
    pytest.param(abi(OK, version="(unreachable)"), 'ModuleError: it was stopped: wasm trap: wasm `unreachable` instruction executed', id='abi version traps'),
    pytest.param('(module (import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32))))', 'ModuleError: it imports wasi_snapshot_preview1.fd_write, which is not of the ABI (module rlm: context_len, context_read, llm_query, emit)', id='foreign import'),
    pytest.param('(module (import "rlm" "memory" (memory 1)))', 'ModuleError: it imports rlm.memory, which is not of the ABI (module rlm: context_len, context_read, llm_query, emit)', id='imports a memory'),
    pytest.param('(module (import "rlm" "open" (func)))', 'ModuleError: it imports rlm.open, which is not of the ABI (module rlm: context_len, context_read, llm_query, emit)', id='imports another name'),
    pytest.param(abi(OK).replace("(param i64 i32 i32)", "(param i32 i32 i32)"), "ModuleError: it imports rlm.context_read with another type than the ABI's", id='imports with another type'),
    pytest.param('(module (import "rlm" "emit" (global i32)))', "ModuleError: it imports rlm.emit with another type than the ABI's", id='imports emit as a global'),
    pytest.param("(module)", 'ModuleError: it does not export its memory as memory', id='no exports'),
    pytest.param(abi(OK).replace('(memory (export "memory") 2)', '(memory 2) (global (export "memory") i32 (i32.const 0))'), 'ModuleError: it does not export its memory as memory', id='memory is a global'),
    pytest.param(abi(OK).replace('(export "alloc")', ""), "ModuleError: it does not export the function 'alloc' of the ABI: (i32) -> (i32)", id='no alloc'),
    pytest.param(abi(OK).replace('(func (export "alloc") (param i32) (result i32) (i32.const 4096))','(func (export "alloc") (result i32) (i32.const 4096))'), "ModuleError: it does not export the function 'alloc' of the ABI: (i32) -> (i32)", id='alloc of another type'),
    pytest.param(abi(OK).replace('(export "run")', ""), "ModuleError: it does not export the function 'run' of the ABI: (i32, i32) -> (i32)", id='no run'),
    pytest.param(abi(OK).replace('(func $run (export "run")', '(export "run" (memory 0)) (func $run'), "ModuleError: it does not export the function 'run' of the ABI: (i32, i32) -> (i32)", id='run is a memory'),
    pytest.param(abi(OK, fields='(func (export "run"))'), 'ModuleError: it cannot be compiled: failed to parse WebAssembly module\n\nCaused by:\n    duplicate export name `run` already defined (at offset 0xae)\n', id='exports twice'),
    pytest.param(abi("(drop (i8x16.relaxed_swizzle (local.get 4) (local.get 4))) " + OK), 'ModuleError: it cannot be compiled: failed to compile: wasm[0]::function[6]::run\n\nCaused by:\n    0: WebAssembly translation error\n    1: Invalid input WebAssembly code at offset 196: relaxed SIMD support is not enabled\n', id='relaxed SIMD'),
    pytest.param(abi(OK, fields="(memory 1)"), 'ModuleError: it cannot be compiled: failed to parse WebAssembly module\n\nCaused by:\n    multiple memories (at offset 0x7b)\n', id='two memories'),
    pytest.param(abi(OK, memory="1 1 shared"), 'ModuleError: it cannot be compiled: failed to parse WebAssembly module\n\nCaused by:\n    threads must be enabled for shared memories (at offset 0x7c)\n', id='a shared memory'),
    pytest.param(abi("(drop (i32.atomic.load (i32.const 0))) " + OK), 'ModuleError: it cannot be compiled: failed to compile: wasm[0]::function[6]::run\n\nCaused by:\n    0: WebAssembly translation error\n    1: Invalid input WebAssembly code at offset 194: threads support is not enabled\n', id='atomics'),
    pytest.param(abi(OK, memory="i64 1"), 'ModuleError: it cannot be compiled: failed to parse WebAssembly module\n\nCaused by:\n    memory64 must be enabled for 64-bit memories (at offset 0x7c)\n', id='a 64-bit memory'),
    pytest.param(abi(OK, fields="(tag $e)"), 'ModuleError: it cannot be compiled: failed to parse WebAssembly module\n\nCaused by:\n    exceptions proposal not enabled (at offset 0x83)\n', id='a tag'),
    pytest.param(abi(OK, fields="(type (struct (field i32)))"), 'ModuleError: it cannot be compiled: failed to parse WebAssembly module\n\nCaused by:\n    struct indexed types not supported without the gc feature (at offset 0xb)\n', id='gc'),
    pytest.param("(component)", 'ModuleError: it cannot be compiled: failed to parse WebAssembly module\n\nCaused by:\n    expected a WebAssembly module but was given a WebAssembly component\n', id='component'),
    pytest.param("(((((", 'ModuleError: it cannot be compiled: expected valid module field\n     --> <anon>:1:2\n      |\n    1 | (((((\n      |  ^', id='garbage'),
    pytest.param("", 'ModuleError: it cannot be compiled: expected at least one module field\n     --> <anon>:1:1\n      |\n    1 | \n      | ^', id='nothing'),
    pytest.param("(module \0)", "ModuleError: it cannot be compiled: unexpected character '\\u{0}'\n     --> <anon>:1:9\n      |\n    1 | (module \x00)\n      |         ^", id='NUL'),
    pytest.param("\ufeff(module)", "ModuleError: it cannot be compiled: unexpected character '\\u{feff}'\n     --> <anon>:1:1\n      |\n    1 | \ufeff(module)\n      | ^", id='BOM'),
    pytest.param("(component " * 10000, 'ModuleError: the text has 110000 characters; 65536 is the limit', id='deeply nested components'),
    pytest.param('(module binary "")', 'ModuleError: it cannot be compiled: failed to parse WebAssembly module\n\nCaused by:\n    unexpected end-of-file (at offset 0x0)\n', id='a binary of nothing'),
    pytest.param('(module binary "\\00asm\\01\\00\\00\\00\\01")', 'ModuleError: it cannot be compiled: failed to parse WebAssembly module\n\nCaused by:\n    unexpected end-of-file (at offset 0x9)\n', id='a binary that is truncated'),
    pytest.param(" " * 65537, 'ModuleError: the text has 65537 characters; 65536 is the limit', id='a text that is too long'),
    pytest.param("(module) (; \u202e ;)", "ModuleError: it cannot be compiled: likely-confusing unicode character found '\\u{202e}'\n     --> <anon>:1:13\n      |\n    1 | (module) (;  ;)\n      |             ^", id='bidi'),
]  # fmt: skip

GIVES = [
    pytest.param(abi(OK, fields=f"(func (local {'i64 ' * 12000}))"), "[1, {'a': None}]\n", id='too many locals'),
    pytest.param(abi(READ.format(2**63, 3, 0)), "[1, {'a': None}]\n", id='context_read from 2^63'),
    pytest.param(abi("(call $emit (i32.const 131072) (i32.const 0)) " + OK), "[1, {'a': None}]\n", id='emit nothing at the end'),
    pytest.param(abi("(i8x16.extract_lane_s 0 (v128.const i64x2 0 0)) drop " + OK), "[1, {'a': None}]\n", id='SIMD'),
]  # fmt: skip

# An endless loop, wherever a module is entered.
ENDLESS_PLACES = [
    ENDLESS,
    abi(OK, fields="(func $start (loop (br 0))) (start $start)"),
    abi(OK, version="(loop (br 0)) (i32.const 1)"),
    abi(OK, alloc="(loop (br 0)) (i32.const 1)"),
    abi("(loop (drop (call $read (i64.const 0) (i32.const 3) (i32.const 0))) (br 0)) (i32.const 0)"),
]


def written(wat):
    """A cell that runs it, and prints what it answers or raises."""
    return (
        "from rlm_guest.calls import run_wat\n"
        f"try:\n    print(run_wat({wat!r}, 'run', {{}}, None))\n"
        "except Exception as error:\n    print(f'{type(error).__name__}: {error}', end='')"
    )


@pytest.fixture
def quick_engine(new_engine):
    return new_engine(SandboxSettings(seconds=0.3, fuel=10**14, memory_bytes=64 << 20))


@pytest.mark.parametrize(("wat", "outcome"), REFUSED)
async def test_a_hostile_module_is_an_exception(run_cells, wat, outcome):
    """With its whole message, and the cell goes on."""
    found = await run_cells(written(wat) + "\nprint('\\ngoes on')", text="abc")
    told = re.sub(r"(it was stopped:) +(1: )?", r"\1 ", found.head)  # see the test of that message
    assert told == outcome.replace("ModuleError: ", "ModuleError: wasm_wat.run: ", 1) + "\ngoes on\n"


@pytest.mark.parametrize(("wat", "output"), GIVES)
async def test_a_strange_module_gives_what_it_gives(run_cells, wat, output):
    """What is at the edge of a limit, but not beyond it."""
    assert (await run_cells(written(wat), text="abc")).head == output


async def test_the_message_of_a_trap_is_one_line(run_cells):
    """Without the blanks and the numbers of wasmtime's list of causes."""
    outcome = await run_cells(written(abi("(i32.load (i32.const -1))")))
    assert outcome.head == "ModuleError: wasm_wat.run: it was stopped: wasm trap: out of bounds memory access"


@pytest.mark.parametrize("wat", ENDLESS_PLACES[:4])
async def test_fuel_of_a_module_is_the_cells(new_notebook, new_engine, wat):
    """A loop in a module ends the cell, which is rolled back."""
    notebook = new_notebook(text="abc", engine=new_engine(SandboxSettings(fuel=100_000_000)))
    await notebook.run_cell(1, "kept = 1")
    trap = await notebook.run_cell(2, "kept = 2\n" + written(wat))
    assert (trap.kind, trap.fuel, trap.lost) == ("fuel", 100_000_000, False)
    assert (await notebook.run_cell(3, "kept")).head == "1\n"


async def test_calls_in_a_loop_end_at_the_fuel(new_notebook):
    """What each call takes is gone for the next."""
    notebook = new_notebook(text="a b " * 100_000)
    await notebook.run_cell(1, "kept = 1")
    trap = await notebook.run_cell(2, "kept = 2\nwhile True: modules.text.describe()")
    assert (trap.kind, trap.fuel) == ("fuel", 3_000_000_000)
    assert (await notebook.run_cell(3, "kept")).head == "1\n"


@pytest.mark.parametrize("wat", ENDLESS_PLACES)
async def test_seconds_of_a_module_are_the_cells(new_notebook, quick_engine, wat):
    """With plenty of fuel, a loop in a module ends at the seconds; the next cell works."""
    notebook = new_notebook(text="abc", engine=quick_engine)
    trap = await notebook.run_cell(1, written(wat))
    assert (trap.kind, (await notebook.run_cell(2, "1 + 1")).head) == ("seconds", "2\n")
    assert 0.3 <= trap.seconds < 2


async def test_memory_of_a_module_is_limited(run_cells):
    """It grows to the settings' memory_bytes, and not by a page more: 4096 pages are 256 MiB."""
    grows = "(loop (br_if 0 (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))) (memory.size)"
    assert (await run_cells(written(abi(grows)))).head == (
        "ModuleError: wasm_wat.run: it answered with the status 4096, without a reason"
    )


async def test_a_table_is_limited(run_cells):
    """It grows to 100,000 elements."""
    grows = "(loop (br_if 0 (i32.ne (table.grow 0 (ref.null func) (i32.const 1)) (i32.const -1)))) (table.size 0)"
    assert (await run_cells(written(abi(grows, fields="(table 1 funcref)")))).head == (
        "ModuleError: wasm_wat.run: it answered with the status 100000, without a reason"
    )


async def test_a_module_is_cancelled_with_its_run(new_notebook, new_engine, monkeypatch):
    """The thread that is in it comes back at once."""
    engine = new_engine(SandboxSettings(seconds=60, fuel=10**14))
    notebook = new_notebook(engine=engine)
    await notebook.run_cell(1, "1")
    entered, enter = [], engine.enter
    monkeypatch.setattr(engine, "enter", lambda call: entered.append(enter(call)) or entered[-1])
    running = asyncio.create_task(notebook.run_cell(2, written(ENDLESS)))
    await asyncio.sleep(0.2)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    began = time.monotonic()
    trap = await asyncio.to_thread(entered[0].result, 5)
    assert (trap.kind, time.monotonic() - began < 1) == ("cancelled", True)


async def test_calls_of_two_threads_are_not_mixed(new_notebook):
    """Each module reads its own context and emits its own result, though both run at once."""
    emits = "(drop (call $read (i64.const 0) (i32.const 60000) (i32.const 0))) "
    emits += "(loop (local.set 0 (i32.add (local.get 0) (i32.const 1))) (br_if 0 (i32.lt_u (local.get 0) (i32.const 100000)))) "
    wat = abi(emits + "(call $emit (i32.const 0) (i32.wrap_i64 (call $len))) (i32.const 0)")
    code = f"from rlm_guest.calls import run_wat\nprint({{str(run_wat({wat!r}, 'run', {{}}, None)) for _ in range(10)}})"
    contexts = [f'"{letter * (500 + number)}"' for number, letter in enumerate("abcdef")]
    outcomes = await asyncio.gather(*[new_notebook(text=each).run_cell(1, code) for each in contexts])
    assert [each.head for each in outcomes] == ["{'" + each[1:-1] + "'}\n" for each in contexts]


@pytest.mark.parametrize("depth", [1_000, 60_000, 100_000])
async def test_a_module_below_a_deep_cell(run_cells, depth):
    """Where most of the guest's stack is used, a module has its own; that both are used up is an exception."""
    code = (
        "from rlm_guest.calls import run_wat\n"
        f"class Deep:\n    def __del__(self):\n        try: run_wat({RECURSES!r}, 'run', {{}}, None)\n"
        "        except ModuleError as error: print(type(error).__name__)\n"
        "        print(modules.text.describe(text='a b')['words'])\n"
        f"x = Deep()\nfor _ in range({depth}): x = (x,)\ndel x"
    )
    outcome = await run_cells(code)
    assert (outcome.head, outcome.error) == ("ModuleError\n2\n", None)


async def test_calls_of_modules_are_counted(run_cells):
    """Refused ones too: one cell may make 10,000 calls."""
    code = "for n in range(10**6):\n    try: modules.no.such()\n    except ModuleError: pass"
    outcome = await run_cells(code)
    assert outcome.error.splitlines()[-1] == "ValueError: one cell may make at most 10000 calls"


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (
            "modules.text.describe(text='x' * 20_000_001)",
            "ValueError: text has 20000001 characters, 20000000 is the limit; the context itself has none",
        ),
        (
            "from rlm_guest import host\n"
            "host.call('module', {'module': 'text', 'function': 'describe', 'args': {}, 'text': 'x' * 20_000_001})",
            "ValueError: text: text may have at most 20000000 characters",
        ),
    ],
)
async def test_a_text_that_is_too_long_is_refused(run_cells, code, error):
    """By the guest, and by the host where the guest does not."""
    assert (await run_cells(code)).error.splitlines()[-1] == error


async def test_a_result_may_have_16_mib_and_no_more(run_cells):
    """The last byte that fits, and the first that does not."""
    blanks = "(memory.fill (i32.const 0) (i32.const 32) (i32.const {0})) (i32.store8 (i32.const 0) (i32.const 55)) "
    wat = abi(blanks + "(call $emit (i32.const 0) (i32.const {0})) (i32.const 0)", memory="300").replace("{{0}}", "{0}")
    assert (await run_cells(written(wat.replace("{0}", str(16 << 20))))).head == "7\n"
    assert (await run_cells(written(wat.replace("{0}", str((16 << 20) + 1))))).head == (
        "ModuleError: wasm_wat.run: the result has more than 16 MiB: ask for less (limit, columns)"
    )


async def test_a_module_asks_a_model(run_cells):
    """Its prompts go where those of the cell go, and each reply comes back, or why there is none."""
    asked = []

    async def ask(prompts):
        asked.append(prompts)
        return [SubReply(text="é" * 3) if each == "!" else SubReply(error="it is down") for each in prompts]

    outcome = await run_cells(written(ASKS), ask=ask)
    assert outcome.head == "[{'error': 'it is down'}, {'text': 'ééé'}]\n"
    assert asked == [["prompt?", "!"]]


async def test_a_budget_that_ends_in_a_module_reaches_the_cell(run_cells):
    """As BudgetError, with the message of the budget."""

    async def ask(prompts):
        raise BudgetExceeded(f"too many: {len(prompts)}")

    outcome = await run_cells(written(ASKS), ask=ask)
    assert outcome.head == "BudgetError: too many: 2"


async def test_waiting_for_a_model_in_a_module_is_charged_to_no_cell(new_notebook, quick_engine):
    """A sub-call that takes longer than the cell's seconds is fine."""

    async def slow(prompts):
        await asyncio.sleep(0.6)
        return [SubReply(text="late") for _ in prompts]

    outcome = await new_notebook(engine=quick_engine, ask=slow).run_cell(1, written(ASKS))
    assert outcome.head == "[{'text': 'late'}, {'text': 'late'}]\n"
    assert outcome.seconds < 0.3


@pytest.mark.parametrize(
    ("alloc", "message"),
    [
        ("(unreachable)", "it was stopped: wasm trap: wasm `unreachable` instruction executed"),
        ("(drop (i32.load (i32.const -1)))", "it was stopped: wasm trap: out of bounds memory access"),
        ("(call $emit (i32.const -1) (i32.const 1))", "alloc must not call the host"),
    ],
)
async def test_an_alloc_that_traps_for_the_replies_is_an_exception(run_cells, alloc, message):
    """As one that traps for the request is; the replies in capitals are 33 bytes."""
    allocates = f"(if (i32.eq (local.get 0) (i32.const 33)) (then {alloc})) (i32.const 4096)"
    outcome = await run_cells(written(abi("(drop (call $ask (i32.const 100) (i32.const 16))) " + OK, alloc=allocates)))
    assert isinstance(outcome, CellOutcome)
    assert outcome.head == f"ModuleError: wasm_wat.run: {message}"


async def test_an_alloc_that_asks_for_ever_ends(run_cells):
    """alloc asks, for the reply alloc is called, which asks: an exception, after a bounded number of sub-calls."""
    asked = []

    async def ask(prompts):
        asked.append(prompts)
        return [SubReply(text="x") for _ in prompts]

    wat = abi(OK, alloc="(drop (call $ask (i32.const 100) (i32.const 16))) (i32.const 4096)")
    outcome = await run_cells(written(wat), ask=ask)
    assert len(asked) < 3
    assert isinstance(outcome, CellOutcome)


DEEP = "x = []\nfor _ in range(990): x = [x]\n"


@pytest.mark.parametrize(
    "code",
    [
        DEEP + "modules.regex.count(x)",
        "import wit_world\nfrom componentize_py_types import Err\nd = '[' * 5000 + ']' * 5000\n"
        'try: wit_world.call(\'module\', \'{"module": "csv", "function": "describe", "args": {"a": \' + d + "}}")\n'
        "except Err: pass",
    ],
)
async def test_deep_arguments_are_refused(run_cells, code):
    """Deeper than Python's stack on the host: an exception of the cell, not an end of the run."""
    assert isinstance(await run_cells(code), CellOutcome)


async def test_json_get_of_no_documents_is_no_internal_error(run_cells):
    """There may be none."""
    outcome = await run_cells("try: print(modules.json.get('a'))\nexcept ModuleError as error: print(error)", documents=[])
    assert "internal error" not in outcome.head


async def test_one_llm_query_of_a_module_is_bounded_before_it_is_decoded(run_cells):
    """16 MiB of prompts in one call are too much; today 16 MiB of them become 300 MB of Python objects."""
    fills = "(loop $l (i32.store (i32.add (i32.const 1) (local.get 0)) (i32.const 0x2c226122)) (local.set 0 (i32.add (local.get 0) (i32.const 4))) (br_if $l (i32.lt_u (local.get 0) (i32.const 167772160)))) "
    asks = "(i32.store8 (i32.const 0) (i32.const 91)) (i32.store8 (local.get 0) (i32.const 93)) (drop (call $ask (i32.const 0) (i32.add (local.get 0) (i32.const 1)))) (i32.const 0)"
    wat = abi(fills.replace("167772160", "24000000") + asks, memory="400", alloc="(i32.const 0)")
    assert "prompts at once, not 6000000" not in (await run_cells(written(wat))).head


async def test_what_the_calls_of_one_cell_keep_is_bounded(new_notebook):
    """Results of 128 MiB in all are refused somewhere."""
    wat = abi(
        "(memory.fill (i32.const 0) (i32.const 32) (i32.const 16777216)) (i32.store8 (i32.const 0) (i32.const 34)) (i32.store8 (i32.const 16777215) (i32.const 34)) (call $emit (i32.const 0) (i32.const 16777216)) (i32.const 0)",
        memory="300",
    )
    code = f"import json, wit_world\na = json.dumps({{'wat': {wat!r}, 'function': 'run', 'args': {{}}}})\nfor _ in range(10): wit_world.call('wasm_wat', a)"
    notebook = new_notebook()
    outcome = await notebook.run_cell(1, code)
    kept = sum(len(bytes(each.result)) for each in notebook.calls)
    assert isinstance(outcome, Trap) or kept <= 128 << 20


PARAMETERS = "(type $p (func (param {}))) ".format("i64 " * 990)


async def test_compiling_takes_no_longer_than_a_cell_may(new_notebook, quick_engine):
    """Functions of 990 parameters, each with its trampoline: this small part of the limit takes 2 seconds."""
    functions = "(func (type $p))" * 300 + "(elem func " + " ".join(map(str, range(8, 300))) + ")"
    notebook = new_notebook(engine=quick_engine)
    began = time.monotonic()
    await notebook.run_cell(1, written(abi(OK, fields=PARAMETERS + functions)))
    assert time.monotonic() - began < 0.3 + 1
