"""A range of a source: what all of LazyText works with."""

import operator
from collections.abc import Iterator
from typing import Any

from . import sizes
from .sources import Source, read_str


class Range:
    """Code points [start, stop) of a source. Positions are those of the range."""

    def __init__(self, source: Source, start: int = 0, stop: int | None = None) -> None:
        self.source = source
        self._start = start
        self.length = (source.length if stop is None else stop) - start

    def part(self, start: int, stop: int) -> dict[str, Any] | None:
        """Code points [start, stop) for a call of a module; None if the host has no such text."""
        on_host = self.source.on_host
        return None if on_host is None else {"part": [self._start + start, self._start + stop]} | on_host

    def between(self, start: int, stop: int) -> str:
        """Code points [start, stop) as one str, cut at the end. Raises MemoryError."""
        return read_str(self.source.read, self._start + start, self._start + min(stop, self.length))

    def cut(self, start: int, stop: int) -> Any:
        """The same as a str, or lazily if it is long."""
        if stop - start <= sizes.STR:
            return self.between(start, stop) if start < stop else ""
        return type(self)(self.source, self._start + start, self._start + stop)

    def forwards(self, start: int, stop: int, overlap: int = 0) -> Iterator[tuple[int, str]]:
        """(position, piece), ...: each with the next `overlap` code points too, if there are any."""
        for position in range(start, stop, sizes.PIECE):
            yield position, self.between(position, min(position + sizes.PIECE, stop) + overlap)

    def backwards(self, start: int, stop: int, overlap: int = 0) -> Iterator[tuple[int, str]]:
        """The same from the last piece to the first."""
        for end in range(stop, start, -sizes.PIECE):
            position = max(start, end - sizes.PIECE)
            yield position, self.between(position, end + overlap)

    def bounds(self, start: Any, end: Any) -> tuple[int, int]:
        """As str.find takes them; stop < start if not even an empty text fits."""
        first, stop, _ = slice(start, end).indices(self.length)
        beyond = start is not None and operator.index(start) > self.length
        return (self.length + 1, self.length) if beyond else (first, stop)
