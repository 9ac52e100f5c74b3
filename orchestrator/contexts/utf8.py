"""What a module works on: texts as one sequence of UTF-8 bytes. Positions are bytes.

`read_into` fills a room that lies within the sequence, and says how many bytes it was.
"""

from array import array
from bisect import bisect_right
from itertools import pairwise

from orchestrator.contexts.context import Context


class ContextBytes:
    """All documents of a context, one behind the other; or code points [start, stop) of them."""

    def __init__(self, context: Context, part: tuple[int, int] | None = None) -> None:
        self._context = context
        self._start, stop = (0, context.byte_length) if part is None else map(context.byte_of, part)
        self.length = stop - self._start

    def read_into(self, room: memoryview, start: int) -> int:
        return self._context.read_into(room, self._start + start)


class JoinedBytes:
    """The documents of a context as one text, with a line end between; or code points [start, stop) of that."""

    def __init__(self, context: Context, part: tuple[int, int] | None = None) -> None:
        self._context = context
        bytes_, characters = context.ends
        self._starts = _starts(bytes_)
        self._first, stop = 0, context.byte_length + len(self._starts) - 1
        if part is not None:
            in_characters = _starts(characters)
            # Line ends before it: the context has it so much further on.
            before = [bisect_right(in_characters, place) - 1 for place in part]
            self._first, stop = (context.byte_of(place - ends) + ends for place, ends in zip(part, before, strict=True))
        self.length = stop - self._first

    def read_into(self, room: memoryview, start: int) -> int:
        if not room:
            return 0
        start += self._first
        stop = start + len(room)
        # Line ends before them: what follows is so much further on than in the context.
        first, last = (bisect_right(self._starts, place) - 1 for place in (start, stop))
        begin, end = start - first, stop - last
        content = self._context.read_bytes(begin, end - begin)
        cuts = [0, *(self._starts[number] - number - begin for number in range(first + 1, last + 1)), end - begin]
        joined = b"\n".join(content[one:two] for one, two in pairwise(cuts))
        room[: len(joined)] = joined
        return len(joined)


def _starts(ends: "array[int]") -> "array[int]":
    """Where each document begins, with the line ends before it; `ends` are without them."""
    return array("Q", (end + number for number, end in enumerate((0, *ends[:-1]))))


class TextBytes:
    """A text that a cell handed over."""

    def __init__(self, text: str) -> None:
        self._content = text.encode()
        self.length = len(self._content)

    def read_into(self, room: memoryview, start: int) -> int:
        room[:] = self._content[start : start + len(room)]
        return len(room)
