"""What a run is about, as a command line names it: a file, a folder, several of them, or - for standard input."""

import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from orchestrator.cli.encodings import decode
from orchestrator.cli.say import say
from orchestrator.contexts.context import Context
from orchestrator.contexts.store import ContextStore
from orchestrator.errors import InvalidRequest

STDIN = "-"


class Inputs(msgspec.Struct, frozen=True):
    """The texts of a context: of one file a text, of a folder or of several the documents."""

    kind: Literal["text", "documents"]
    texts: tuple[str, ...]


def read_inputs(names: Sequence[str], encoding: str) -> Inputs:
    """Raises InvalidRequest."""
    if not names:
        raise InvalidRequest("name what the question is about: a FILE, a FOLDER, several of them, or - for standard input")
    if names.count(STDIN) > 1:
        raise InvalidRequest("-: standard input can be read once only")
    files = [each for name in names for each in _files(name)]
    texts = tuple(decode(_read(each), each, encoding) for each in files)
    return Inputs("text" if len(names) == 1 and files == [*names] else "documents", texts)


def add_inputs(contexts: ContextStore, inputs: Inputs) -> Context:
    """As one context. Raises NoRoom."""
    return contexts.add_documents(inputs.texts) if inputs.kind == "documents" else contexts.add_text(inputs.texts[0])


def refuse_empty(names: Sequence[str], inputs: Inputs) -> None:
    """By the name of what is empty. Raises InvalidRequest."""
    if all(not text or text.isspace() for text in inputs.texts):
        what = "it is empty" if len(inputs.texts) == 1 else f"all {len(inputs.texts)} files are empty"
        raise InvalidRequest(f"{', '.join(names)}: {what}")


def read_json(name: str) -> Any:
    """Raises InvalidRequest."""
    try:
        return json.loads(decode(_read(name), name, "utf-8"))
    except (ValueError, RecursionError) as error:
        raise InvalidRequest(f"{name}: not valid JSON: {error}") from None


def _files(name: str) -> Iterator[str]:
    """The names of the files of a folder, in order; any other name is itself a file's."""
    if name == STDIN or not os.path.isdir(name):
        yield name
        return
    found = sorted(each for each in Path(name).rglob("*") if each.is_file())
    if not found:
        raise InvalidRequest(f"{name}: there is no file in it")
    yield from map(str, found)


def _read(name: str) -> bytes:
    if name == STDIN:
        if sys.stdin.isatty():
            say("reading the input from the terminal, up to Ctrl-D on a line of its own")
        return sys.stdin.buffer.read()
    try:
        return Path(name).read_bytes()
    except FileNotFoundError:
        raise InvalidRequest(f"{name}: there is no such file or folder") from None
    except (OSError, ValueError) as error:
        raise InvalidRequest(f"{name}: {getattr(error, 'strerror', None) or error}") from None
