"""The contexts of a server: a folder with a file for each, kept while a run uses it and some time after."""

import os
import shutil
import tempfile
import threading
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal
from weakref import WeakValueDictionary

import msgspec

from orchestrator.contexts.context import Context, Kind
from orchestrator.contexts.json_text import canonical_json
from orchestrator.contexts.writer import UNBOUNDED, ContextWriter
from orchestrator.errors import InvalidRequest, NoRoom, NotFound

PIECE = 1 << 20  # characters of a text that are written at once
_ENDING = ".context"
_GONE = "there is no context {!r}: send it again"
_FORGOTTEN = 3600.0  # seconds after which a file that never arrived whole is nobody's any more


class Held(msgspec.Struct, frozen=True):
    """A context in the folder: its size in bytes, when it was last used (seconds since 1970), whether a run uses it now."""

    id: str
    bytes: int
    used: float
    in_use: bool


class ContextStore:
    """Each content once. One that no run uses leaves when it is older than `max_seconds`, or is too much (`max_bytes`)."""

    def __init__(self, folder: Path | None = None, max_bytes: int = UNBOUNDED, max_seconds: float = float("inf")) -> None:
        """Without a folder, one of its own that ends with it. Raises NoRoom if the folder cannot be used."""
        self._own = None if folder else tempfile.TemporaryDirectory(prefix="rlm-contexts-")
        self.folder = folder or Path(self._own.name if self._own else "")
        self.max_bytes = max_bytes
        self._max_seconds = max_seconds
        self._lock = threading.Lock()
        self._in_use: WeakValueDictionary[str, Context] = WeakValueDictionary()
        self._owned: dict[str, ContextStore] = {}
        self._needed: Collection[str] = ()
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._clean()
        except OSError as error:
            raise NoRoom(f"the folder of contexts {self.folder} cannot be used: {error.strerror}") from None

    def of(self, owner: str, max_bytes: int = UNBOUNDED) -> "ContextStore":
        """Those of one owner: what others have sent is not there, even if it is the same. Raises NoRoom."""
        if owner not in self._owned:
            self._owned[owner] = ContextStore(self.folder / "owned" / owner, self.max_bytes, self._max_seconds)
        owned = self._owned[owner]
        owned.max_bytes = min(max_bytes, owned.max_bytes)
        return owned

    def get(self, identity: str) -> Context:
        """Raises NotFound, ContextDamaged."""
        with self._lock:
            held = self._in_use.get(identity)
            if held is None:
                held = self._in_use[identity] = self._open(identity)
            try:
                os.utime(self._path(identity))
            except FileNotFoundError:  # deleted, while a run still uses it
                raise NotFound(_GONE.format(identity)) from None
            return held

    def list(self) -> list[Held]:
        """Those in the folder, the last used first."""
        found = []
        for path in self.folder.glob(f"*{_ENDING}"):
            try:
                status = path.stat()
            except FileNotFoundError:
                continue
            found.append(Held(path.stem, status.st_size, status.st_mtime, path.stem in self._in_use))
        return sorted(found, key=lambda each: each.used, reverse=True)

    def delete(self, identity: str) -> None:
        """A run that uses it keeps it to its end. Raises NotFound."""
        if not _is_identity(identity) or not self._path(identity).exists():
            raise NotFound(f"there is no context {identity[:100]!r}")
        self._path(identity).unlink(missing_ok=True)

    @contextmanager
    def arriving(self, kind: Kind, encoding: str = "utf-8") -> Iterator[ContextWriter]:
        """A writer for a new context, to be given to `keep`; what is not kept leaves nothing. Raises InvalidRequest, NoRoom."""
        try:
            writer = ContextWriter(self.folder, kind, encoding, self.max_bytes)
            try:
                yield writer
            finally:
                writer.discard()
        except OSError as error:
            raise NoRoom(f"there is no room for the context: {error.strerror}") from None

    def keep(self, writer: ContextWriter) -> Context:
        """The context that has arrived. Raises NoRoom."""
        return self.take(writer.path, writer.finish())

    def take(self, path: Path, identity: str) -> Context:
        """A finished file in the folder becomes the context of that id; else it leaves. Raises NoRoom."""
        try:
            self._make_room(path.stat().st_size)
        except NoRoom:
            path.unlink(missing_ok=True)
            raise
        with self._lock:
            os.replace(path, self._path(identity))
        return self.get(identity)

    def add_text(self, text: str) -> Context:
        """One text. Raises InvalidRequest, NoRoom."""
        return self._add("text", ((None, _pieces(text)),))

    def add_part(self, whole: Context, part: range) -> Context:
        """One text: these code points of another. Raises NoRoom."""
        pieces = (whole.read_all(start, min(PIECE, part.stop - start)) for start in range(part.start, part.stop, PIECE))
        return self._add("text", ((None, pieces),))

    def add_chosen(self, whole: Context, numbers: Iterable[int]) -> Context:
        """Those documents of another. Raises NoRoom."""
        return self._add("documents", (_document(whole, each) for each in numbers))

    def add_documents(self, documents: Iterable[str | tuple[str | None, str]]) -> Context:
        """Texts, or pairs of a name and a text. Raises InvalidRequest, NoRoom."""
        pairs = ((None, each) if isinstance(each, str) else each for each in documents)
        return self._add("documents", ((name, _pieces(text)) for name, text in pairs))

    def add_json(self, kind: Literal["json", "messages"], value: Any) -> Context:
        """A JSON value, held as its text. Raises InvalidRequest if it is nested too deeply, NoRoom."""
        try:
            return self._add(kind, ((None, _pieces(canonical_json(value))),))
        except RecursionError:
            raise InvalidRequest(f"{kind}: it is nested too deeply") from None

    def expire(self, needed: Collection[str] = ()) -> None:
        """Lets go of what nobody uses: the old, and then the longest unused while all are too much.

        `needed`: ids of those that runs need which go on elsewhere, or later.
        """
        self._needed = needed
        self._clean()
        self._make_room(0)
        for each in tuple(self._owned.values()):
            each.expire(needed)

    def _add(self, kind: Kind, documents: Iterable[tuple[str | None, Iterable[str]]]) -> Context:
        with self.arriving(kind) as writer:
            for name, pieces in documents:
                for piece in pieces:
                    writer.write_text(piece)
                writer.end_document(name)
            return self.keep(writer)

    def _make_room(self, needed: int) -> None:
        """Raises NoRoom if what is in use leaves less than `needed` bytes."""
        oldest = time.time() - self._max_seconds
        held = self.list()
        total = sum(each.bytes for each in held) + needed
        for each in reversed(held):
            if not each.in_use and each.id not in self._needed and (each.used < oldest or total > self.max_bytes):
                self._path(each.id).unlink(missing_ok=True)
                total -= each.bytes
        if needed and total > self.max_bytes:
            raise NoRoom(
                f"the context takes {needed} bytes, for which {self.max_bytes} have no room (context_bytes, or "
                "max_bytes of its token)"
            )

    def _open(self, identity: str) -> Context:
        if not _is_identity(identity):
            raise NotFound(f"there is no context {identity[:100]!r}")
        try:
            return Context(identity, self._path(identity))
        except FileNotFoundError:
            raise NotFound(_GONE.format(identity)) from None

    def _path(self, identity: str) -> Path:
        return self.folder / f"{identity}{_ENDING}"

    def _clean(self) -> None:
        """What was arriving when a process ended."""
        for path in self.folder.glob("arriving-*"):
            try:
                if time.time() - path.stat().st_mtime <= _FORGOTTEN:
                    continue
                if path.is_dir():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink()
            except FileNotFoundError:
                continue


def _pieces(text: str) -> Iterator[str]:
    return (text[start : start + PIECE] for start in range(0, len(text), PIECE))


def _document(whole: Context, number: int) -> tuple[str | None, Iterator[str]]:
    [(name, length)] = whole.documents(number, number + 1)
    return name, (whole.read(number, start, min(PIECE, length - start)) for start in range(0, length, PIECE))


def _is_identity(text: str) -> bool:
    return len(text) == 64 and all(character in "0123456789abcdef" for character in text)
