"""What a question is about, as Python has it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from orchestrator.contexts.encodings import explain
from orchestrator.contexts.files import Added, Source, add_sources
from orchestrator.contexts.store import ContextStore
from orchestrator.errors import InvalidRequest, Undecodable

# A text; a file or a folder of documents; texts, files or folders as documents; any other JSON value.
Input = str | Path | Sequence[str | Path] | dict[str, Any] | list[Any]


def add_input(contexts: ContextStore, value: Input) -> Added:
    """A str is always a text, never the name of a file: that is a Path. Raises InvalidRequest, NoRoom."""
    if isinstance(value, str):
        return Added(contexts.add_text(value))
    if isinstance(value, Path):
        return _add([value], contexts)
    if isinstance(value, list | tuple) and value and all(isinstance(each, str | Path) for each in value):
        return _add(value, contexts) if any(isinstance(each, Path) for each in value) else Added(contexts.add_documents(value))
    try:
        return Added(contexts.add_json("json", value))
    except (TypeError, ValueError) as error:
        raise InvalidRequest(f"the context: {error}; it is a text, a Path, a list of them, or a JSON value") from None


def _add(values: Sequence[str | Path], contexts: ContextStore) -> Added:
    try:
        return add_sources(contexts, [Source(each, str(each) if isinstance(each, Path) else None) for each in values])
    except Undecodable as error:
        raise explain(error, "decode it, and ask about its text") from None
