"""What a text is cut into, as a list that holds none of it."""

import itertools
from bisect import bisect_right
from collections.abc import Callable, Iterator
from typing import Any

from .as_list import AsList

# Of a slice with known ends: a list up to this, else lazy.
LISTED = 10_000
_HELD = 2

# From a place: the parts that begin there, a bounded number, and the place of those that follow; None for no more.
Cut = Callable[[Any], tuple[list[Any], Any]]


class Parts(AsList):
    """Cut again each time that it is looked at, from the nearest place before; the last cut batches are held."""

    def __init__(self, cut: Cut, first: Any) -> None:
        self._cut = cut
        # Of the batches passed so far: the number of the first part, and its place.
        self._numbers, self._places = [0], [first]
        self._held: dict[int, tuple[list[Any], Any]] = {}
        self._length: int | None = None

    def __iter__(self) -> Iterator[Any]:
        return itertools.chain.from_iterable(parts for _, parts in self._batches(0))

    def __len__(self) -> int:
        if self._length is None:
            for number, parts in self._batches(self._numbers[-1]):
                self._length = number + len(parts)
        return self._length or 0

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return self._slice(index)
        if not hasattr(index, "__index__"):
            raise TypeError(f"list indices must be integers or slices, not {type(index).__name__}")
        number = index.__index__()
        if number < 0:
            number += len(self)
        for first, parts in self._batches(number) if number >= 0 else ():
            if number < first + len(parts):
                return parts[number - first]
        raise IndexError("list index out of range")

    def __repr__(self) -> str:
        return "<parts of a large text, cut while they are looked at; use a loop, len(), [number], [from:to]>"

    def _slice(self, wanted: slice) -> Any:
        start, stop = wanted.start or 0, wanted.stop
        if wanted.step in (None, 1) and stop is not None and start >= 0 and 0 <= stop - start <= LISTED:
            return list(itertools.islice(self._from(start), stop - start))
        picked = Picked(self, range(len(self))[wanted])
        return list(picked) if len(picked) <= LISTED else picked

    def _from(self, number: int) -> Iterator[Any]:
        for first, parts in self._batches(number):
            yield from parts[max(0, number - first) :]

    def _batches(self, number: int) -> Iterator[tuple[int, list[Any]]]:
        """(number of its first part, parts), ... from the batch that has the part of that number."""
        at = bisect_right(self._numbers, number) - 1
        while True:
            parts, following = self._batch(at)
            yield self._numbers[at], parts
            if following is None:
                return
            at += 1
            if at == len(self._numbers):
                self._numbers.append(self._numbers[-1] + len(parts))
                self._places.append(following)

    def _batch(self, at: int) -> tuple[list[Any], Any]:
        if at not in self._held:
            while len(self._held) >= _HELD:
                del self._held[next(iter(self._held))]
            self._held[at] = self._cut(self._places[at])
        return self._held[at]


class Picked(AsList):
    """Some of a list, by their numbers."""

    def __init__(self, parts: Any, numbers: range) -> None:
        self._parts = parts
        self._numbers = numbers

    def __iter__(self) -> Iterator[Any]:
        if self._numbers.step == 1:
            return itertools.islice(self._parts._from(self._numbers.start), len(self))
        return (self._parts[number] for number in self._numbers)

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            picked = Picked(self._parts, self._numbers[index])
            return list(picked) if len(picked) <= LISTED else picked
        try:
            return self._parts[self._numbers[index]]
        except IndexError:
            raise IndexError("list index out of range") from None

    __repr__ = Parts.__repr__
