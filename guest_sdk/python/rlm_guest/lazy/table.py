"""Names and places of documents, of which there may be a million: read block by block."""

import json
from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate
from typing import NamedTuple

from .. import host

BLOCK = 1 << 16  # code points of the table


class Block(NamedTuple):
    """Some documents that follow each other: `bounds` are where each begins in all of them, and where the last one ends."""

    names: list[str | None]
    bounds: list[int]


class Table:
    """The rows [name or null, length], each on a line, of a JSON array. Where a block begins is kept, and the last block."""

    def __init__(self, count: int) -> None:
        self.count = count
        # Of each block: the number of its first document, its place in the table, where that document begins.
        self._numbers, self._places, self._starts = [0], [1], [0]
        self._held: tuple[int, Block] | None = None

    def around(self, number: int) -> tuple[int, Block]:
        """The block that a document is in, and the number of its first one."""
        at = bisect_right(self._numbers, number) - 1
        block = self._block(at)
        while number >= self._numbers[at] + len(block.names):
            at += 1
            block = self._block(at)
        return self._numbers[at], block

    def blocks(self) -> Iterator[Block]:
        """All of them."""
        passed = 0
        while passed < self.count:
            _, block = self.around(passed)
            yield block
            passed += len(block.names)

    def _block(self, at: int) -> Block:
        if self._held is None or self._held[0] != at:
            self._held = at, self._read(at)
        return self._held[1]

    def _read(self, at: int) -> Block:
        place, size = self._places[at], BLOCK
        text = host.read(host.TABLE, place, size)
        # A line end cannot be part of a name: JSON writes it as two characters.
        while (end := text.rfind("\n") + 1) == 0 and len(text) == size:
            size *= 2
            text = host.read(host.TABLE, place, size)
        more = len(text) == size
        lines = text[:end].rstrip(",\n") if more else text.removesuffix("]")
        rows = json.loads(f"[{lines}]")
        bounds = list(accumulate((length for _, length in rows), initial=self._starts[at]))
        if more and at + 1 == len(self._numbers):
            self._numbers.append(self._numbers[at] + len(rows))
            self._places.append(place + end)
            self._starts.append(bounds[-1])
        return Block([name for name, _ in rows], bounds)
