"""`context`: loaded from the host when a cell first uses it, or lazy if it is too large. Positions are code points."""

import json
import sys
from typing import Any

from . import lazy_re
from .lazy.documents import Documents, held
from .lazy.sources import Whole, read_str
from .lazy.table import Table
from .lazy.text import LazyText, length_of


class Context:
    """The context of a run: described at its start, made when it is first used."""

    kind = "text"

    def describe(self, description: dict[str, Any]) -> None:
        """{"kind": text | documents | json | messages, "length" of all, "count" of documents, "inline", "bytes" of all}."""
        self.kind: str = description["kind"]
        self._length: int = description["length"]
        self._count: int = description["count"]
        self._bytes: int = description["bytes"]
        # A JSON value and a chat are always what they are.
        self._is_lazy = self.kind in ("text", "documents") and not description["inline"]
        if self._is_lazy:
            lazy_re.install()

    def make(self) -> Any:
        """Inline a str, or a list of str; else LazyText, Documents."""
        source, table = Whole(self._length), Table(self._count)
        if self._is_lazy:
            return Documents(source, table, range(self._count)) if self.kind == "documents" else LazyText(source)
        if self.kind == "documents":
            return held(source, table, self._bytes / max(1, self._length))
        text = read_str(source.read, 0, self._length, self._bytes)
        return text if self.kind == "text" else json.loads(text)

    def helpers(self) -> dict[str, Any]:
        """What takes the place of builtins: len() of the interpreter ends at 2 GiB."""
        return {"len": length_of} if self._is_lazy and self._length > sys.maxsize else {}
