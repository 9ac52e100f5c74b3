"""What a list answers."""

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Any

from .whole import AsWhole


class AsList(Sequence[Any]):
    """Of items that are made while they are looked at. It is no list: it cannot be changed, and code in C takes list(...)."""

    def __eq__(self, other: Any) -> bool:
        if not isinstance(other, list | AsList):
            return NotImplemented
        return all(one == two for one, two in zip_longest(self, other, fillvalue=NOTHING))

    __hash__ = None  # type: ignore[assignment]  # as of a list

    def __add__(self, other: Any) -> Any:
        return [*self, *other] if isinstance(other, list | AsList) else NotImplemented

    def __radd__(self, other: Any) -> Any:
        return [*other, *self] if isinstance(other, list) else NotImplemented

    def __str__(self) -> str:
        """As of the list, if it fits into the memory."""
        return f"[{', '.join(map(_shown, self))}]"

    def index(self, value: Any, start: int = 0, stop: int | None = None) -> int:
        """As list.index."""
        items: Iterator[Any] = iter(self)
        if start or stop is not None:
            start, stop, _ = slice(start, stop).indices(len(self))
            items = iter(self[start:stop])
        for number, each in enumerate(items, start):
            if each == value:
                return number
        raise ValueError(f"{value!r} is not in list")


def _shown(item: Any) -> str:
    return repr(str(item) if isinstance(item, AsWhole) else item)


# Equal to nothing.
NOTHING = object()
