"""A context while it arrives: written to its file piece by piece, in memory that does not grow with it."""

import codecs
import hashlib
import sys
import tempfile
from array import array
from pathlib import Path

import msgspec

from orchestrator.contexts.context import Kind
from orchestrator.contexts.layout import STEP, Footer, pack
from orchestrator.contexts.table import TableWriter
from orchestrator.errors import InvalidRequest, NoRoom

_HEADER = 80  # bytes of a str beside its characters, with its place in a list
_BOM = "\ufeff"
UNBOUNDED = 1 << 62  # bytes
_LONG = 1000  # characters


class _Document(msgspec.Struct):
    """The one that arrives: bytes that were taken of it, as they came; bytes of each character, as a guest stores them."""

    first_char: int = 0
    taken: int = 0
    started: bool = False
    width: int = 1


class ContextWriter:
    """Documents one after the other, each in pieces of bytes; a text is one document. `finish` or `discard` ends it."""

    def __init__(self, folder: Path, kind: Kind, encoding: str = "utf-8", max_bytes: int = UNBOUNDED) -> None:
        """`encoding`: what `write` is given; `max_bytes` of the text, as UTF-8, and of the table.

        Raises InvalidRequest if there is no such encoding, OSError.
        """
        self._kind = kind
        self._encoding = encoding
        self._max_bytes = max_bytes
        try:
            self._decoder = codecs.getincrementaldecoder(encoding)()
        except LookupError:
            raise InvalidRequest(f"encoding: there is no encoding {encoding[:50]!r}") from None
        self._table = TableWriter(folder)
        self._file = tempfile.NamedTemporaryFile(dir=folder, prefix="arriving-", delete=False)  # noqa: SIM115  (closed at the end)
        self._digest = hashlib.sha256()
        self._bytes = self._chars = self._guest_bytes = 0
        self._index = array("Q")
        self._ascii = True
        self._blank = True
        self.boms = 0  # that were left out, as they are no part of the text
        self._document = _Document()

    @property
    def path(self) -> Path:
        return Path(self._file.name)

    @property
    def size(self) -> int:
        """Bytes of the text so far."""
        return self._bytes

    def write(self, content: bytes) -> None:
        """The next piece of the document.

        Raises InvalidRequest with the byte of what is not of the encoding, NoRoom, OSError.
        """
        try:
            text = self._decoder.decode(content)
        except UnicodeDecodeError as error:
            # The decoder had kept some bytes of the piece before, and counts from them.
            kept = len(error.object) - len(content)
            raise self._undecodable(self._document.taken - kept + error.start) from None
        self._document.taken += len(content)
        if text and not self._document.started:
            self._document.started = True
            self.boms += text[0] == _BOM
            text = text.removeprefix(_BOM)
        self.write_text(text)

    def write_text(self, text: str) -> None:
        """The next piece of the document, decoded. Raises InvalidRequest at a lone surrogate, NoRoom, OSError."""
        if not text:
            return
        try:
            content = text.encode() if text.isascii() else self._encode(text)
        except UnicodeEncodeError:
            place = self._chars - self._document.first_char + _lone_surrogate(text)
            raise InvalidRequest(f"a lone surrogate at code point {place} is not text") from None
        if len(content) == len(text):
            self._add_ascii_to_index(len(text))
        self._blank = self._blank and text.isspace()
        self._ascii = self._ascii and len(content) == len(text)
        self._document.width = max(self._document.width, _width(text))
        self._digest.update(content)
        self._file.write(content)
        self._bytes += len(content)
        self._chars += len(text)
        self._check_room()

    def end_document(self, name: str | None = None) -> None:
        """What follows is another document. Raises InvalidRequest if the last character is not whole."""
        if self._document.taken:
            self._end_decoding()
        self._guest_bytes += _HEADER + self._document.width * (self._chars - self._document.first_char)
        if name is not None:
            self._guest_bytes += _HEADER + _width(name) * len(name)
        self._table.add(name, self._bytes, self._chars)
        self._check_room()
        self._document = _Document(first_char=self._chars)

    def finish(self) -> str:
        """Writes what is behind the text; returns the id. The last document must have been ended. Raises OSError."""
        index = b"" if self._ascii else self._index.tobytes()
        self._file.write(bytes(-self._bytes % 8) + index)
        ends, table = self._table.write_to(self._file)
        footer = Footer(
            kind=self._kind,
            text=self._bytes,
            chars=self._chars,
            count=self._table.count,
            guest_bytes=self._guest_bytes,
            blank=self._blank,
            index=len(index),
            ends=ends,
            table=table,
        )
        self._file.write(pack(footer))
        self._file.close()
        return hashlib.sha256(b" ".join((self._kind.encode(), self._digest.digest(), self._table.digest))).hexdigest()

    def discard(self) -> None:
        """Leaves nothing behind; after `finish` and a rename there is nothing to leave."""
        self._file.close()
        self._table.close()
        self.path.unlink(missing_ok=True)

    def _check_room(self) -> None:
        if self._bytes + self._table.size > self._max_bytes:
            raise NoRoom(f"the context has more than {self._max_bytes} bytes (contexts.context_bytes)")

    def _end_decoding(self) -> None:
        try:
            self.write_text(self._decoder.decode(b"", final=True))
        except UnicodeDecodeError as error:
            raise self._undecodable(self._document.taken - len(error.object) + error.start) from None
        self._decoder.reset()

    def _add_ascii_to_index(self, length: int) -> None:
        first = -self._chars % STEP
        self._index.extend(range(self._bytes + first, self._bytes + length, STEP))

    def _encode(self, text: str) -> bytes:
        """As UTF-8, in steps of the index, which gets the byte where each begins."""
        pieces = [text[: -self._chars % STEP].encode()]
        offset = self._bytes + len(pieces[0])
        for position in range(-self._chars % STEP, len(text), STEP):
            self._index.append(offset)
            pieces.append(text[position : position + STEP].encode())
            offset += len(pieces[-1])
        return b"".join(pieces)

    def _undecodable(self, offset: int) -> InvalidRequest:
        name = "UTF-8" if self._encoding == "utf-8" else self._encoding
        return InvalidRequest(f"not valid {name} at byte {offset}")


def _width(text: str) -> int:
    """Bytes of each character, as CPython stores the text."""
    if text.isascii():
        return 1
    if len(text) < _LONG:
        widest = ord(max(text))
        return 1 if widest < 1 << 8 else 2 if widest < 1 << 16 else 4
    # To look at each character would take longer than all else; beside them a str has less than _LONG bytes.
    return sys.getsizeof(text) // len(text)


def _lone_surrogate(text: str) -> int:
    return next(place for place, character in enumerate(text) if "\ud800" <= character <= "\udfff")
