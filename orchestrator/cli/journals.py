"""The journals of `rlm query`: kept in the user's data folder, and found there again by the run's id."""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import msgspec

from orchestrator.cli.inputs import STDIN
from orchestrator.cli.say import say
from orchestrator.config import data_folder
from orchestrator.contexts.table import is_text
from orchestrator.errors import InvalidRequest
from orchestrator.journal.events import AnyEvent
from orchestrator.journal.lines import Chain, from_lines

_BEGINNING = b'{"event":'
KEPT = 200  # runs; the oldest leaves first


class Origin(msgspec.Struct, frozen=True):
    """Where the context of a run came from, so that it need not be named again: whole paths, none if it is not in files.

    `names`: what the command line called each, which is part of the context.
    """

    inputs: tuple[str, ...]
    encoding: str
    names: tuple[str, ...] = ()


def origin_of(names: Sequence[str], encoding: str) -> Origin:
    """Of the inputs that a command line names."""
    paths = [Path(name).absolute() for name in names]
    again = STDIN not in names and all((path.is_file() or path.is_dir()) and is_text(str(path)) for path in paths)
    return Origin(tuple(map(str, paths)), encoding, tuple(names)) if again else Origin((), encoding)


class JournalFile:
    """A journal that is written while its run goes on. If it cannot be written, that is said, and the run goes on."""

    def __init__(self, opened: BinaryIO | None) -> None:
        self._file = opened
        self._chain = Chain()

    @property
    def is_whole(self) -> bool:
        """Whether all events so far are in it."""
        return self._file is not None

    def write(self, event: AnyEvent) -> None:
        """Each event is in the file at once."""
        if self._file is None:
            return
        try:
            self._file.write(self._chain.to_line(event))
        except OSError as error:
            say(f"the journal ends here, {self._file.name} cannot be written: {error.strerror}")
            self.close()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def create_journal(path: Path) -> JournalFile:
    """At a place that the user names, over another journal at most. Raises InvalidRequest."""
    try:
        if path.is_file() and _begins(path) not in (b"", _BEGINNING):
            raise InvalidRequest(f"--journal: {path}: there is a file with this name already, which is no journal")
        return JournalFile(path.open("wb", buffering=0))
    except OSError as error:
        raise InvalidRequest(f"--journal: {path}: {error.strerror}") from None


def keep_journal(run_id: str, origin: Origin) -> JournalFile:
    """One more in the data folder."""
    folder = _folder()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _leave(folder, KEPT - 1)
        journal = folder / f"{run_id}.jsonl"
        with _create(_sidecar(journal)) as sidecar:
            sidecar.write(msgspec.json.encode(origin))
        return JournalFile(_create(journal))
    except OSError as error:
        say(f"the journal is not kept, {folder} cannot be written: {error.strerror}")
        return JournalFile(None)


def find_journal(name: str) -> Path:
    """The file with that name, or else the kept journal of the run whose id begins with it. Raises InvalidRequest."""
    if os.path.exists(name):
        return Path(name)
    if re.fullmatch("[0-9a-f]{1,32}", name) is None:
        raise InvalidRequest(f"{name}: there is no such file")
    folder = _folder()
    found = sorted(folder.glob(f"{name}*.jsonl"))
    if len(found) > 1:
        raise InvalidRequest(f"{name}: several runs begin so: {', '.join(each.stem for each in found[:5])}")
    if not found:
        raise InvalidRequest(f"{name}: there is no such run, and no such file; {folder} has the last {KEPT} runs")
    return found[0]


def read_journal(path: Path) -> list[AnyEvent]:
    """Raises InvalidRequest, JournalError."""
    try:
        return from_lines(path.read_bytes().splitlines(keepends=True))
    except OSError as error:
        raise InvalidRequest(f"{path}: {error.strerror}") from None


def read_origin(path: Path) -> Origin | None:
    """Of the journal in that file; None if it is not known, or cannot be read twice."""
    try:
        origin = msgspec.json.decode(_sidecar(path).read_bytes(), type=Origin)
    except (OSError, msgspec.DecodeError):
        return None
    return origin if origin.inputs else None


def _begins(path: Path) -> bytes:
    with path.open("rb") as opened:
        return opened.read(len(_BEGINNING))


def _folder() -> Path:
    return data_folder() / "journals"


def _sidecar(journal: Path) -> Path:
    return journal.with_suffix(".origin.json")


def _create(path: Path) -> BinaryIO:
    """Nobody else may read what was asked."""
    return open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb", buffering=0)


def _leave(folder: Path, most: int) -> None:
    """Removes the oldest beyond that number."""
    for journal in sorted(folder.glob("*.jsonl"), key=_written_at, reverse=True)[most:]:
        journal.unlink(missing_ok=True)
        _sidecar(journal).unlink(missing_ok=True)


def _written_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:  # another process removed it
        return 0.0
