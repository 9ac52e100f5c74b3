"""One context: a text, documents, a JSON value or a chat. Immutable, exact, in one file; the id is the hash of the content."""

import json
import os
import re
import weakref
from array import array
from pathlib import Path
from typing import Literal

from orchestrator.contexts.layout import END_SIZE, NO_END, STEP, End, Footer, numbers, read_footer

Kind = Literal["text", "documents", "json", "messages"]
_EMPTY_JSON = ("null", '""', "[]", "{}")
# As messages are written here; a quote within a text has a backslash before it.
_SAID = re.compile(r'"(?:content|refusal)":"[^"]|"(?:content|tool_calls)":\[\{')
_SHORT = 1 << 20  # code points; more messages than that say something


class Context:
    """Positions and lengths are code points of one document; what is not documents has one. Thread-safe."""

    def __init__(self, identity: str, path: Path) -> None:
        """Raises ContextDamaged, OSError."""
        self.id = identity
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        # Not __del__: while that runs, weak references still find the object, and another thread (store.py) could take one
        # whose descriptor is closed, or already that of another file.
        weakref.finalize(self, os.close, self._descriptor).atexit = False
        self._footer: Footer = read_footer(self._descriptor)

    @property
    def kind(self) -> Kind:
        return self._footer.kind  # type: ignore[return-value]  # as it was written

    @property
    def length(self) -> int:
        """Code points of all documents."""
        return self._footer.chars

    @property
    def count(self) -> int:
        """How many documents."""
        return self._footer.count

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to ask about: only white space; null, "", [] or {}; messages that say nothing."""
        match self.kind:
            case "json":
                return self._start() in _EMPTY_JSON
            case "messages":
                return self.length < _SHORT and _SAID.search(self._start()) is None
        return self._footer.blank

    def _start(self) -> str:
        return self.read(0, 0, _SHORT).strip()

    @property
    def guest_bytes(self) -> int:
        """What it takes in a guest as `str`, with the names of documents."""
        return self._footer.guest_bytes

    def is_lazy(self, inline_limit: int) -> bool:
        """Whether a guest reads it piece by piece: it takes more than so many bytes there."""
        return self.kind in ("text", "documents") and self.guest_bytes > inline_limit

    def documents(self, first: int, stop: int) -> list[tuple[str | None, int]]:
        """The name, if it has one, and the code points of each document in [first, stop), cut at the last one."""
        stop = min(stop, self.count)
        if first >= stop:
            return []
        start, end = self._end(first - 1).row, self._end(stop - 1).row
        # Rows between two commas, without the brackets of the table.
        rows = self._pread(self._footer.table_start + start, end - start).strip(b",\n")
        return [(name, length) for name, length in json.loads(b"[%b]" % rows)]

    @property
    def names(self) -> list[str | None]:
        """Of all documents, None for one without."""
        return [name for name, _ in self.documents(0, self.count)]

    @property
    def ends(self) -> "tuple[array[int], array[int]]":
        """The byte, and the code point, behind each document."""
        rows = numbers(self._pread(self._footer.ends_start, self._footer.ends))
        return rows[:: len(NO_END)], rows[1 :: len(NO_END)]

    def read_table(self, start: int, length: int) -> str:
        """Characters [start, start + length) of the table of documents (layout.py), cut at its end."""
        length = max(0, min(length, self._footer.table - start))
        return self._pread(self._footer.table_start + start, length).decode()

    def read(self, document: int, start: int, length: int) -> str:
        """Code points [start, start + length) of one document, cut at its end."""
        begin = self._end(document - 1).char + start
        stop = min(begin + length, self._end(document).char)
        return self._decode(begin, stop) if begin < stop else ""

    def read_all(self, start: int, length: int) -> str:
        """Code points [start, start + length) of all documents, one behind the other, cut at the end."""
        stop = min(start + length, self.length)
        return self._decode(start, stop) if start < stop else ""

    def byte_of(self, position: int) -> int:
        """The byte at which a code point of all documents begins."""
        if not self._footer.index:
            return position
        slot = position // STEP
        first = self._indexed(slot)
        return first + len(self._decode(slot * STEP, position).encode())

    @property
    def byte_length(self) -> int:
        """Of all documents, as UTF-8."""
        return self._footer.text

    def read_bytes(self, start: int, length: int) -> bytes:
        """Bytes [start, start + length) of all documents, one behind the other, cut at the end."""
        return self._pread(start, max(0, min(length, self._footer.text - start)))

    def read_into(self, room: memoryview, start: int) -> int:
        """Fills `room` with the bytes of all documents from `start` on: how many, less if the file was cut."""
        done = 0
        while done < len(room) and (count := os.preadv(self._descriptor, [room[done:]], start + done)):
            done += count
        return done

    def _decode(self, start: int, stop: int) -> str:
        """Code points of all documents. From the last indexed one before it to the first behind it, then cut."""
        if not self._footer.index:
            return self._pread(start, stop - start).decode()
        slot = start // STEP
        first, end = self._indexed(slot), self._indexed(-(-stop // STEP))
        return self._pread(first, end - first).decode()[start - slot * STEP : stop - slot * STEP]

    def _indexed(self, slot: int) -> int:
        """The byte at which code point `slot * STEP` begins; the end of the text, if there are fewer."""
        if 8 * slot >= self._footer.index:
            return self._footer.text
        return numbers(self._pread(self._footer.index_start + 8 * slot, 8))[0]

    def _end(self, document: int) -> End:
        """Of a document; of what is before the first, for -1."""
        if document < 0:
            return NO_END
        return End(*numbers(self._pread(self._footer.ends_start + END_SIZE * document, END_SIZE)))

    def _pread(self, start: int, length: int) -> bytes:
        """All of it: one pread gives at most 2 GiB."""
        pieces = []
        while length > 0 and (piece := os.pread(self._descriptor, length, start)):
            pieces.append(piece)
            start, length = start + len(piece), length - len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)
