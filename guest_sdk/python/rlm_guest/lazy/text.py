"""A text that is too large to be held whole."""

import sys
from collections.abc import Iterator
from typing import Any

from .cases import Cases
from .comparing import Comparing
from .splitting import Splitting
from .whole import AsWhole, too_large


class LazyText(Comparing, Splitting, Cases, AsWhole):
    """Answers what a str answers, and reads for it what it needs. It is no str: what wants one gets a slice."""

    __hash__ = AsWhole.__hash__
    maketrans = staticmethod(str.maketrans)

    def __len__(self) -> int:
        if self.length > sys.maxsize:
            raise OverflowError(f"the text has {self.length} characters, more than len() can say: use .length")
        return self.length

    def __bool__(self) -> bool:
        return self.length > 0

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return self._slice(index)
        if not hasattr(index, "__index__"):
            raise TypeError(f"string indices must be integers, not '{type(index).__name__}'")
        position = index.__index__()
        position += self.length if position < 0 else 0
        if not 0 <= position < self.length:
            raise IndexError("string index out of range")
        return self.between(position, position + 1)

    def _slice(self, wanted: slice) -> Any:
        start, stop, step = wanted.indices(self.length)
        if step == 1:
            return self.cut(start, max(start, stop))
        pieces = self.forwards(start, stop) if step > 0 else self.backwards(stop + 1, start + 1)
        try:
            return "".join(_every(pieces, start, step))
        except MemoryError:
            raise too_large("a slice with a step", self.length) from None

    def __repr__(self) -> str:
        return (
            f"<{self.length} characters, too many to hold as a str: slices, find, count, in, split, lines(), re and modules "
            "work; json and other code in C take slices of it>"
        )


def _every(pieces: Iterator[tuple[int, str]], position: int, step: int) -> Iterator[str]:
    """Of pieces, the characters at `position` and every `step` from there."""
    for first, piece in pieces:
        if position >= first:
            part = piece[position - first :: step]
            yield part
            position += step * len(part)


def length_of(value: Any) -> int:
    """len(value), also of a text that is longer than len() can say."""
    return value.length if isinstance(value, LazyText) else len(value)
