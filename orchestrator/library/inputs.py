"""What a question is about, as Python has it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from orchestrator.contexts.context import Context
from orchestrator.contexts.store import ContextStore
from orchestrator.errors import InvalidRequest

# A text; a file or a folder of documents; texts or files as documents; any other JSON value.
Input = str | Path | Sequence[str | Path] | dict[str, Any] | list[Any]


def add_input(contexts: ContextStore, value: Input) -> Context:
    """A str is always a text, never the name of a file: that is a Path. Raises InvalidRequest."""
    if isinstance(value, str):
        return contexts.add_text(value)
    if isinstance(value, Path) and not value.is_dir():
        return contexts.add_text(_read(value))
    if isinstance(value, Path):
        files = sorted(each for each in value.rglob("*") if each.is_file())
        return contexts.add_documents(map(_read, files))
    if isinstance(value, list | tuple) and value and all(isinstance(each, str | Path) for each in value):
        return contexts.add_documents(_read(each) if isinstance(each, Path) else each for each in value)
    try:
        return contexts.add_json("json", value)
    except (TypeError, ValueError) as error:
        raise InvalidRequest(f"the context: {error}; it is a text, a Path, a list of them, or a JSON value") from None


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode()
    except OSError as error:
        raise InvalidRequest(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"{path}: not valid UTF-8 at byte {error.start}") from None
