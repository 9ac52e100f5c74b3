"""What has to hold all of a text."""

from collections.abc import Callable
from typing import Any

from .ranges import Range


class AsWhole(Range):
    """What a str answers only as a whole: exact if it fits into the memory, else a MemoryError that says what to do."""

    def whole(self, what: str) -> str:
        try:
            return self.between(0, self.length)
        except MemoryError:
            raise too_large(what, self.length) from None

    def __str__(self) -> str:
        return self.whole("str()")

    def __format__(self, form: str) -> str:
        return format(self.whole("format()"), form)

    def __hash__(self) -> int:
        return hash(self.whole("hash()"))

    def __add__(self, other: Any) -> Any:
        return self.whole("+") + (str(other) if isinstance(other, AsWhole) else other)

    def __radd__(self, other: Any) -> Any:
        return other + self.whole("+")

    def __mul__(self, times: Any) -> str:
        return self.whole("*") * times

    __rmul__ = __mul__

    def __mod__(self, values: Any) -> str:
        return self.whole("%") % values


def too_large(what: str, length: int) -> MemoryError:
    return MemoryError(
        f"{what}: the text has {length} characters, too many for one str in this memory. Take slices, or go through it with "
        "lines() or pieces(); find, count, in, split, strip, re and modules work on all of it"
    )


def _of_the_whole(name: str) -> Callable[..., Any]:
    def method(self: AsWhole, *arguments: Any, **named: Any) -> Any:
        whole = self.whole(f"{name}()")
        try:
            return getattr(whole, name)(*arguments, **named)
        except MemoryError:
            raise too_large(f"{name}()", self.length) from None

    method.__name__ = name
    method.__doc__ = f"As str.{name}, of the whole text."
    return method


_NAMES = (
    *("capitalize", "center", "encode", "expandtabs", "format", "format_map", "isidentifier", "islower", "istitle"),
    *("isupper", "join", "ljust", "replace", "rjust", "title", "translate", "zfill"),
)
for _name in _NAMES:
    setattr(AsWhole, _name, _of_the_whole(_name))
