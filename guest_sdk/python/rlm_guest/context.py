"""`context`: loaded from the host when a cell first uses it. Positions are code points."""

import json
import operator
from collections.abc import Iterator, Sequence
from typing import Any

from . import host

# One read is copied several times on its way in: small pieces bound the memory that never comes back.
PIECE = 1 << 20


def read_text(document: int, start: int, stop: int, expected_bytes: int = 0) -> str:
    """Code points [start, stop) of one document as a str.

    `expected_bytes`: what it will take. The allocator grows a text in place only if memory behind it is free already;
    else each piece copies all before it, into memory that never comes back.
    """
    if expected_bytes and stop - start > PIECE:
        width = expected_bytes // (stop - start) + 1
        bytearray(expected_bytes + 8 * PIECE * width)
    text = ""
    for position in range(start, stop, PIECE):
        text += host.read(document, position, min(PIECE, stop - position))
    return text


class LazyText:
    """A text too large to be held whole: reads what is asked for. Slices are ordinary str."""

    def __init__(self, length: int) -> None:
        self._length = length

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int | slice) -> str:
        if isinstance(index, slice):
            start, stop, step = index.indices(self._length)
            return read_text(0, start, stop)[::step] if step > 0 else read_text(0, stop + 1, start + 1)[::step]
        # operator.index: a float must not reach the host, whose interface would end the interpreter.
        position = operator.index(index) + (self._length if index < 0 else 0)
        if not 0 <= position < self._length:
            raise IndexError("string index out of range")
        return host.read(0, position, 1)

    def _pieces(self, start: int, stop: int, overlap: int = 0) -> Iterator[tuple[int, str]]:
        for position in range(start, stop, PIECE):
            yield position, read_text(0, position, min(position + PIECE + overlap, stop))

    def _range(self, start: int | None, end: int | None) -> tuple[int, int]:
        """As str.find takes them: stop < start if not even an empty text fits."""
        first, stop, _ = slice(start, end).indices(self._length)
        return (first, stop) if (start or 0) <= self._length else (self._length + 1, self._length)

    def find(self, sub: str, start: int | None = None, end: int | None = None) -> int:
        """As str.find."""
        start, stop = self._range(start, end)
        if not sub:
            return start if start <= stop else -1
        for position, piece in self._pieces(start, stop, overlap=len(sub) - 1):
            found = piece.find(sub)
            if found >= 0:
                return position + found
        return -1

    def count(self, sub: str, start: int | None = None, end: int | None = None) -> int:
        """As str.count: occurrences that do not overlap."""
        start, stop = self._range(start, end)
        if len(sub) <= 1:
            return sum(piece.count(sub) for _, piece in self._pieces(start, stop)) if sub else max(0, stop - start + 1)
        carry, count = "", 0
        for _, piece in self._pieces(start, stop):
            text = carry + piece
            end = 0
            while (found := text.find(sub, end)) >= 0:
                count, end = count + 1, found + len(sub)
            carry = text[max(end, len(text) - len(sub) + 1) :]
        return count

    def __contains__(self, sub: str) -> bool:
        return self.find(sub) >= 0

    def lines(self) -> Iterator[str]:
        """The lines, without their ends; \\n and \\r\\n end a line."""
        carry = ""
        for _, piece in self._pieces(0, self._length):
            *whole, carry = (carry + piece).split("\n")
            for line in whole:
                yield line.removesuffix("\r")
        if carry:
            yield carry

    __iter__ = lines

    def __repr__(self) -> str:
        return f"<context: {self._length} code points, too large to hold whole; use slices, find, count, in, lines()>"


class Documents(Sequence[str]):
    """A list of documents, each read when it is asked for; the most recently read are kept."""

    KEPT = 64 << 20  # code points

    def __init__(self, lengths: list[int]) -> None:
        self.lengths = lengths
        self._read: dict[int, str] = {}
        self._held = 0

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[position] for position in range(*index.indices(len(self)))]
        if not isinstance(index, int):
            raise TypeError(f"list indices must be integers or slices, not {type(index).__name__}")
        position = index + len(self) if index < 0 else index
        if not 0 <= position < len(self):
            raise IndexError("list index out of range")
        if position not in self._read:
            self._keep(position, read_text(position, 0, self.lengths[position]))
        return self._read[position]

    def _keep(self, position: int, text: str) -> None:
        while self._read and self._held + len(text) > self.KEPT:
            self._held -= len(self._read.pop(next(iter(self._read))))
        self._read[position] = text
        self._held += len(text)

    def __repr__(self) -> str:
        return f"<context: {len(self)} documents, {sum(self.lengths)} code points>"


def make_context(description: dict[str, Any]) -> Any:
    """`context` for {"kind": text | documents | json | messages, "lengths": of its parts, "inline", "bytes": of all}."""
    if description["kind"] == "documents":
        return Documents(description["lengths"])
    [length] = description["lengths"]
    if description["kind"] in ("json", "messages"):
        return json.loads(read_text(0, 0, length, description["bytes"]))
    return read_text(0, 0, length, description["bytes"]) if description["inline"] else LazyText(length)
