"""The instructions that a sound component may have: they change nothing but the operand stack, locals and memory.

The stack and the locals end with the call, and the memory is what a fork copies; so after a call nothing else is different.
Whatever is not in the table refuses the component, also what would be harmless but is not in what componentize-py builds.
Not in it on purpose:
- table.set, grow, fill, copy, init: a table is not in the memory, and its content would be state that no fork has;
- memory.init, data.drop, elem.drop: whether a segment was dropped is state, too;
- two that soundness.py reads by itself: br_table, whose list has a length that no expression can follow, and global.set.

Opcodes and what follows them: WebAssembly core spec, chapter 5.4.
"""

import re

BR_TABLE, GLOBAL_SET = 0x0E, 0x24

# What follows an opcode. The next instruction begins right behind it, so each must be exact: with one byte too few or too
# many, what is read as the next instruction is not what runs, and one that is not allowed could hide in it.
_NOTHING = rb""
_NUMBER = rb"[\x80-\xff]*[\x00-\x7f]"  # LEB128: any bytes with the highest bit, and one without
_MEMORY_PLACE = rb"[\x00-\x3f]" + _NUMBER  # alignment, offset; 0x40 in the first would say that the memory's number follows
# Other types have the number of a type behind this byte, of a length of its own: they refuse the component.
VALUE_TYPES = b"\x7f\x7e\x7d\x7c\x70\x6f"  # i32, i64, f32, f64, funcref, externref
_ONE_TYPE = rb"\x01[" + VALUE_TYPES + rb"]"
# Nothing (0x40), one of these types, or the number of a type, which is under 0x40 if it is one byte.
_BLOCK_TYPE = rb"(?:[\x00-\x40" + VALUE_TYPES + rb"]|[\x80-\xff]+[\x00-\x7f])"

# (first opcode, last opcode, what follows each)
_ONE_BYTE = (
    # Control: it decides which instruction is next, and nothing of that stays.
    (0x00, 0x01, _NOTHING),  # unreachable, nop
    (0x02, 0x04, _BLOCK_TYPE),  # block, loop, if: what they take and leave on the operand stack
    (0x05, 0x05, _NOTHING),  # else
    (0x0B, 0x0B, _NOTHING),  # end
    (0x0C, 0x0D, _NUMBER),  # br, br_if: label
    (0x0F, 0x0F, _NOTHING),  # return
    (0x10, 0x10, _NUMBER),  # call: function, which has no other instructions either, or is the host's
    (0x11, 0x11, _NUMBER + _NUMBER),  # call_indirect: type, table
    # The operand stack, which is empty between two calls.
    (0x1A, 0x1B, _NOTHING),  # drop, select
    (0x1C, 0x1C, _ONE_TYPE),  # select: the number of types, which is 1, and that type
    # Locals end with the call; globals and tables are only read.
    (0x20, 0x22, _NUMBER),  # local.get, local.set, local.tee: local
    (0x23, 0x23, _NUMBER),  # global.get: global
    (0x25, 0x25, _NUMBER),  # table.get: table
    # The memory, content and size, is what an image is of.
    (0x28, 0x3E, _MEMORY_PLACE),  # i32.load to i64.store32
    (0x3F, 0x40, _NUMBER),  # memory.size, memory.grow: memory
    # From the operand stack to the operand stack.
    (0x41, 0x42, _NUMBER),  # i32.const, i64.const: value
    (0x43, 0x43, rb".{4}"),  # f32.const: value
    (0x44, 0x44, rb".{8}"),  # f64.const: value
    (0x45, 0xC4, _NOTHING),  # i32.eqz to i64.extend32_s: comparisons, arithmetic, conversions
    (0xD0, 0xD0, rb"[" + VALUE_TYPES + rb"]"),  # ref.null: type of what it could refer to
    (0xD1, 0xD1, _NOTHING),  # ref.is_null
    (0xD2, 0xD2, _NUMBER),  # ref.func: function
)
# The same for the second byte of those that begin with 0xFC.
_AFTER_FC = (
    (0x00, 0x07, _NOTHING),  # i32.trunc_sat_f32_s to i64.trunc_sat_f64_u: from the operand stack to the operand stack
    (0x0A, 0x0A, rb"\x00\x00"),  # memory.copy: to memory, from memory; there is one, 0
    (0x0B, 0x0B, rb"\x00"),  # memory.fill: memory
    (0x10, 0x10, _NUMBER),  # table.size: table; it cannot have changed
)


def _any_of(table: tuple[tuple[int, int, bytes], ...], before: bytes = b"") -> list[bytes]:
    """Expressions that match one of these instructions; opcodes with the same behind them share one, which is faster."""
    opcodes: dict[bytes, bytes] = {}
    for first, last, following in table:
        ends = (re.escape(bytes([opcode])) for opcode in (first, last))
        opcodes[following] = opcodes.get(following, b"") + b"-".join(ends)
    return [before + b"[" + ranges + b"]" + following for following, ranges in opcodes.items()]


# As many as follow each other. No two alternatives begin alike (of 0xFC: go on alike), so there is one way to read a body.
HARMLESS = re.compile(b"(?:" + b"|".join([*_any_of(_ONE_BYTE), *_any_of(_AFTER_FC, b"\xfc")]) + b")*", re.DOTALL)
