"""Contexts: the big inputs. Immutable, exact, held once on the host; the id is the hash of the content."""

import hashlib
import json
import sys
from functools import cached_property
from typing import Any, Literal
from weakref import WeakValueDictionary

import msgspec

from orchestrator.errors import InvalidRequest
from orchestrator.utf8 import UTF8

Kind = Literal["text", "documents", "json", "messages"]


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
    def guest_bytes(self) -> int:
        """What it takes as `str` in a guest, which stores text as this interpreter does."""
        return sum(sys.getsizeof(part) for part in self.parts)

    def read(self, document: int, start: int, length: int) -> str:
        """Code points [start, start + length) of one document, cut at its end."""
        return self.parts[document][start : start + length]


class ContextStore:
    """Holds each context once, for as long as a run uses it."""

    def __init__(self) -> None:
        self._held: WeakValueDictionary[str, Context] = WeakValueDictionary()

    def add(self, kind: Kind, parts: tuple[str, ...]) -> Context:
        """The context with this content: the one that is held already, where there is one."""
        identity = _identity(kind, parts)
        held = self._held.get(identity)
        if held is None:
            held = self._held[identity] = Context(identity, kind, parts)
        return held

    def add_json(self, kind: Literal["json", "messages"], value: Any) -> Context:
        """A JSON value, held as its text. Raises InvalidRequest where it is nested too deeply."""
        try:
            return self.add(kind, (json.dumps(value, ensure_ascii=False),))
        except RecursionError:
            raise InvalidRequest(f"{kind}: it is nested too deeply") from None


def _identity(kind: Kind, parts: tuple[str, ...]) -> str:
    digest = hashlib.sha256(f"{kind} {len(parts)}".encode())
    for part in parts:
        content = part.encode()
        digest.update(f"\n{len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()
