"""All matches of a pattern in a text: by `re` in windows, and by a module where there is none for a long way."""

import re
from collections.abc import Iterator
from weakref import WeakKeyDictionary

from ..lazy import far, sizes
from ..lazy.far import Unable
from ..lazy.sources import Source
from ..lazy.text import LazyText
from .elsewhere import WORDS_APART, translated
from .windows import Placed, TooWide, Windows

# So many times as many matches a module is asked for the next time, and at most so many: who wants one waits for one.
GROWTH, MOST = 8, 16_000
# `$` and `\b` look behind a match so far.
_BEYOND = 2
_same_words: WeakKeyDictionary[Source, bool] = WeakKeyDictionary()


class Search:
    """A pattern in text[:stop], from `start` on."""

    def __init__(self, pattern: re.Pattern[str], text: LazyText, start: int, stop: int) -> None:
        self._pattern = pattern
        self.text = text
        self.start = start
        self.stop = stop
        self.windows = Windows(pattern, text, start, stop)
        self._ask = True  # the module

    def matches(self) -> Iterator[Placed]:
        """As finditer. Raises ValueError."""
        windows, most = self.windows, 1
        while not windows.ended:
            near, wide = False, not windows.bounded
            try:
                for each in () if wide else windows.matches(self._bound()):
                    near = True
                    yield each
            except TooWide:
                wide = True
            if windows.ended or (near and not wide):
                continue
            try:
                spans = self._spans(most)
            except Unable as refusal:
                if wide:
                    raise self._error(str(refusal)) from None
                self._ask = False
                continue
            for placed in self._placed(spans):
                windows.position, windows.after_empty = placed[0].end() + placed[1], False
                yield placed
            if not spans or (len(spans) < most and windows.position == spans[-1][1]):
                return
            most = min(GROWTH * most, MOST)

    def _spans(self, most: int) -> list[tuple[int, int]]:
        """The next places, by the module. Raises Unable."""
        if self.windows.reach.least == 0:
            # Behind a match it finds no empty one.
            raise Unable("it can match nothing at all")
        return far.spans(self.text, self._elsewhere(), self.windows.position, self.stop, most)

    def _bound(self) -> int:
        """How far to search without asking the module."""
        return min(self.windows.position + sizes.NEAR, self.stop + 1) if self._ask else self.stop + 1

    def at(self, *, full: bool = False) -> Placed | None:
        """As match and fullmatch. Raises ValueError."""
        try:
            return self.windows.at(full=full)
        except TooWide:
            pass
        try:
            end = far.anchored(self.text, self._elsewhere() + (r"\z" if full else ""), self.start, self.stop)
        except Unable as refusal:
            raise self._error(str(refusal)) from None
        if end is None:
            return None
        return self._to_the_end() if full else next(self._placed([(self.start, end)]))

    def _to_the_end(self) -> Placed | None:
        """The match of all that is searched, of which the module says that there is one."""
        offset = max(0, self.start - self.windows.reach.behind)
        # The module's $ may take a last line end into the match, so `re` has the last word.
        match = self._pattern.fullmatch(self.text.between(offset, self.stop), self.start - offset)
        return (match, offset) if match else None

    def _placed(self, spans: list[tuple[int, int]]) -> Iterator[Placed]:
        """The matches of which only the places are known."""
        for near in _together(spans):
            offset = max(0, near[0][0] - self.windows.reach.behind)
            window = self.text.between(offset, min(near[-1][1] + _BEYOND, self.stop))
            for start, end in near:
                # It is shown no more than it needs: it could look in vain to the end of the window, each time.
                match = self._pattern.match(window, start - offset, min(end + _BEYOND, self.stop) - offset)
                yield (match, offset) if match and self._is_end(offset + match.end(), end) else self._further(start, end)

    def _further(self, start: int, end: int) -> Placed:
        """A match that shows only if more is seen of what follows."""
        offset = max(0, start - self.windows.reach.behind)
        for beyond in (sizes.AHEAD, sizes.STR):
            window = self.text.between(offset, min(end + beyond, self.stop))
            match = self._pattern.match(window, start - offset)
            if match and self._is_end(offset + match.end(), end):
                return match, offset
        raise RuntimeError(f"{self._pattern.pattern[:200]!r}: re and the module do not agree at {start}: search a slice")

    def _is_end(self, here: int, elsewhere: int) -> bool:
        """Whether a match that ends here is the one that ends elsewhere so."""
        return here == elsewhere or (here == self.stop - 1 and elsewhere == self.stop and translated(self._pattern).passes_end)

    def _elsewhere(self) -> str:
        """The module's pattern. Raises Unable."""
        found = translated(self._pattern)
        if found.by_words and not self._same_words():
            raise Unable("the text has characters of which not all say that they belong to a word, as \\b asks")
        return found.pattern

    def _same_words(self) -> bool:
        """Whether the module takes the same characters of the whole source for words; found out once."""
        source = self.text.source
        if source not in _same_words:
            _same_words[source] = not far.spans(LazyText(source), WORDS_APART, 0, source.length, 1)
        return _same_words[source]

    def _error(self, refusal: str) -> ValueError:
        return ValueError(
            f"{self._pattern.pattern[:200]!r} cannot be searched for in a text of {self.text.length} characters: it needs too "
            f"much of it at once, and a module cannot do it either ({refusal}). Write [^\\n] for what can be anything and "
            "{1,1000} for + and *, or search slices or lines()"
        )


def _together(spans: list[tuple[int, int]]) -> Iterator[list[tuple[int, int]]]:
    """Those that are read at once."""
    near: list[tuple[int, int]] = []
    for start, end in spans:
        if near and (start - near[-1][1] > sizes.CLOSE or end - near[0][0] > sizes.AHEAD):
            yield near
            near = []
        near.append((start, end))
    if near:
        yield near
