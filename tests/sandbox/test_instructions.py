"""The instructions of a sound component: each row of the table at its edges, and what stands beside it."""

import pytest
import wasmtime

from orchestrator.sandbox.build import instructions
from orchestrator.sandbox.build.instructions import HARMLESS

# What the functions below may name by number.
AROUND = "(memory 1) (table 1 funcref) (global i32 (i32.const 0))"
EDGES = [
    ("unreachable", "00"), ("nop", "01"),
    ("block", "02 40"), ("if", "04 40"), ("loop (result f64)", "03 7c"), ("block (type 200)", "02 c8 01"), ("block (type 63)", "02 3f"),
    ("else", "05"), ("end", "0b"),
    ("br 0", "0c 00"), ("br_if 300", "0d ac 02"), ("return", "0f"), ("call 300", "10 ac 02"),
    ("call_indirect (type 1)", "11 01 00"),
    ("drop", "1a"), ("select", "1b"), ("select (result i64)", "1c 01 7e"),
    ("local.get 0", "20 00"), ("local.tee 300", "22 ac 02"), ("global.get 0", "23 00"), ("table.get 0", "25 00"),
    ("i32.load", "28 02 00"), ("i64.store32 offset=300", "3e 02 ac 02"), ("i64.load align=8", "29 03 00"),
    ("memory.size", "3f 00"), ("memory.grow", "40 00"),
    ("i32.const -2147483648", "41 80 80 80 80 78"), ("i64.const -1", "42 7f"),
    ("f32.const 0", "43 00 00 00 00"), ("f64.const -0", "44 00 00 00 00 00 00 00 80"),
    ("i32.eqz", "45"), ("i64.extend32_s", "c4"),
    ("ref.null extern", "d0 6f"), ("ref.is_null", "d1"), ("ref.func 0", "d2 00"),
    ("i32.trunc_sat_f32_s", "fc 00"), ("i64.trunc_sat_f64_u", "fc 07"),
    ("memory.copy", "fc 0a 00 00"), ("memory.fill", "fc 0b 00"), ("table.size", "fc 10 00"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "code"), EDGES)
def test_an_instruction_of_the_table_is_read_whole(text, code):
    """As wasmtime's assembler writes it, up to where the next one begins."""
    opened = {"else": "if", "end": "block"}.get(text, "")
    closed = "end" if text.startswith(("block", "loop", "if", "else")) else ""
    module = bytes(wasmtime.wat2wasm(f"(module {'(type (func))' * 201} {AROUND} (func {opened} {text} {closed}))"))
    code = bytes.fromhex(code)
    assert module.endswith(code + b"\x0b" * (2 if closed else 1))
    assert HARMLESS.match(code + b"\x26").end() == len(code)


def test_each_row_is_tested_at_both_edges():
    """Of every range of opcodes the first and the last."""
    tested = {bytes.fromhex(code)[:2] if code.startswith("fc") else bytes.fromhex(code)[:1] for _, code in EDGES}
    rows = [(b"", each) for each in instructions._ONE_BYTE] + [(b"\xfc", each) for each in instructions._AFTER_FC]
    assert {before + bytes([opcode]) for before, row in rows for opcode in row[:2]} - tested == set()


def opcodes_of(table):
    return {opcode for first, last, _ in table for opcode in range(first, last + 1)}


@pytest.mark.parametrize(
    ("before", "opcodes"),
    [(b"", opcodes_of(instructions._ONE_BYTE) | {0xFC}), (b"\xfc", opcodes_of(instructions._AFTER_FC))],
)
def test_the_expression_passes_the_opcodes_of_the_table_and_no_other(before, opcodes):
    """Of all that a byte can be; zeros, or a type, or one type, are all that any of them can need behind it."""
    needed = (bytes(8), b"\x70", b"\x01\x70")
    either = [(before + bytes([opcode]) + behind, opcode) for opcode in range(256) for behind in needed]
    assert {opcode for code, opcode in either if HARMLESS.match(code).end()} == opcodes


@pytest.mark.parametrize("code", [
    pytest.param("06 40", id="try"), pytest.param("08 00", id="throw"), pytest.param("0a", id="throw_ref"),
    pytest.param("0e 00 00", id="br_table: soundness.py reads it"),
    pytest.param("12 00", id="return_call"), pytest.param("14 00", id="call_ref"),
    pytest.param("19", id="catch_all"), pytest.param("1f 40 00", id="try_table"),
    pytest.param("24 00", id="global.set: soundness.py reads it"), pytest.param("26 00", id="table.set"),
    pytest.param("27", id="none"), pytest.param("c5", id="behind i64.extend32_s"), pytest.param("cf", id="before ref.null"),
    pytest.param("d3", id="ref.eq"), pytest.param("fb 00 00", id="struct.new"),
    pytest.param("fc 08 00 00", id="memory.init"), pytest.param("fc 09 00", id="data.drop"),
    pytest.param("fc 0c 00 00", id="table.init"), pytest.param("fc 0d 00", id="elem.drop"),
    pytest.param("fc 0e 00 00", id="table.copy"), pytest.param("fc 0f 00", id="table.grow"),
    pytest.param("fc 11 00", id="table.fill"), pytest.param("fc 13", id="i64.add128"), pytest.param("fc 80 00", id="a long 0"),
    pytest.param("fd 0c", id="v128.const"), pytest.param("fe 10 02 00", id="i32.atomic.load"), pytest.param("ff", id="no opcode"),
    pytest.param("02 63 00", id="a block of (ref null 0)"), pytest.param("03 64 00", id="a loop of (ref 0)"),
    pytest.param("04 7b", id="an if of v128"), pytest.param("02 c1", id="half the number of a type"),
    pytest.param("1c 01 63 00", id="select of (ref null 0)"), pytest.param("d0 00", id="ref.null 0"),
    pytest.param("1c 00", id="select of no type"), pytest.param("1c 02 7f 7f", id="select of two types"),
    pytest.param("28 42 01 00", id="a load from memory 1"), pytest.param("28 82 00 00", id="a long alignment"),
    pytest.param("fc 0a 01 00", id="a copy to memory 1"), pytest.param("fc 0a 00 01", id="a copy from memory 1"),
    pytest.param("fc 0b 01", id="a fill of memory 1"),
    pytest.param("41", id="no value"), pytest.param("41 80", id="half a value"), pytest.param("43 00 00 00", id="half an f32"),
    pytest.param("44 00 00 00 00 00 00 00", id="half an f64"), pytest.param("11 00", id="no table"), pytest.param("28 00", id="no offset"),
])  # fmt: skip
def test_what_stands_beside_the_table_is_not_passed(code):
    """Other instructions, those of the table with something else behind them, and halves."""
    assert HARMLESS.match(bytes.fromhex(code)).end() == 0
