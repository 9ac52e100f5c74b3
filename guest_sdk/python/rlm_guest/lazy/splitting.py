"""Where a text is cut into parts."""

import re
from typing import Any, Protocol

from . import sizes
from .parts import Parts
from .ranges import Range
from .stripping import Stripping, separator


class Cutter(Protocol):
    """What parts there are."""

    def cut(self, buffer: str) -> tuple[list[str], int]:
        """The parts that end within the buffer, and how many characters of it belong to them. More of the text follows."""
        ...

    def rest(self, buffer: str) -> list[str]:
        """The parts of a buffer that ends with the text."""
        ...

    def seek(self, text: Stripping, position: int) -> tuple[int, int] | None:
        """Where the part at `position` ends, and where the next begins; None if it is the last."""
        ...


class At:
    """Between separators."""

    def __init__(self, sep: str) -> None:
        self._sep = separator(sep)

    def cut(self, buffer: str) -> tuple[list[str], int]:
        *parts, rest = buffer.split(self._sep)
        return parts, len(buffer) - len(rest)

    def rest(self, buffer: str) -> list[str]:
        return buffer.split(self._sep)

    def seek(self, text: Stripping, position: int) -> tuple[int, int] | None:
        found = text.find(self._sep, position)
        return (found, found + len(self._sep)) if found >= 0 else None


class Words:
    """Between white space."""

    def cut(self, buffer: str) -> tuple[list[str], int]:
        parts = buffer.split()
        unfinished = parts.pop() if not buffer[-1].isspace() else ""
        return parts, len(buffer) - len(unfinished)

    def rest(self, buffer: str) -> list[str]:
        return buffer.split()

    def seek(self, text: Stripping, position: int) -> tuple[int, int] | None:
        return _found(text, _SPACE, position)


class LineEnds:
    """As str.splitlines."""

    _END = re.compile(r"[\n\v\f\r\x1c-\x1e\x85\u2028\u2029]")

    def __init__(self, keepends: bool) -> None:
        self._keepends = keepends

    def cut(self, buffer: str) -> tuple[list[str], int]:
        parts = buffer.splitlines(self._keepends)
        # A \n may follow a last \r.
        if self._END.match(buffer[-1]) and buffer[-1] != "\r":
            return parts, len(buffer)
        unfinished = len(parts.pop()) + (buffer[-1] == "\r" and not self._keepends)
        return parts, len(buffer) - unfinished

    def rest(self, buffer: str) -> list[str]:
        return buffer.splitlines(self._keepends)

    def seek(self, text: Stripping, position: int) -> tuple[int, int] | None:
        found = _found(text, self._END, position)
        if found is None:
            return None
        end, behind = found
        if text.between(end, end + 2) == "\r\n":
            behind = end + 2
        return (behind if self._keepends else end), behind


class Lines:
    """Without their ends, \\n or \\r\\n; a last empty one does not count."""

    def cut(self, buffer: str) -> tuple[list[str], int]:
        *parts, rest = buffer.split("\n")
        return _without_returns(parts), len(buffer) - len(rest)

    def rest(self, buffer: str) -> list[str]:
        *parts, rest = buffer.split("\n")
        return _without_returns(parts) + ([rest] if rest else [])

    def seek(self, text: Stripping, position: int) -> tuple[int, int] | None:
        end = text.find("\n", position)
        if end < 0:
            return None
        return end - (end > position and text.between(end - 1, end) == "\r"), end + 1


class Splitting(Stripping):
    """The methods of str that cut a text into parts."""

    def lines(self) -> Parts:
        """The lines without their ends (\\n or \\r\\n), cut while one goes through them."""
        return self._parts(Lines())

    def splitlines(self, keepends: bool = False) -> Parts:
        """As str.splitlines, cut while one goes through them."""
        return self._parts(LineEnds(keepends))

    def split(self, sep: str | None = None, maxsplit: int = -1) -> Any:
        """As str.split; without maxsplit cut while one goes through the parts."""
        if maxsplit < 0:
            return self._parts(Words() if sep is None else At(sep))
        return self._words(maxsplit) if sep is None else self._at(separator(sep), maxsplit)

    def rsplit(self, sep: str | None = None, maxsplit: int = -1) -> Any:
        """As str.rsplit; without maxsplit cut while one goes through the parts, if from the left they are the same."""
        if maxsplit < 0 and (sep is None or len(sep) == 1):
            return self.split(sep)
        most = self.length if maxsplit < 0 else maxsplit
        return self._last_words(most) if sep is None else self._at_from_right(separator(sep), most)

    def _parts(self, cutter: Cutter) -> Parts:
        return Parts(lambda position: _batch(self, cutter, position), 0)

    def _at(self, sep: str, most: int) -> list[Any]:
        parts, position = [], 0
        while len(parts) < most and (found := self.find(sep, position)) >= 0:
            parts.append(self.cut(position, found))
            position = found + len(sep)
        return [*parts, self.cut(position, self.length)]

    def _at_from_right(self, sep: str, most: int) -> list[Any]:
        parts, end = [], self.length
        while len(parts) < most and (found := self.rfind(sep, 0, end)) >= 0:
            parts.append(self.cut(found + len(sep), end))
            end = found
        return [self.cut(0, end), *reversed(parts)]

    def _words(self, most: int) -> list[Any]:
        parts: list[Any] = []
        position = self.first_kept(None)
        while position < self.length:
            space = _found(self, _SPACE, position) if len(parts) < most else None
            if space is None:
                return [*parts, self.cut(position, self.length)]
            parts.append(self.cut(position, space[0]))
            position = self.first_kept(None, space[1])
        return parts

    def _last_words(self, most: int) -> list[Any]:
        parts: list[Any] = []
        end = self.last_kept(None)
        while end > 0:
            start = self._word_start(end) if len(parts) < most else 0
            parts.append(self.cut(start, end))
            end = self.last_kept(None, start)
        return parts[::-1]

    def _word_start(self, end: int) -> int:
        """Where the word begins that ends at `end`."""
        for position, piece in self.backwards(0, end):
            word = "" if piece[-1].isspace() else piece.rsplit(None, 1)[-1]
            if len(word) < len(piece):
                return position + len(piece) - len(word)
        return 0


_SPACE = re.compile(r"\s")


def _batch(text: Splitting, cutter: Cutter, position: int) -> tuple[list[Any], int | None]:
    size = sizes.AHEAD
    while True:
        buffer = text.between(position, position + size)
        if position + size >= text.length:
            return cutter.rest(buffer), None
        parts, passed = cutter.cut(buffer)
        if passed:
            return parts, position + passed
        if size >= sizes.PIECE:
            break
        size *= 2
    # It may be too long for a str: where it ends is found without holding it.
    found = cutter.seek(text, position)
    if found is None:
        return [text.cut(position, text.length)], None
    return [text.cut(position, found[0])], found[1]


def _found(text: Range, pattern: re.Pattern[str], position: int) -> tuple[int, int] | None:
    """Where the first of the characters is, and behind it."""
    for start, piece in text.forwards(position, text.length):
        if match := pattern.search(piece):
            return start + match.start(), start + match.end()
    return None


def _without_returns(lines: list[str]) -> list[str]:
    return [line.removesuffix("\r") for line in lines]
