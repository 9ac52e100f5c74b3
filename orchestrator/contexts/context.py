"""One context: a text, documents, a JSON value or a chat. Immutable, exact, in one file; the id is the hash of the content."""

import itertools
import json
import os
import re
from functools import cached_property
from pathlib import Path
from typing import Literal

from orchestrator.contexts.layout import STEP, Footer, numbers, read_footer

Kind = Literal["text", "documents", "json", "messages"]
_EMPTY_JSON = ("null", '""', "[]", "{}")
_SAID = re.compile(r'"content":"[^"]')  # as messages are written here; a quote within a text has a backslash before it
_SHORT = 1 << 20  # code points; more messages than that say something


class Context:
    """Positions and lengths are code points of one document; what is not documents has one. Thread-safe."""

    def __init__(self, identity: str, path: Path) -> None:
        """Raises ContextDamaged, OSError."""
        self.id = identity
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            self._footer: Footer = read_footer(self._descriptor)
        except BaseException:
            os.close(self._descriptor)
            self._descriptor = -1
            raise

    def __del__(self) -> None:
        if getattr(self, "_descriptor", -1) >= 0:
            os.close(self._descriptor)

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
        """What it takes in a guest as `str`."""
        return self._footer.guest_bytes

    @cached_property
    def names(self) -> tuple[str | None, ...]:
        """Of the documents; empty if none has one."""
        footer = self._footer
        return tuple(json.loads(self._pread(footer.names_start, footer.names))) if footer.names else ()

    @cached_property
    def lengths(self) -> tuple[int, ...]:
        """Code points of each document."""
        ends = [0, *(self._end(document)[1] for document in range(self.count))]
        return tuple(stop - start for start, stop in itertools.pairwise(ends))

    @cached_property
    def byte_lengths(self) -> tuple[int, ...]:
        """Bytes of each document."""
        ends = [0, *(self._end(document)[0] for document in range(self.count))]
        return tuple(stop - start for start, stop in itertools.pairwise(ends))

    def name(self, document: int) -> str | None:
        """Of one document, if it has one."""
        return self.names[document] if self.names else None

    def document_length(self, document: int) -> int:
        """Code points of one document."""
        return self._end(document)[1] - (self._end(document - 1)[1] if document else 0)

    @cached_property
    def table(self) -> str:
        """A JSON array with [name or null, code points] for each document."""
        names = self.names or (None,) * self.count
        return json.dumps([*zip(names, self.lengths, strict=True)], ensure_ascii=False)

    def read(self, document: int, start: int, length: int) -> str:
        """Code points [start, start + length) of one document, cut at its end."""
        first = self._end(document - 1)[1] if document else 0
        begin = first + start
        stop = min(begin + length, self._end(document)[1])
        return self._decode(begin, stop) if begin < stop else ""

    @property
    def byte_length(self) -> int:
        """Of all documents, as UTF-8."""
        return self._footer.text

    def read_bytes(self, start: int, length: int) -> bytes:
        """Bytes [start, start + length) of all documents, one behind the other, cut at the end."""
        return self._pread(start, max(0, min(length, self._footer.text - start)))

    def _decode(self, start: int, stop: int) -> str:
        """Code points of all documents. From the last indexed one before it to the first behind it, then cut."""
        if not self._footer.index:
            return self._pread(start, stop - start).decode()
        slot, behind = start // STEP, -(-stop // STEP)
        first = self._index[slot]
        end = self._index[behind] if behind < len(self._index) else self._footer.text
        return self._pread(first, end - first).decode()[start - slot * STEP : stop - slot * STEP]

    def _end(self, document: int) -> tuple[int, int]:
        """The byte and the code point behind a document."""
        if self.kind != "documents":
            return self._footer.text, self._footer.chars
        return self._ends[2 * document], self._ends[2 * document + 1]

    @cached_property
    def _index(self) -> "memoryview":
        return memoryview(numbers(self._pread(self._footer.index_start, self._footer.index)))

    @cached_property
    def _ends(self) -> "memoryview":
        return memoryview(numbers(self._pread(self._footer.ends_start, self._footer.ends)))

    def _pread(self, start: int, length: int) -> bytes:
        """All of it: one pread gives at most 2 GiB."""
        pieces = []
        while length > 0 and (piece := os.pread(self._descriptor, length, start)):
            pieces.append(piece)
            start, length = start + len(piece), length - len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)
