"""Contexts: the big inputs. Immutable, exact, held once on the host; the id is the hash of the content."""

import re
import sys
from functools import cached_property
from typing import Literal

import msgspec

from orchestrator.contexts.utf8 import UTF8

Kind = Literal["text", "documents", "json", "messages"]
_EMPTY_JSON = ("null", '""', "[]", "{}")
_SAID = re.compile(r'"content": "[^"]')  # as a store writes messages; a quote within a text has a backslash before it


class Context(msgspec.Struct, frozen=True, weakref=True, eq=False, dict=True):
    """`parts` is one text, or the documents, or one JSON text for json and messages; positions are code points."""

    id: str
    kind: Kind
    parts: tuple[str, ...]

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
    def is_empty(self) -> bool:
        """Whether there is nothing to ask about: only white space; null, "", [] or {}; messages that say nothing."""
        match self.kind:
            case "json":
                return self.parts[0] in _EMPTY_JSON
            case "messages":
                return _SAID.search(self.parts[0]) is None
        return all(not part or part.isspace() for part in self.parts)

    @property
    def guest_bytes(self) -> int:
        """What it takes as `str` in a guest, which stores text as this interpreter does."""
        return sum(sys.getsizeof(part) for part in self.parts)

    def read(self, document: int, start: int, length: int) -> str:
        """Code points [start, start + length) of one document, cut at its end."""
        return self.parts[document][start : start + length]
