"""Files that a command line names: configurations, contexts and journals."""

import json
import os
import shlex
from pathlib import Path
from typing import Any

from orchestrator import config, shipped
from orchestrator.cli.say import say
from orchestrator.config import Settings
from orchestrator.contexts.context import Context
from orchestrator.contexts.store import ContextStore
from orchestrator.errors import InvalidRequest
from orchestrator.journal.events import AnyEvent
from orchestrator.journal.lines import from_lines

CONFIG = Path("config.toml")


def read_settings(path: Path | None) -> Settings:
    """Of the file that is named, else of config.toml, else the defaults. Raises ConfigError."""
    if path is None and not os.path.lexists(CONFIG):
        say(
            "no config.toml here: settings have their defaults, and a scripted model answers the questions of the demo; "
            f"to name a model: cp {shlex.quote(str(shipped.CONFIG))} . and change two lines at its end"
        )
        return config.DEFAULTS
    return config.load(path or CONFIG)


def read_journal(path: Path) -> list[AnyEvent]:
    try:
        return from_lines(path.read_bytes().splitlines(keepends=True))
    except OSError as error:
        raise InvalidRequest(f"{path}: {error.strerror}") from None


def read_json(path: Path) -> Any:
    try:
        return json.loads(_text(path))
    except ValueError as error:
        raise InvalidRequest(f"--context: {path}: not valid JSON: {error}") from None


def read_context(path: Path, contexts: ContextStore) -> Context:
    if path.is_dir():
        files = sorted(each for each in path.rglob("*") if each.is_file())
        return contexts.add_documents(_text(each) for each in files)
    return contexts.add_text(_text(path))


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode()
    except OSError as error:
        raise InvalidRequest(f"--context: {path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"--context: {path}: not valid UTF-8 at byte {error.start}") from None
