"""The contexts that runs use."""

import hashlib
import json
from collections.abc import Iterable
from typing import Any, Literal
from weakref import WeakValueDictionary

from orchestrator.contexts.context import Context, Kind
from orchestrator.errors import InvalidRequest


class ContextStore:
    """Holds each context once, for as long as a run uses it."""

    def __init__(self) -> None:
        self._held: WeakValueDictionary[str, Context] = WeakValueDictionary()

    def add_text(self, text: str) -> Context:
        """One text."""
        return self.add("text", (text,))

    def add_documents(self, documents: Iterable[str]) -> Context:
        """A list of texts."""
        return self.add("documents", tuple(documents))

    def add(self, kind: Kind, parts: tuple[str, ...]) -> Context:
        """The context with this content: the one that is held already, if there is one."""
        identity = _identity(kind, parts)
        held = self._held.get(identity)
        if held is None:
            held = self._held[identity] = Context(identity, kind, parts)
        return held

    def add_json(self, kind: Literal["json", "messages"], value: Any) -> Context:
        """A JSON value, held as its text. Raises InvalidRequest if it is nested too deeply."""
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
