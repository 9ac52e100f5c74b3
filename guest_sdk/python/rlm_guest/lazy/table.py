"""Names and lengths of documents, of which there may be a million: read block by block."""

import json
from bisect import bisect_right
from itertools import accumulate
from typing import NamedTuple

from .. import host

BLOCK = 1 << 16  # code points of the table


class Row(NamedTuple):
    """One document: [start, start + length) of all, one behind the other."""

    name: str | None
    start: int
    length: int


class Table:
    """The rows [name or null, length], each on a line, of a JSON array. Where a block begins is kept, and the last block."""

    def __init__(self) -> None:
        # Of each block: the number of its first document, its place in the table, where that document begins.
        self._numbers, self._places, self._starts = [0], [1], [0]
        self._held: tuple[int, list[Row]] | None = None

    def row(self, number: int) -> Row:
        """Of a document that there is."""
        at = bisect_right(self._numbers, number) - 1
        rows = self._block(at)
        while number >= self._numbers[at] + len(rows):
            at += 1
            rows = self._block(at)
        return rows[number - self._numbers[at]]

    def _block(self, at: int) -> list[Row]:
        if self._held is None or self._held[0] != at:
            self._held = at, self._read(at)
        return self._held[1]

    def _read(self, at: int) -> list[Row]:
        place, size = self._places[at], BLOCK
        text = host.read(host.TABLE, place, size)
        # A line end cannot be part of a name: JSON writes it as two characters.
        while (end := text.rfind("\n") + 1) == 0 and len(text) == size:
            size *= 2
            text = host.read(host.TABLE, place, size)
        lines = text[:end].rstrip(",\n") if end and len(text) == size else text.removesuffix("]")
        pairs = json.loads(f"[{lines}]")
        starts = list(accumulate((length for _, length in pairs), initial=self._starts[at]))
        if at + 1 == len(self._numbers) and len(text) == size:
            self._numbers.append(self._numbers[at] + len(pairs))
            self._places.append(place + end)
            self._starts.append(starts[-1])
        return [Row(name, start, length) for (name, length), start in zip(pairs, starts, strict=False)]
