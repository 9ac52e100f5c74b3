"""A context of documents: a list of texts, each with a name."""

import itertools
import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from . import sizes
from .as_list import AsList
from .sources import Joined, JoinedRun, Source, read_str
from .table import Block, Table
from .text import LazyText, length_of

# Of a slice: a list up to this many documents, if they are short together; else lazy.
LISTED = 10_000


class DocumentList(list[str]):
    """A list of str; `names` has the name of each that the context began with, None for one without."""

    names: list[str | None]
    _sent: tuple[str, ...]

    @property
    def is_changed(self) -> bool:
        """Whether it is not what the host has."""
        return len(self) != len(self._sent) or any(map(operator.is_not, self, self._sent))


class Rows(AsList):
    """What can be said of each of some documents; `numbers` are theirs.

    `say(block, first, stop)`: for documents [first, stop) of a block of the table.
    """

    def __init__(self, table: Table, numbers: range, say: Callable[[Block, int, int], Iterable[Any]]) -> None:
        self._table = table
        self._numbers = numbers
        self._say = say

    def __len__(self) -> int:
        return len(self._numbers)

    def __iter__(self) -> Iterator[Any]:
        if self._numbers.step != 1:
            yield from map(self._one, self._numbers)
            return
        number = self._numbers.start
        while number < self._numbers.stop:
            first, block = self._table.around(number)
            stop = min(self._numbers.stop, first + len(block.names))
            yield from self._say(block, number - first, stop - first)
            number = stop

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return self._slice(self._numbers[index])
        if not hasattr(index, "__index__"):
            raise TypeError(f"list indices must be integers or slices, not {type(index).__name__}")
        try:
            return self._one(self._numbers[index])
        except IndexError:
            raise IndexError("list index out of range") from None

    def __repr__(self) -> str:
        return str(self) if len(self) <= LISTED else f"<{len(self)} of them; use a loop, [number], [from:to]>"

    def _one(self, number: int) -> Any:
        first, block = self._table.around(number)
        [found] = self._say(block, number - first, number - first + 1)
        return found

    def _slice(self, numbers: range) -> Any:
        return list(Rows(self._table, numbers, self._say))


class Documents(Rows):
    """Documents that are too large together: each is read when it is asked for, and one that is too large is lazy."""

    def __init__(self, source: Source, table: Table, numbers: range) -> None:
        super().__init__(table, numbers, self._texts)
        self._source = source

    @property
    def names(self) -> Sequence[str | None]:
        """The name of each, None for one without."""
        return Rows(self._table, self._numbers, lambda block, first, stop: block.names[first:stop])

    @property
    def lengths(self) -> Sequence[int]:
        """The length of each."""
        return Rows(self._table, self._numbers, _lengths)

    def joined(self) -> Source:
        """As one text, with a line end between."""
        numbers = self._numbers
        if numbers.step != 1 or not numbers:
            return Joined(self, self.lengths)
        first, block = self._table.around(numbers.start)
        is_context = len(numbers) == self._table.count
        return JoinedRun(self._source, block.bounds[numbers.start - first], self.lengths, is_context=is_context)

    def copy(self) -> "Documents":
        """As list.copy: these cannot be changed."""
        return self

    def _texts(self, block: Block, first: int, stop: int) -> Iterator[Any]:
        return texts(self._source, block.bounds[first : stop + 1], self._text)

    def _text(self, start: int, stop: int) -> Any:
        return self._source.read(start, stop) if stop - start <= sizes.STR else LazyText(self._source, start, stop)

    def _slice(self, numbers: range) -> Any:
        picked = Documents(self._source, self._table, numbers)
        short = len(numbers) <= LISTED and sum(picked.lengths) <= sizes.STR
        return list(picked) if short else picked

    def __repr__(self) -> str:
        return f"<{len(self)} documents, too large to hold them all: each is read when it is asked for>"


def _lengths(block: Block, first: int, stop: int) -> list[int]:
    return [end - start for start, end in itertools.pairwise(block.bounds[first : stop + 1])]


def texts(source: Source, bounds: list[int], one: Callable[[int, int], Any]) -> Iterator[Any]:
    """Those between the bounds: small ones are read together, as a call for each would cost more than all else."""
    start, stop = bounds[0], bounds[-1]
    if stop - start > sizes.PIECE:
        return itertools.starmap(one, itertools.pairwise(bounds))
    together = source.read(start, stop)
    return iter([together[first - start : last - start] for first, last in itertools.pairwise(bounds)])


def joined(documents: Sequence[Any]) -> LazyText:
    """As one text, with a line end between; no copy of them."""
    if isinstance(documents, Documents):
        return LazyText(documents.joined())
    return LazyText(Joined(documents, [length_of(each) for each in documents]))


def held(source: Source, table: Table, bytes_each: float) -> DocumentList:
    """All of them. `bytes_each`: what a character takes."""
    documents = DocumentList()
    documents.names = []
    for names, bounds in table.blocks():
        documents.names += names
        documents += texts(
            source, bounds, lambda start, stop: read_str(source.read, start, stop, int((stop - start) * bytes_each))
        )
    documents._sent = tuple(documents)
    return documents
