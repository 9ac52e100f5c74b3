"""Where texts come from. Positions are code points."""

from array import array
from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise
from typing import Any, Protocol

from .. import host
from . import sizes


class Source(Protocol):
    """`on_host`: what a call of a module says of it, beside the part; None if the host does not have the same text."""

    length: int
    on_host: dict[str, Any] | None

    def read(self, start: int, stop: int) -> str:
        """Code points [start, stop), which lie within the text."""
        ...


class Whole:
    """The context as the host has it: all documents, one behind the other."""

    def __init__(self, length: int) -> None:
        self.length = length
        self.on_host: dict[str, Any] | None = {}
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

    def __init__(self, documents: Sequence[Any], lengths: Sequence[int]) -> None:
        self._documents = documents
        self._starts = _starts(lengths)
        self.length = max(0, self._starts[-1] - 1)
        self.on_host: dict[str, Any] | None = None

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


class JoinedRun:
    """The same of documents that follow each other in a source, from `first` on: they are read together."""

    def __init__(self, source: Source, first: int, lengths: Sequence[int], *, is_context: bool) -> None:
        """`is_context`: they are all documents of the context."""
        self._source = source
        self._first = first
        self._starts = _starts(lengths)
        self.length = max(0, self._starts[-1] - 1)
        self.on_host: dict[str, Any] | None = {"joined": True} if is_context else None

    def read(self, start: int, stop: int) -> str:
        if start >= stop:
            return ""
        # Line ends before them: what follows is so much further on than in the source.
        one, last = (bisect_right(self._starts, place) - 1 for place in (start, stop))
        begin, end = start - one, stop - last
        content = self._source.read(self._first + begin, self._first + end)
        cuts = [0, *(self._starts[number] - number - begin for number in range(one + 1, last + 1)), end - begin]
        return "\n".join([content[first:behind] for first, behind in pairwise(cuts)])


def _starts(lengths: Sequence[int]) -> "array[int]":
    """Where each document begins, with the line ends before it."""
    return array("Q", accumulate((length + 1 for length in lengths), initial=0))


class Mapped:
    """A text, each character changed by itself into one other."""

    def __init__(self, read: Callable[[int, int], str], length: int, change: Callable[[str], str]) -> None:
        self.length = length
        self.on_host: dict[str, Any] | None = None
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
