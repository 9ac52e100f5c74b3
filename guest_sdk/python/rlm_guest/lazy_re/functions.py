"""What takes the place of the functions of `re`, and of compiled patterns, in a guest whose context is lazy."""

import itertools
import operator
import re
import sys
from collections.abc import Iterator
from typing import Any

from ..lazy import sizes
from ..lazy.parts import Parts
from ..lazy.text import LazyText
from ..lazy.whole import too_large
from .match import LazyMatch
from .search import Search
from .windows import Placed

_compile = re.compile


class LazyPattern:
    """As re.Pattern, which is asked for everything else: it searches lazy texts too."""

    def __init__(self, pattern: re.Pattern[Any]) -> None:
        self._pattern = pattern

    @property
    def __class__(self) -> Any:
        """For isinstance."""
        return re.Pattern

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pattern, name)

    def search(self, string: Any, pos: int = 0, endpos: int = sys.maxsize) -> Any:
        if not isinstance(string, LazyText):
            return self._pattern.search(string, pos, endpos)
        return next(self.finditer(string, pos, endpos), None)

    def match(self, string: Any, pos: int = 0, endpos: int = sys.maxsize) -> Any:
        if not isinstance(string, LazyText):
            return self._pattern.match(string, pos, endpos)
        return self._at(self._search(string, pos, endpos), full=False)

    def fullmatch(self, string: Any, pos: int = 0, endpos: int = sys.maxsize) -> Any:
        if not isinstance(string, LazyText):
            return self._pattern.fullmatch(string, pos, endpos)
        return self._at(self._search(string, pos, endpos), full=True)

    def _at(self, found: Search, *, full: bool) -> LazyMatch | None:
        placed = found.at(full=full)
        return LazyMatch(placed, found, self) if placed else None

    def finditer(self, string: Any, pos: int = 0, endpos: int = sys.maxsize) -> Iterator[Any]:
        if not isinstance(string, LazyText):
            return self._pattern.finditer(string, pos, endpos)
        found = self._search(string, pos, endpos)
        return (LazyMatch(placed, found, self) for placed in found.matches())

    def findall(self, string: Any, pos: int = 0, endpos: int = sys.maxsize) -> list[Any]:
        if not isinstance(string, LazyText):
            return self._pattern.findall(string, pos, endpos)
        found = (match for match, _ in self._search(string, pos, endpos).matches())
        if self._pattern.groups == 0:
            return [match.group() for match in found]
        if self._pattern.groups == 1:
            return [match.group(1) or "" for match in found]
        return [match.groups("") for match in found]

    def split(self, string: Any, maxsplit: int = 0) -> Any:
        """Of a lazy text without maxsplit: cut while one goes through the parts."""
        if not isinstance(string, LazyText):
            return self._pattern.split(string, maxsplit)
        if maxsplit == 0:
            return Parts(lambda place: self._split_some(string, *place), (0, 0, False))
        parts, start = [], 0
        for placed in itertools.islice(self._search(string).matches(), max(0, maxsplit)):
            match, offset = placed
            parts += [_between(string, start, placed), *match.groups()]
            start = offset + match.end()
        return [*parts, string.cut(start, string.length)]

    def _split_some(self, text: LazyText, start: int, position: int, after_empty: bool) -> tuple[list[Any], Any]:
        """The parts from `start` on up to so much of the text; and the same for those that follow."""
        search = self._search(text, position)
        search.windows.after_empty = after_empty
        parts, first = [], start
        for placed in search.matches():
            match, offset = placed
            parts += [_between(text, start, placed), *match.groups()]
            start = offset + match.end()
            if start - first >= sizes.AHEAD:
                return parts, (start, start, match.start() == match.end())
        return [*parts, text.cut(start, text.length)], None

    def sub(self, repl: Any, string: Any, count: int = 0) -> Any:
        return self.subn(repl, string, count)[0]

    def subn(self, repl: Any, string: Any, count: int = 0) -> tuple[Any, int]:
        if not isinstance(string, LazyText):
            return self._pattern.subn(repl, string, count)
        try:
            return self._replaced(repl, string, count)
        except MemoryError:
            raise too_large("re.sub()", string.length) from None

    def _replaced(self, repl: Any, text: LazyText, count: int) -> tuple[Any, int]:
        search, parts, start = self._search(text), [], 0
        if not callable(repl):
            self._pattern.sub(repl, "")  # raises what is wrong with a template, whether it is ever used or not
        for placed in itertools.islice(search.matches(), None if count == 0 else max(0, count)):
            match, offset = placed
            parts.append(str(_between(text, start, placed)))
            made = repl(LazyMatch(placed, search, self)) if callable(repl) else match.expand(repl)
            parts.append("" if made is None else made)
            start = offset + match.end()
        if not parts:
            return text.cut(0, text.length), 0
        return "".join([*parts, text.between(start, text.length)]), len(parts) // 2

    def _search(self, text: LazyText, pos: Any = 0, endpos: Any = sys.maxsize) -> Search:
        if isinstance(self._pattern.pattern, bytes):
            raise TypeError("cannot use a bytes pattern on a string-like object")
        pos, endpos = operator.index(pos), operator.index(endpos)
        # A text may be longer than the greatest that a caller can have meant by "to the end".
        endpos = text.length if endpos == sys.maxsize else endpos
        return Search(self._pattern, text, *(min(max(each, 0), text.length) for each in (pos, endpos)))

    def __eq__(self, other: Any) -> bool:
        return self._pattern == (other._pattern if isinstance(other, LazyPattern) else other)

    def __hash__(self) -> int:
        return hash(self._pattern)

    def __repr__(self) -> str:
        return repr(self._pattern)

    def __reduce__(self) -> Any:
        return compile, (self._pattern.pattern, self._pattern.flags)


def _between(text: LazyText, start: int, placed: Placed) -> Any:
    """The text from `start` on up to a match."""
    match, offset = placed
    # What was read for the match often has it: a read for each would take as many calls of the host.
    return match.string[start - offset : match.start()] if start >= offset else text.cut(start, offset + match.start())


def compile(pattern: Any, flags: int = 0) -> LazyPattern:  # noqa: A001  (the names are those of `re`)
    if isinstance(pattern, LazyPattern):
        if flags:
            raise ValueError("cannot process flags argument with a compiled pattern")
        return pattern
    return LazyPattern(_compile(pattern, flags))


def search(pattern: Any, string: Any, flags: int = 0) -> Any:
    return compile(pattern, flags).search(string)


def match(pattern: Any, string: Any, flags: int = 0) -> Any:
    return compile(pattern, flags).match(string)


def fullmatch(pattern: Any, string: Any, flags: int = 0) -> Any:
    return compile(pattern, flags).fullmatch(string)


def finditer(pattern: Any, string: Any, flags: int = 0) -> Iterator[Any]:
    return compile(pattern, flags).finditer(string)


def findall(pattern: Any, string: Any, flags: int = 0) -> list[Any]:
    return compile(pattern, flags).findall(string)


def split(pattern: Any, string: Any, maxsplit: int = 0, flags: int = 0) -> Any:
    return compile(pattern, flags).split(string, maxsplit)


def sub(pattern: Any, repl: Any, string: Any, count: int = 0, flags: int = 0) -> Any:
    return compile(pattern, flags).sub(repl, string, count)


def subn(pattern: Any, repl: Any, string: Any, count: int = 0, flags: int = 0) -> Any:
    return compile(pattern, flags).subn(repl, string, count)


def is_installed() -> bool:
    """Whether `re` is this: the context is lazy."""
    return re.compile is compile


def install() -> None:
    """From here on `re` is this."""
    for function in (compile, search, match, fullmatch, finditer, findall, split, sub, subn):
        setattr(re, function.__name__, function)
