"""A context of documents: a list of texts, each with a name."""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any

from . import sizes
from .sources import Joined, Source, read_str
from .table import Row, Table
from .text import LazyText, length_of

# Of a slice: a list up to this many documents, where they are short together; else lazy.
LISTED = 10_000


class DocumentList(list[str]):
    """A list of str; `names` has the name of each that the context began with, None for one without."""

    names: list[str | None]


class Rows(Sequence[Any]):
    """What can be said of some of the documents by their rows; `numbers` are theirs."""

    def __init__(self, table: Table, numbers: range, value: Callable[[Row], Any]) -> None:
        self._table = table
        self._numbers = numbers
        self._value = value

    def __len__(self) -> int:
        return len(self._numbers)

    def __iter__(self) -> Iterator[Any]:
        return (self._value(self._table.row(number)) for number in self._numbers)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return self._slice(self._numbers[index])
        if not hasattr(index, "__index__"):
            raise TypeError(f"list indices must be integers or slices, not {type(index).__name__}")
        try:
            number = self._numbers[index]
        except IndexError:
            raise IndexError("list index out of range") from None
        return self._value(self._table.row(number))

    def __eq__(self, other: Any) -> bool:
        if not isinstance(other, list | Rows):
            return NotImplemented
        return len(self) == len(other) and all(one == two for one, two in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]  # as of a list

    def __add__(self, other: Any) -> Any:
        return [*self, *other] if isinstance(other, list | Rows) else NotImplemented

    def __radd__(self, other: Any) -> Any:
        return [*other, *self] if isinstance(other, list) else NotImplemented

    def _slice(self, numbers: range) -> Any:
        return [self._value(self._table.row(number)) for number in numbers]


class Documents(Rows):
    """Documents that are too large together: each is read when it is asked for, and one that is too large is lazy."""

    def __init__(self, source: Source, table: Table, numbers: range) -> None:
        super().__init__(table, numbers, self._document)
        self._source = source

    @property
    def names(self) -> Sequence[str | None]:
        """The name of each, None for one without."""
        return Rows(self._table, self._numbers, lambda row: row.name)

    @property
    def lengths(self) -> Sequence[int]:
        """The length of each."""
        return Rows(self._table, self._numbers, lambda row: row.length)

    def copy(self) -> "Documents":
        """As list.copy: these cannot be changed."""
        return self

    def _document(self, row: Row) -> Any:
        stop = row.start + row.length
        return self._source.read(row.start, stop) if row.length <= sizes.STR else LazyText(self._source, row.start, stop)

    def _slice(self, numbers: range) -> Any:
        picked = Documents(self._source, self._table, numbers)
        short = len(numbers) <= LISTED and sum(picked.lengths) <= sizes.STR
        return list(picked) if short else picked

    def __repr__(self) -> str:
        return f"<{len(self)} documents, too large to hold them all: each is read when it is asked for>"


def joined(documents: Sequence[Any]) -> LazyText:
    """As one text, with a line end between; no copy of them."""
    lengths = documents.lengths if isinstance(documents, Documents) else [length_of(each) for each in documents]
    return LazyText(Joined(documents, lengths))


def held(source: Source, table: Table, bytes_each: float) -> DocumentList:
    """All of them. `bytes_each`: what a character takes."""
    documents = DocumentList()
    documents.names = []
    for names, bounds in table.blocks():
        documents.names += names
        first, last = bounds[0], bounds[-1]
        if last - first <= sizes.PIECE:
            # Of many small ones a call for each would cost more than the rest.
            together = source.read(first, last)
            documents += [together[start - first : stop - first] for start, stop in pairwise(bounds)]
        else:
            documents += [
                read_str(source.read, start, stop, int((stop - start) * bytes_each)) for start, stop in pairwise(bounds)
            ]
    return documents
