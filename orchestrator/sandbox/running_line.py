"""The line of a cell that was running when its guest was stopped, read from the memory that the dead guest leaves.

CPython says where its state lies, for debuggers in other processes: a cookie at the beginning of `_PyRuntime`, and behind it
a table of offsets (`_Py_DebugOffsets`). The way is runtime -> interpreter -> thread -> frame -> the frame that called it ...,
up to the first frame whose code is the cell's; from that code's table of lines comes the line.

All of this memory was the cell's to write. So nothing raises and nothing waits: a read is a slice, which ends where the
memory ends; a wrong number only leads to another place in the same memory, and steps are counted. At worst a cell that wrote
over its own interpreter is named another of its own lines, or none.
"""

import re
import struct

import msgspec

from orchestrator.sandbox.messages import CellRequest, Line

_COOKIE = b"xdebugpy"
_VERSION = 0x030E  # 3.14; each has a table of its own
_MOST_FRAMES = 4000  # Python's own limit is 1000, and between two there may be one of the interpreter's own
_MOST_TABLE_BYTES = 1 << 16  # of one code's table of lines: some 1500 lines outside of functions
_MOST_CHARS = 100  # of a line

# Where the table has each offset, counted in its 64-bit words; 0 is the cookie, 1 the version, 2 whether threads are free.
_PLACES = {
    "interpreters": 5,
    "threads": 9,
    "current_frame": 26,
    "previous": 32,
    "executable": 33,
    "instruction": 34,
    "filename": 40,
    "line_table": 43,
    "first_line": 44,
    "instructions": 48,
    "bytes_length": 75,
    "bytes_content": 76,
    "text_content": 80,
}
_TABLE = struct.Struct(f"<{max(_PLACES.values()) + 1}Q")

# An entry of a table of lines: the highest bit of its first byte is set, that of the others is not (CPython's locations.md).
# Honest ones are shorter than this bound, without which a number in one could be of any size.
_ENTRY = re.compile(rb"[\x80-\xff][\x00-\x7f]{0,31}")
# Kinds of entries; of all others the line is that of the one before.
_LINES_ON, _SIGNED, _NO_LINE = range(10, 13), (13, 14), 15
_LINE_END = re.compile(r"\r\n?|\n")  # as Python counts lines


class Layout(msgspec.Struct, frozen=True):
    """Where one component keeps Python's state: the address of the runtime, and offsets from the objects on the way."""

    runtime: int
    interpreters: int
    threads: int
    current_frame: int
    previous: int
    executable: int
    instruction: int
    filename: int
    line_table: int
    first_line: int
    instructions: int
    bytes_length: int
    bytes_content: int
    text_content: int


def find_layout(memory: bytes) -> Layout | None:
    """From the memory that a guest begins with, in which no cell has written; None if its Python is another version."""
    runtime = memory.find(_COOKIE)
    if runtime < 0 or len(memory) < runtime + _TABLE.size:
        return None
    words = _TABLE.unpack_from(memory, runtime)
    if words[1] >> 16 != _VERSION or words[2]:
        return None
    return Layout(runtime, **{name: words[place] for name, place in _PLACES.items()})


def running_line(layout: Layout | None, memory: memoryview, cell: CellRequest) -> Line | None:
    """The innermost line of the cell itself, whatever it had called; None if that cannot be known."""
    if layout is None or cell.kind != "python":
        return None
    number = _Remains(layout, memory).line_in(f"<cell {cell.number}>")  # as the guest's runner.py names it
    lines = _LINE_END.split(cell.text)
    if number is None or not 0 < number <= len(lines):
        return None
    text = lines[number - 1].strip()
    return Line(number, text if len(text) <= _MOST_CHARS else f"{text[:_MOST_CHARS]}...")


class _Remains:
    """What a dead guest leaves."""

    def __init__(self, layout: Layout, memory: memoryview) -> None:
        self._layout = layout
        self._memory = memory

    def line_in(self, filename: str) -> int | None:
        """The line in which the innermost frame of that file is."""
        at, name = self._layout, f"{filename}\0".encode()
        interpreter = self._word(at.runtime + at.interpreters)
        frame = self._word(self._word(interpreter + at.threads) + at.current_frame)
        for _ in range(_MOST_FRAMES):
            if not frame:
                return None
            # The last two bits are no part of the address. A frame of the interpreter's own has None here: no such file.
            code = self._word(frame + at.executable) & ~3
            if self._read(self._word(code + at.filename) + at.text_content, len(name)) == name:
                return self._line(code, self._word(frame + at.instruction))
            frame = self._word(frame + at.previous)
        return None

    def _line(self, code: int, instruction: int) -> int | None:
        at = self._layout
        table = self._word(code + at.line_table)
        length = min(self._word(table + at.bytes_length), _MOST_TABLE_BYTES)
        first = self._word(code + at.first_line)
        return _line_of(self._read(table + at.bytes_content, length), first, instruction - (code + at.instructions))

    def _word(self, address: int) -> int:
        return int.from_bytes(self._read(address, 4), "little")

    def _read(self, address: int, length: int) -> bytes:
        return bytes(self._memory[address : address + length])


def _line_of(table: bytes, line: int, offset: int) -> int | None:
    """Of the instruction at that offset (bytes) in a code that begins at `line`."""
    if offset < 0:
        return None
    for found in _ENTRY.finditer(table):
        head, *rest = found[0]
        kind = head >> 3 & 15
        if kind in _LINES_ON:
            line += kind - _LINES_ON.start
        elif kind in _SIGNED:
            line += _signed(rest)
        offset -= 2 * ((head & 7) + 1)  # it is for one to eight units of two bytes
        if offset < 0:
            return None if kind == _NO_LINE else line
    return None


def _signed(content: list[int]) -> int:
    """Six bits in each byte, the lowest first; bit 6: more follow; the lowest bit of all is the sign."""
    value = 0
    for position, byte in enumerate(content):
        value |= (byte & 63) << 6 * position
        if not byte & 64:
            break
    return -(value >> 1) if value & 1 else value >> 1
