"""Texts as one sequence of UTF-8 bytes. A text in ASCII is not copied: its characters are its bytes."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate


class UTF8:
    """`parts`, one behind the other. Positions are bytes."""

    def __init__(self, parts: Sequence[str]) -> None:
        # Encoding at every read would cost more than searching what was read.
        self._parts = [part if part.isascii() else part.encode() for part in parts]
        self.lengths = [len(part) for part in self._parts]
        self._starts = [0, *accumulate(self.lengths)]

    @property
    def length(self) -> int:
        return self._starts[-1]

    def read(self, start: int, length: int) -> bytes:
        """Bytes [start, start + length), cut at the end."""
        stop = min(start + length, self.length)
        found = []
        index = bisect_right(self._starts, start) - 1
        while start < stop:
            first, end = self._starts[index], min(stop, self._starts[index + 1])
            piece = self._parts[index][start - first : end - first]
            found.append(piece if isinstance(piece, bytes) else piece.encode())
            start, index = end, index + 1
        return found[0] if len(found) == 1 else b"".join(found)


class Joined:
    """Documents as one text, with a line end between. `source` has all of them, one behind the other."""

    def __init__(self, source: UTF8) -> None:
        self._source = source
        # Where each begins, with the line ends before it.
        self._starts = [0, *accumulate(length + 1 for length in source.lengths)]
        self.length = max(0, self._starts[-1] - 1)

    def read(self, start: int, length: int) -> bytes:
        """Bytes [start, start + length), cut at the end."""
        stop = min(start + length, self.length)
        found = []
        index = bisect_right(self._starts, start) - 1
        while start < stop:
            end = self._starts[index + 1] - 1
            if start < end:
                found.append(self._source.read(start - index, min(end, stop) - start))
            if end < stop:
                found.append(b"\n")
            start, index = end + 1, index + 1
        return b"".join(found)
