"""All matches of a pattern in a text, found by `re` in one part of it after the other.

In a part of a text `re` finds what it finds in all of it if it looks no further than the part: a match that begins before
`settled` is one of the whole text.
"""

import re
from collections.abc import Iterator

from ..lazy import sizes
from ..lazy.text import LazyText
from .widths import reach

# A match in a part of a text, and where that part begins.
Placed = tuple["re.Match[str]", int]


class TooWide(Exception):
    """The pattern would have to be given more of the text than fits into a str."""


class Windows:
    """A search from `position` on; `after_empty`: the last match was an empty one there."""

    def __init__(self, pattern: re.Pattern[str], text: LazyText, position: int, stop: int) -> None:
        self._pattern = pattern
        self._text = text
        self._stop = stop
        self.reach = reach(pattern)
        self.position = position
        self.after_empty = False
        self.ended = position > stop

    @property
    def bounded(self) -> bool:
        """Whether the pattern may be searched for so, if no line is too long."""
        return self.reach.in_line or self.reach.ahead is not None or self._stop - self.position <= sizes.STR

    def matches(self, bound: int) -> Iterator[Placed]:
        """The matches that begin before `bound`. Raises TooWide."""
        size = sizes.PIECE
        while not self.ended and self.position < bound:
            end = min(self.position + size, self._stop)
            offset = max(0, self.position - self.reach.behind)
            window = self._text.between(offset, end)
            settled = self._settled(window, offset, end)
            if settled <= self.position:
                size = _doubled(size)
                continue
            size = sizes.PIECE
            yield from self._within(window, offset, min(settled, bound))
            self.ended = settled > self._stop and bound > self._stop
            if self.position < min(settled, bound):
                self.position, self.after_empty = min(settled, bound), False

    def _within(self, window: str, offset: int, limit: int) -> Iterator[Placed]:
        for match in self._pattern.finditer(window, self.position - offset):
            start, end = offset + match.start(), offset + match.end()
            if start >= limit:
                return
            if self.after_empty and start == end == self.position:
                continue  # found again
            self.position, self.after_empty = end, start == end
            yield match, offset

    def _settled(self, window: str, offset: int, end: int) -> int:
        """Before this a match in the window is one of the text."""
        if end == self._stop:
            return self._stop + 1
        # `$` takes a line end that is the last character for the end.
        by_line = offset + window.rfind("\n", 0, len(window) - 1) + 1 if self.reach.in_line else 0
        return max(by_line, end - self.reach.ahead if self.reach.ahead is not None else 0)

    def at(self, *, full: bool) -> Placed | None:
        """The match that begins at `position`; if `full`, the one that ends at the end too. Raises TooWide."""
        size = sizes.PIECE
        while not self.ended:
            end = min(self.position + size, self._stop)
            offset = max(0, self.position - self.reach.behind)
            window = self._text.between(offset, end)
            if end == self._stop or (not full and self._decided(window, offset, end)):
                match = (self._pattern.fullmatch if full else self._pattern.match)(window, self.position - offset)
                return (match, offset) if match else None
            if self._decided(window, offset, end):
                return None  # it would end before the end
            size = _doubled(size)
        return None

    def _decided(self, window: str, offset: int, end: int) -> bool:
        """Whether no match at the position looks beyond the window."""
        by_width = self.reach.ahead is not None and end - self.position > self.reach.ahead
        return by_width or (self.reach.in_line and window.find("\n", self.position - offset, len(window) - 1) >= 0)


def _doubled(size: int) -> int:
    if size >= sizes.STR:
        raise TooWide
    return min(2 * size, sizes.STR)
