"""Where texts come from. Positions are code points."""

from array import array
from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any, Protocol

from .. import host
from . import sizes


class Source(Protocol):
    """`on_host`: the host has the same text at the same positions, so that modules can be asked about it."""

    length: int
    on_host: bool

    def read(self, start: int, stop: int) -> str:
        """Code points [start, stop), which lie within the text."""
        ...


class Whole:
    """The context as the host has it: all documents, one behind the other."""

    on_host = True

    def __init__(self, length: int) -> None:
        self.length = length
        self.same_words: bool | None = None  # whether the module takes the same characters for words; found out when asked
        self._last = (0, 0)  # the last small read
        self._held, self._held_start = "", 0

    def read(self, start: int, stop: int) -> str:
        if start >= stop:
            return ""
        if stop - start >= sizes.AHEAD:
            return read_str(lambda first, last: host.read(host.WHOLE, first, last - first), start, stop)
        held_stop = self._held_start + len(self._held)
        if not self._held_start <= start <= stop <= held_stop:
            follows = self._last[0] < start <= self._last[1]
            end = min(max(stop, start + sizes.AHEAD), self.length) if follows else stop
            self._held, self._held_start = host.read(host.WHOLE, start, end - start), start
        self._last = (start, stop)
        return self._held[start - self._held_start : stop - self._held_start]


class Joined:
    """Documents as one text, with a line end between; `lengths` are theirs."""

    on_host = False

    def __init__(self, documents: Sequence[Any], lengths: Sequence[int]) -> None:
        self._documents = documents
        # Where each begins, with the line ends before it.
        self._starts = array("Q", accumulate((length + 1 for length in lengths), initial=0))
        self.length = max(0, self._starts[-1] - 1)

    def read(self, start: int, stop: int) -> str:
        found, index = [], bisect_right(self._starts, start) - 1
        while start < stop:
            first, end = self._starts[index], self._starts[index + 1] - 1
            if start < end:
                found.append(str(self._documents[index][start - first : min(end, stop) - first]))
            if end < stop:
                found.append("\n")
            start, index = end + 1, index + 1
        return "".join(found)


class Mapped:
    """A text, each character changed by itself into one other."""

    on_host = False

    def __init__(self, read: Callable[[int, int], str], length: int, change: Callable[[str], str]) -> None:
        self.length = length
        self._read = read
        self._change = change

    def read(self, start: int, stop: int) -> str:
        return self._change(self._read(start, stop))


def read_str(read: Callable[[int, int], str], start: int, stop: int, expected_bytes: int = 0) -> str:
    """Code points [start, stop) as one str, in pieces. Raises MemoryError.

    `expected_bytes`: what it will take. The allocator grows a text in place only if memory behind it is free already;
    else each piece copies all before it, into memory that never comes back.
    """
    if stop - start <= sizes.PIECE:
        return read(start, stop)
    expected = max(expected_bytes, stop - start)
    try:
        bytearray(expected + 8 * sizes.PIECE * (expected // (stop - start) + 1))
    except OverflowError:
        raise MemoryError from None
    text = ""
    for position in range(start, stop, sizes.PIECE):
        text += read(position, min(position + sizes.PIECE, stop))
    return text
