"""The lines that match a pattern, or do not, each with its place: of a text, of documents, of the items of a list."""

import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from . import calls, lines, patterns
from .answers import as_text
from .lazy import sizes
from .lazy.documents import Documents, joined
from .lazy.far import Unable
from .lazy.text import LazyText, length_of
from .modules import TERMS
from .names import Names, plain
from .showing import is_list


class Place(NamedTuple):
    """A line, from 0; of which document or item, if there are many."""

    text: int | None
    line: int


Line = tuple[Place, str]


class Texts:
    """What a command works on, as texts with lines: `on` is a name (see names.Names)."""

    def __init__(self, names: Names, on: str | None, kind: str) -> None:
        """`kind`: of the run's context."""
        self._names = names
        self._on = on
        self._kind = kind
        self._is_context = names.is_context(on)

    def matching(self, pattern: str) -> list[Line]:
        """A pattern of `re`, whatever the case, in order."""
        text = None if self._host_has else self.text()
        try:
            asked = patterns.translated("regex.lines", pattern, re.IGNORECASE, text)
            with patterns.as_written(pattern, asked):
                return self.holding(asked, ignore_case=asked is pattern)
        except Unable:
            # A module cannot, `re` can.
            wanted = re.compile(pattern, re.IGNORECASE)
            return [(place, line) for place, line in self._all() if wanted.search(line)]

    def holding(self, pattern: str, *, ignore_case: bool = True) -> list[Line]:
        """A pattern of the module regex."""
        arguments = {"pattern": pattern, "limit": None, "ignore_case": ignore_case}
        if self._host_has:
            rows = calls.run("regex", "lines", arguments, None)
            return [(Place(row.get("document"), row["line"] - 1), row["text"]) for row in rows]
        found = [(before + row["line"] - 1, row["text"]) for before, rows in self._parts("lines", arguments) for row in rows]
        places = self.places(line for line, _ in found)
        return [(places[line], text) for line, text in found]

    def others(self, found: list[Line]) -> list[Line]:
        """All lines but those."""
        places = {place for place, _ in found}
        return [(place, line) for place, line in self._all() if place not in places]

    def rarest(self, patterns: list[str]) -> str:
        """The one that has the fewest matches."""
        arguments = {"patterns": patterns, "ignore_case": True, "multi_line": False}
        counts = [0] * len(patterns)
        answers = (
            [(0, calls.run("regex", "count_many", arguments, None))] if self._host_has else self._parts("count_many", arguments)
        )
        for _, found in answers:
            counts = [one + more for one, more in zip(counts, found, strict=True)]
        return patterns[counts.index(min(counts))]

    def terms(self, pattern: str, arguments: dict[str, Any]) -> list[dict[str, Any]]:
        """Of the module text."""
        text = None if self._host_has else self.text()
        asked = pattern if pattern in TERMS else patterns.for_module("text.terms", pattern, re.MULTILINE, text)
        with patterns.as_written(pattern, asked):
            rows: list[dict[str, Any]] = calls.run("text", "terms", {"pattern": asked} | arguments, text, joined=text is None)
        return rows

    def places(self, numbers: Iterable[int]) -> dict[int, Place]:
        """Where lines are that are counted over all texts, with a line end between."""
        wanted = sorted(set(numbers))
        value = self.value() if wanted else ""
        if not is_texts(value):
            return {line: Place(None, line) for line in wanted}
        found: dict[int, Place] = {}
        first, texts = 0, enumerate(value)
        number, text = next(texts)
        for line in wanted:
            while line > first + (ends := text.count("\n")):
                first += ends + 1
                number, text = next(texts)
            found[line] = Place(number, line - first)
        return found

    def describe(self, place: Place) -> str:
        """As a model is told."""
        kind = "document" if plain(self._on or "context") == "context" and self._kind == "documents" else "item"
        return f"L{place.line}" if place.text is None else f"{kind} {place.text}, L{place.line}"

    def value(self) -> Any:
        return self._names.value(self._on)

    def text(self) -> Any:
        return read_text(self.value())

    def _all(self) -> Iterator[Line]:
        value = self.value()
        texts = enumerate(value) if is_texts(value) else [(None, read_text(value))]
        return ((Place(number, line), each) for number, text in texts for line, each in lines.numbered(text))

    @property
    def _host_has(self) -> bool:
        """Whether the host has the same text."""
        if not self._is_context:
            return False
        if self._kind in ("text", "documents"):
            return True
        # A JSON value: cells may have changed it, so what the host has is asked about only if it is too long to hand over.
        return not is_texts(self.value()) and not calls.can_take(self.text())

    def _parts(self, function: str, arguments: dict[str, Any]) -> Iterator[tuple[int, Any]]:
        """What the module regex answers for each part of the text that it takes, and how many lines are before that."""
        text, before = self.text(), 0
        for part in [text] if isinstance(text, LazyText) and text.part(0, 0) else calls.whole_lines(text):
            yield before, calls.run("regex", function, arguments, part)
            before += part.count("\n")


def read_text(value: Any) -> Any:
    """A value as a text: documents and lists of texts are joined by line ends."""
    if isinstance(value, str | LazyText):
        return value
    if isinstance(value, Documents):
        return joined(value)
    if isinstance(value, list) and None in value:
        # Of a map, what was not answered.
        value = ["" if each is None else each for each in value]
    if not is_texts(value):
        return as_text(value)
    # A copy of many would need as much memory again.
    return "\n".join(value) if sum(map(length_of, value)) <= sizes.STR else joined(value)


def is_texts(value: Any) -> bool:
    return is_list(value) and all(isinstance(each, str | LazyText) for each in value)
