"""Where something is in a text."""

import contextlib
import re
from typing import Any

from . import far, sizes
from .ranges import Range

_NOT_ASCII = re.compile(r"[^\x00-\x7f]")


class Searching(Range):
    """The methods of str that look for a text, and what they are made of."""

    def find(self, sub: Any, start: Any = None, end: Any = None) -> int:
        """As str.find."""
        sub, (start, stop) = _text("find", sub), self.bounds(start, end)
        if not sub or stop - start < len(sub):
            return start if not sub and start <= stop else -1
        near = min(start + sizes.NEAR, stop)
        found = self._found_here(sub, start, near)
        if found < 0 and near < stop:
            found = self._found_far(sub, near, stop)
        return found if found + len(sub) <= stop else -1

    def rfind(self, sub: Any, start: Any = None, end: Any = None) -> int:
        """As str.rfind."""
        sub, (start, stop) = _text("rfind", sub), self.bounds(start, end)
        if not sub or stop - start < len(sub):
            return stop if not sub and start <= stop else -1
        near = max(start, stop - sizes.NEAR)
        found = self._last_here(sub, near, stop)
        if found < 0 and start < near:
            # What is nowhere is found to be nowhere without reading all.
            first = self.find(sub, start, stop)
            found = self._last_here(sub, first, min(near + len(sub) - 1, stop)) if first >= 0 else -1
        return found

    def index(self, sub: Any, start: Any = None, end: Any = None) -> int:
        """As str.index."""
        return _position(self.find(sub, start, end))

    def rindex(self, sub: Any, start: Any = None, end: Any = None) -> int:
        """As str.rindex."""
        return _position(self.rfind(sub, start, end))

    def __contains__(self, sub: Any) -> bool:
        if not isinstance(sub, str | Range):
            raise TypeError(f"'in <string>' requires string as left operand, not {type(sub).__name__}")
        return self.find(sub) >= 0

    def count(self, sub: Any, start: Any = None, end: Any = None) -> int:
        """As str.count: occurrences that do not overlap."""
        sub, (start, stop) = _text("count", sub), self.bounds(start, end)
        if not sub:
            return max(0, stop - start + 1)
        if stop - start > sizes.NEAR:
            with contextlib.suppress(far.Unable):
                return far.count(self, far.literal(sub), start, stop)
        return self._count_here(sub, start, stop)

    def startswith(self, prefix: Any, start: Any = None, end: Any = None) -> bool:
        """As str.startswith."""
        first, stop = self.bounds(start, end)
        return any(self._is_at(first, each) for each in _texts("startswith", prefix) if first + len(each) <= stop)

    def endswith(self, suffix: Any, start: Any = None, end: Any = None) -> bool:
        """As str.endswith."""
        first, stop = self.bounds(start, end)
        return any(self._is_at(stop - len(each), each) for each in _texts("endswith", suffix) if first + len(each) <= stop)

    def _is_at(self, place: int, text: str) -> bool:
        return self.between(place, place + len(text)) == text

    def isascii(self) -> bool:
        """As str.isascii."""
        return not self.has_any(_NOT_ASCII, r"[^\x{0}-\x{7f}]")

    def has_any(self, one: re.Pattern[str], instead: str) -> bool:
        """Whether one of a class of characters is there; `instead`: the class for modules."""
        near = min(sizes.NEAR, self.length)
        if any(one.search(piece) for _, piece in self.forwards(0, near)):
            return True
        try:
            return near < self.length and bool(far.spans(self, instead, near, self.length, 1))
        except far.Unable:
            return any(one.search(piece) for _, piece in self.forwards(near, self.length))

    def _found_here(self, sub: str, start: int, stop: int) -> int:
        """Where the first begins that begins in [start, stop); -1 for none."""
        for position, piece in self.forwards(start, stop, overlap=len(sub) - 1):
            found = piece.find(sub)
            if found >= 0:
                return position + found
        return -1

    def _found_far(self, sub: str, start: int, stop: int) -> int:
        try:
            spans = far.spans(self, far.literal(sub), start, stop, 1)
        except far.Unable:
            return self._found_here(sub, start, stop)
        return spans[0][0] if spans else -1

    def _last_here(self, sub: str, start: int, stop: int) -> int:
        """Where the last begins of those within [start, stop); -1 for none."""
        for position, piece in self.backwards(start, stop, overlap=len(sub) - 1):
            found = piece.rfind(sub, 0, stop - position)
            if found >= 0:
                return position + found
        return -1

    def _count_here(self, sub: str, start: int, stop: int) -> int:
        overlaps = any(sub.startswith(sub[shift:]) for shift in range(1, len(sub)))
        carry, count = "", 0
        for _, piece in self.forwards(start, stop):
            text, end = carry + piece, 0
            if overlaps:
                while (found := text.find(sub, end)) >= 0:
                    count, end = count + 1, found + len(sub)
            elif found := text.count(sub):
                count, end = count + found, text.rfind(sub) + len(sub)
            carry = text[max(end, len(text) - len(sub) + 1) :]
        return count


def _text(method: str, value: Any) -> str:
    if not isinstance(value, str | Range):
        raise TypeError(f"{method}() argument 1 must be str, not {type(value).__name__}")
    return str(value)


def _texts(method: str, value: Any) -> list[str]:
    for each in value if isinstance(value, tuple) else (value,):
        if not isinstance(each, str | Range):
            raise TypeError(f"{method} first arg must be str or a tuple of str, not {type(each).__name__}")
    return [str(each) for each in (value if isinstance(value, tuple) else (value,))]


def _position(found: int) -> int:
    if found < 0:
        raise ValueError("substring not found")
    return found
