"""Contexts: the big inputs. Immutable, exact, held once on the host; the id is the hash of the content."""

import json
import sys
from bisect import bisect_right
from functools import cached_property
from itertools import accumulate, zip_longest
from typing import Literal

import msgspec

from orchestrator.contexts.utf8 import UTF8

Kind = Literal["text", "documents", "json", "messages"]


class Context(msgspec.Struct, frozen=True, weakref=True, eq=False, dict=True):
    """`parts` is one text, or the documents, or one JSON text for json and messages; positions are code points.

    `names`: of the documents, None for one without; empty if none has one.
    """

    id: str
    kind: Kind
    parts: tuple[str, ...]
    names: tuple[str | None, ...] = ()

    @cached_property
    def utf8(self) -> UTF8:
        """All parts as bytes."""
        return UTF8(self.parts)

    @property
    def lengths(self) -> list[int]:
        return [len(part) for part in self.parts]

    @property
    def length(self) -> int:
        return sum(self.lengths)

    @property
    def count(self) -> int:
        """How many documents; 1 for what is not documents."""
        return len(self.parts)

    @property
    def guest_bytes(self) -> int:
        """What it takes in a guest as `str`, names and their places in lists included; it stores text as this interpreter."""
        names = sum(sys.getsizeof(name) for name in self.names if name is not None)
        return names + sum(sys.getsizeof(part) + 16 for part in self.parts)

    @cached_property
    def table(self) -> str:
        """[[name or null, code points], ...] of the documents as JSON: each on a line, so that it can be read in parts."""
        rows = ",\n".join(json.dumps(row) for row in zip_longest(self.names, self.lengths))
        return f"[{rows}]"

    def read_all(self, start: int, length: int) -> str:
        """Code points [start, start + length) of all documents, one behind the other, cut at the end."""
        if len(self.parts) == 1:
            return self.parts[0][start : start + length]
        stop, found = min(start + length, self._starts[-1]), []
        index = bisect_right(self._starts, start) - 1
        while start < stop:
            first, end = self._starts[index], min(stop, self._starts[index + 1])
            found.append(self.parts[index][start - first : end - first])
            start, index = end, index + 1
        return "".join(found)

    def part(self, start: int, stop: int) -> UTF8:
        """The same as bytes."""
        return self.utf8 if (start, stop) == (0, self.length) else UTF8((self.read_all(start, stop - start),))

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *accumulate(self.lengths)]

    def read(self, document: int, start: int, length: int) -> str:
        """Code points [start, start + length) of one document, cut at its end."""
        return self.parts[document][start : start + length]
