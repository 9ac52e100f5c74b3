"""What a run is about, as a command line names it: a file, a folder, several of them, or - for standard input."""

import io
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from orchestrator.cli.say import say
from orchestrator.contexts.encodings import explain
from orchestrator.contexts.files import Added, Source, add_sources
from orchestrator.contexts.store import ContextStore
from orchestrator.errors import InvalidRequest, Undecodable

STDIN = "-"


def read_inputs(contexts: ContextStore, inputs: Sequence[str], encoding: str, names: Sequence[str] = ()) -> Added:
    """As one context; `names`: what each was called at first, if it is found elsewhere now. Raises InvalidRequest, NoRoom."""
    if not inputs:
        raise InvalidRequest("name what the question is about: a FILE, a FOLDER, several of them, or - for standard input")
    if inputs.count(STDIN) > 1:
        raise InvalidRequest("-: standard input can be read once only")
    sources = [Source(_content(each), name) for each, name in zip(inputs, names or inputs, strict=True)]
    try:
        return add_sources(contexts, sources, encoding)
    except Undecodable as error:
        raise explain(error, "choose with --encoding NAME") from None


def read_json(name: str) -> Any:
    """Raises InvalidRequest."""
    content = _content(name)
    try:
        return json.loads(content.read_bytes() if isinstance(content, Path) else content.read())
    except OSError as error:
        raise InvalidRequest(f"{name}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise InvalidRequest(f"{name}: not valid JSON: {error}") from None


def _content(name: str) -> Path | io.BufferedReader:
    if name != STDIN:
        return Path(name)
    if sys.stdin.isatty():
        say("reading the input from the terminal, up to Ctrl-D on a line of its own")
    return cast(io.BufferedReader, sys.stdin.buffer)
