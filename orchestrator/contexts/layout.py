"""A context as one file: its text, then what is needed to find a place in it, then a footer that says where that is.

| part | what it holds |
|---|---|
| text | all documents, one behind the other, as UTF-8 |
| index | the byte of every STEP-th code point, as 64-bit numbers; nothing if the text is ASCII |
| ends | of each document: the byte, the code point, and the byte of the table behind it, as 64-bit numbers |
| table | a JSON array with [name or null, code points] for each document, each on its own line, in ASCII |
| footer | JSON, its length as 4 bytes, MAGIC |

The file is read with pread, not mapped: a mapped file that somebody cuts kills the process (SIGBUS), and what is read of
a mapping counts as this process's memory.
"""

import os
from array import array
from typing import NamedTuple

import msgspec

from orchestrator.errors import ContextDamaged

STEP = 4096  # code points
MAGIC = b"rlm-ctx2"
_LENGTH = 4


class Footer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`text`, `index`, `ends` and `table` are the bytes of each part.

    `guest_bytes`: what the documents and their names take as `str` in a guest; `blank`: there is white space alone.
    """

    kind: str
    text: int
    chars: int
    count: int
    guest_bytes: int
    blank: bool
    index: int
    ends: int
    table: int

    @property
    def index_start(self) -> int:
        return -(-self.text // 8) * 8

    @property
    def ends_start(self) -> int:
        return self.index_start + self.index

    @property
    def table_start(self) -> int:
        return self.ends_start + self.ends

    @property
    def size(self) -> int:
        return self.table_start + self.table


def pack(footer: Footer) -> bytes:
    """What stands at the end of the file."""
    content = msgspec.json.encode(footer)
    return content + len(content).to_bytes(_LENGTH, "little") + MAGIC


def read_footer(descriptor: int) -> Footer:
    """Raises ContextDamaged if the file is not whole."""
    size = os.fstat(descriptor).st_size
    tail = os.pread(descriptor, _LENGTH + len(MAGIC), max(0, size - _LENGTH - len(MAGIC)))
    if tail[_LENGTH:] != MAGIC:
        raise ContextDamaged("the file of a context is not whole; delete the context and send it again")
    length = int.from_bytes(tail[:_LENGTH], "little")
    start = size - len(tail) - length
    try:
        footer = msgspec.json.decode(os.pread(descriptor, length, max(0, start)), type=Footer)
    except (msgspec.DecodeError, UnicodeError):
        raise ContextDamaged("the file of a context is damaged; delete the context and send it again") from None
    if footer.size != start:
        raise ContextDamaged("the file of a context is not whole; delete the context and send it again")
    return footer


class End(NamedTuple):
    """Of a document: the byte, the code point, and the byte of the table behind it."""

    byte: int
    char: int
    row: int


NO_END = End(0, 0, 1)  # before the first document; the table begins with a bracket
END_SIZE = 8 * len(NO_END)


def numbers(content: bytes) -> "array[int]":
    """64-bit numbers, as they are in the file."""
    found: array[int] = array("Q")
    found.frombytes(content)
    return found
