"""`context`: loaded from the host when a cell first uses it. Positions are code points."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from . import host

# One read is copied several times on its way in: small pieces bound the memory that never comes back.
PIECE = 8 << 20


def read_text(document: int, start: int, stop: int) -> str:
    """Code points [start, stop) of one document as a str."""
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
            return read_text(0, start, stop) if step == 1 else read_text(0, 0, self._length)[index]
        position = index + self._length if index < 0 else index
        if not 0 <= position < self._length:
            raise IndexError("string index out of range")
        return host.read(0, position, 1)

    def _pieces(self, start: int, overlap: int = 0) -> Iterator[tuple[int, str]]:
        for position in range(start, self._length, PIECE):
            yield position, read_text(0, position, min(position + PIECE + overlap, self._length))

    def find(self, sub: str, start: int = 0, end: int | None = None) -> int:
        """As str.find."""
        start, end, _ = slice(start, end).indices(self._length)
        for position, piece in self._pieces(start, overlap=max(0, len(sub) - 1)):
            found = piece.find(sub)
            if found >= 0:
                return position + found if position + found + len(sub) <= end else -1
        return -1

    def count(self, sub: str) -> int:
        """As str.count: occurrences that do not overlap."""
        if not sub:
            return self._length + 1
        carry, count = "", 0
        for _, piece in self._pieces(0):
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
        for _, piece in self._pieces(0):
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

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[position] for position in range(*index.indices(len(self)))]
        position = index + len(self) if index < 0 else index
        if not 0 <= position < len(self):
            raise IndexError("list index out of range")
        if position not in self._read:
            self._keep(position, read_text(position, 0, self.lengths[position]))
        return self._read[position]

    def _keep(self, position: int, text: str) -> None:
        while self._read and sum(map(len, self._read.values())) + len(text) > self.KEPT:
            del self._read[next(iter(self._read))]
        self._read[position] = text

    def __repr__(self) -> str:
        return f"<context: {len(self)} documents, {sum(self.lengths)} code points>"


def make_context(description: dict[str, Any]) -> Any:
    """`context` for {"kind": text | documents | json | messages, "lengths": of its parts, "inline": bool}."""
    if description["kind"] == "documents":
        return Documents(description["lengths"])
    [length] = description["lengths"]
    if description["kind"] in ("json", "messages"):
        return json.loads(read_text(0, 0, length))
    return read_text(0, 0, length) if description["inline"] else LazyText(length)
