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

    def add_documents(self, documents: Iterable[str | tuple[str | None, str]]) -> Context:
        """A list of texts, or of pairs of a name and a text."""
        pairs = [(None, each) if isinstance(each, str) else each for each in documents]
        names = tuple(name for name, _ in pairs)
        return self.add("documents", tuple(text for _, text in pairs), names if set(names) - {None} else ())

    def add(self, kind: Kind, parts: tuple[str, ...], names: tuple[str | None, ...] = ()) -> Context:
        """The context with this content: the one that is held already, where there is one."""
        identity = _identity(kind, parts, names)
        held = self._held.get(identity)
        if held is None:
            held = self._held[identity] = Context(identity, kind, parts, names)
        return held

    def add_json(self, kind: Literal["json", "messages"], value: Any) -> Context:
        """A JSON value, held as its text. Raises InvalidRequest where it is nested too deeply."""
        try:
            return self.add(kind, (json.dumps(value, ensure_ascii=False),))
        except RecursionError:
            raise InvalidRequest(f"{kind}: it is nested too deeply") from None


def _identity(kind: Kind, parts: tuple[str, ...], names: tuple[str | None, ...]) -> str:
    digest = hashlib.sha256(f"{kind} {len(parts)}".encode())
    if names:
        digest.update(json.dumps(names).encode())
    for part in parts:
        content = part.encode()
        digest.update(f"\n{len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()
