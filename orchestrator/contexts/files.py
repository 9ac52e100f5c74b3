"""What a caller names, as one context: files, folders, archives, streams, texts. A file is never held whole.

What was named has to be text. What is only found, in a folder or an archive, is left out if it is none, and that is said.
"""

import io
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path

import msgspec

from orchestrator.contexts.archives import is_zip, read_documents, read_pieces
from orchestrator.contexts.context import Context
from orchestrator.contexts.encodings import SAMPLE, is_binary
from orchestrator.contexts.folders import open_found, unreadable, walk
from orchestrator.contexts.store import PIECE, ContextStore
from orchestrator.contexts.writer import ContextWriter
from orchestrator.errors import InvalidRequest, Undecodable

_SHOWN = 5  # of many names


class Source(msgspec.Struct, frozen=True):
    """A file, a folder, an open stream or a text, and what its caller calls it."""

    content: Path | io.BufferedReader | str
    name: str | None = None

    def __str__(self) -> str:
        return str(self.content) if isinstance(self.content, Path) else self.name or "a text"


class Added(msgspec.Struct, frozen=True):
    """The context, and what its caller should know of how it came to be."""

    context: Context
    notes: tuple[str, ...] = ()


def add_sources(contexts: ContextStore, sources: Sequence[Source], encoding: str = "utf-8") -> Added:
    """One file, stream or text is a text. A folder, a zip archive, or several of them are documents with names.

    Raises InvalidRequest, which begins with the name of what it is about (Undecodable if that is no text); NoRoom.
    """
    alone = len(sources) == 1
    is_text = alone and _container(sources[0].content) is None
    with contexts.arriving("text" if is_text else "documents", encoding) as writer:
        reader = _Reader(writer)
        for source in sources:
            container = None if is_text else _container(source.content)
            if container is None:
                reader.add_named(source)
            else:
                reader.add_found(container, _prefix(container, None if alone else source.name))
        if writer.is_blank:
            what = "it is empty" if writer.count == 1 else f"all {writer.count} files are empty"
            raise InvalidRequest(f"{', '.join(map(str, sources))}: {what}")
        return Added(contexts.keep(writer), tuple(_notes(reader.left_out, writer.boms)))


class _Reader:
    """Writes documents; `left_out` has the name of each that is none, and why."""

    def __init__(self, writer: ContextWriter) -> None:
        self._writer = writer
        self.left_out: list[str] = []

    def add_named(self, source: Source) -> None:
        """Raises InvalidRequest if it is no text."""
        try:
            if isinstance(source.content, str):
                for start in range(0, len(source.content), PIECE):
                    self._writer.write_text(source.content[start : start + PIECE])
            else:
                with _open(source.content) as file:
                    self._write_named(read_pieces(file, _size(file)))
            self._writer.end_document(source.name and _as_text(source.name))
        except Undecodable as error:
            raise Undecodable(f"{source}: {error}", error.sample, error.place) from None
        except InvalidRequest as error:
            raise InvalidRequest(f"{source}: {error}") from None

    def add_found(self, path: Path, prefix: str) -> None:
        """What is text in a folder or an archive. Raises InvalidRequest if nothing is."""
        before, left_before = self._writer.count, len(self.left_out)
        try:
            if path.is_dir():
                for found in walk(str(path), str(self._writer.path.parent)):
                    self._add_file(f"{prefix}{found.name}", found.path, found.left_out)
            else:
                with _open(path) as file:
                    self._add_documents(prefix.removesuffix("/"), file)
        except InvalidRequest as error:
            raise InvalidRequest(f"{path}: {error}") from None
        left_out = self.left_out[left_before:]
        if self._writer.count == before:
            what = f"no file in it is text: {_list(left_out)}" if left_out else "there is no file in it"
            raise InvalidRequest(f"{path}: {what}")

    def _write_named(self, pieces: Iterator[bytes]) -> None:
        try:
            for piece in pieces:
                self._writer.write(piece)
        except Undecodable as error:
            # The piece may have ended right behind the wrong byte.
            raise Undecodable(str(error), error.sample + next(pieces, b"")[:SAMPLE], error.place) from None

    def _add_file(self, name: str, path: str, left_out: str) -> None:
        try:
            if left_out:
                raise InvalidRequest(left_out)
            with open(open_found(path), "rb") as file:
                self._add_documents(name, file)
        except InvalidRequest as error:
            self._leave_out(name, error)

    def _add_documents(self, name: str, file: io.BufferedReader) -> None:
        for each, pieces in read_documents(file, name, _size(file)):
            try:
                self._write_found(pieces)
                self._writer.end_document(_as_text(each))
            except InvalidRequest as error:
                self._writer.abandon_document()
                self._leave_out(each, error)

    def _write_found(self, pieces: Iterator[bytes]) -> None:
        try:
            for piece in pieces:
                self._writer.write(piece)
                if self._writer.has_nul:
                    raise InvalidRequest("binary")
        except Undecodable as error:
            raise InvalidRequest("binary" if is_binary(error) else str(error)) from None

    def _leave_out(self, name: str, why: InvalidRequest) -> None:
        self.left_out.append(f"{_as_text(name)} ({why})")


def _container(content: Path | io.BufferedReader | str) -> Path | None:
    """If it is a folder or a zip archive. Only files are opened twice: a pipe would not have it any more."""
    if not isinstance(content, Path):
        return None
    try:
        if not content.is_file():
            return content if content.is_dir() else None
        with content.open("rb") as file:
            return content if is_zip(file) else None
    except (OSError, ValueError):
        return None


def _prefix(container: Path, name: str | None) -> str:
    """Of the names in it: what it is called; of a folder that is all there is, nothing."""
    if name is None:
        return "" if container.is_dir() else f"{container.name}/"
    return f"{name.rstrip('/')}/"


def _open(content: Path | io.BufferedReader) -> "nullcontext[io.BufferedReader] | io.BufferedReader":
    """A stream stays its caller's to close. Raises InvalidRequest."""
    if not isinstance(content, Path):
        return nullcontext(content)
    try:
        return content.open("rb")
    except FileNotFoundError:
        raise InvalidRequest("there is no such file or folder") from None
    except (OSError, ValueError) as error:
        raise unreadable(error) from None


def _size(file: io.BufferedReader) -> int | None:
    """Of a file as it is opened, so that one that is written on meanwhile has an end; None if there is none to know."""
    try:
        status = os.fstat(file.fileno())
    except OSError:
        return None
    # Files that the system makes as they are read say 0.
    return status.st_size or None if stat.S_ISREG(status.st_mode) else None


def _notes(left_out: list[str], boms: int) -> Iterator[str]:
    if left_out:
        yield f"{len(left_out)} left out: {_list(left_out)}"
    if boms:
        yield f"{boms} byte order mark{'s are' if boms > 1 else ' is'} no part of the text"


def _list(names: list[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _as_text(name: str) -> str:
    """A name of a file need not be text: what is not UTF-8 in it is escaped."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
