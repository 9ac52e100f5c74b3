"""What a text consists of, and how it stands to another."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

from .ranges import Range


class Comparing(Range):  # noqa: PLW1641  (its hash is that of the whole: whole.py)
    """Order, characters, and the questions of str that each character answers for itself."""

    def __iter__(self) -> Iterator[str]:
        """The characters, as of a str."""
        return itertools.chain.from_iterable(self.pieces())

    def __reversed__(self) -> Iterator[str]:
        return itertools.chain.from_iterable(reversed(piece) for _, piece in self.backwards(0, self.length))

    def pieces(self) -> Iterator[str]:
        """All of the text, as one str behind the other."""
        return (piece for _, piece in self.forwards(0, self.length))

    def __eq__(self, other: Any) -> bool:
        if not isinstance(other, str | Range):
            return NotImplemented
        return self.length == _length(other) and self._apart(other) is None

    def __lt__(self, other: Any) -> bool:
        return self._order(other, lambda one, two: one < two)

    def __le__(self, other: Any) -> bool:
        return self._order(other, lambda one, two: one <= two)

    def __gt__(self, other: Any) -> bool:
        return self._order(other, lambda one, two: one > two)

    def __ge__(self, other: Any) -> bool:
        return self._order(other, lambda one, two: one >= two)

    def isalnum(self) -> bool:
        """As str.isalnum; so are those below."""
        return self._are(str.isalnum)

    def isalpha(self) -> bool:
        return self._are(str.isalpha)

    def isdecimal(self) -> bool:
        return self._are(str.isdecimal)

    def isdigit(self) -> bool:
        return self._are(str.isdigit)

    def isnumeric(self) -> bool:
        return self._are(str.isnumeric)

    def isspace(self) -> bool:
        return self._are(str.isspace)

    def isprintable(self) -> bool:
        return all(map(str.isprintable, self.pieces()))

    def _are(self, question: Callable[[str], bool]) -> bool:
        return self.length > 0 and all(map(question, self.pieces()))

    def _order(self, other: Any, compare: Callable[[Any, Any], bool]) -> Any:
        if not isinstance(other, str | Range):
            return NotImplemented
        return compare(*(self._apart(other) or (self.length, _length(other))))

    def _apart(self, other: "str | Range") -> tuple[str, str] | None:
        """The first two pieces that are not the same; None if one text begins with the other."""
        for position, piece in self.forwards(0, min(self.length, _length(other))):
            stop = position + len(piece)
            beside = other[position:stop] if isinstance(other, str) else other.between(position, stop)
            if piece != beside:
                return piece, beside
        return None


def _length(text: str | Range) -> int:
    return len(text) if isinstance(text, str) else text.length
