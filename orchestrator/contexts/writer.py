"""A context while it arrives: written to its file piece by piece, in memory that does not grow with it."""

import codecs
import contextlib
import hashlib
import sys
import tempfile
from copy import copy
from pathlib import Path
from typing import Any

import msgspec

from orchestrator.contexts.context import Kind
from orchestrator.contexts.encodings import AROUND, SAMPLE, find_encoding
from orchestrator.contexts.index import IndexWriter
from orchestrator.contexts.layout import STEP, Footer, pack
from orchestrator.contexts.table import TableWriter
from orchestrator.errors import InvalidRequest, NoRoom, Undecodable

_HEADER = 80  # bytes of a str beside its characters, with its place in a list
_BOM = "\ufeff"
UNBOUNDED = 1 << 62  # bytes
_LONG = 1000  # characters
_MARKED = ("utf-16", "utf-32")  # their decoders need a byte order mark, and take it out


class _Written(msgspec.Struct):
    """What is known of the text so far; a copy of it is all that is needed to go back to where a document began.

    `steps`: entries of the index; `boms`: byte order marks that were left out.
    """

    digest: Any
    bytes: int = 0
    chars: int = 0
    steps: int = 0
    ascii: bool = True
    blank: bool = True
    boms: int = 0

    def copy(self) -> "_Written":
        copied = copy(self)
        copied.digest = self.digest.copy()
        return copied


class _Document(msgspec.Struct):
    """The one that arrives.

    `start`: what was written before it; `taken`: bytes of it, as they came, the `last` of which are kept to explain what
    follows them; `width`: bytes of each character, as a guest stores them.
    """

    start: _Written
    taken: int = 0
    last: bytes = b""
    started: bool = False
    width: int = 1
    has_nul: bool = False


class ContextWriter:
    """Documents one after the other, each in pieces of bytes; a text is one document. `finish` or `discard` ends it."""

    def __init__(self, folder: Path, kind: Kind, encoding: str = "utf-8", max_bytes: int = UNBOUNDED) -> None:
        """`encoding`: what `write` is given; `max_bytes` of the text, as UTF-8, and of the table.

        Raises InvalidRequest if there is no such encoding, OSError.
        """
        self._kind = kind
        self._encoding = find_encoding(encoding)
        self._max_bytes = max_bytes
        self._decoder = codecs.getincrementaldecoder(self._encoding)()
        self._table = TableWriter(folder)
        self._file = tempfile.NamedTemporaryFile(dir=folder, prefix="arriving-", delete=False)  # noqa: SIM115  (closed at the end)
        self._written = _Written(hashlib.sha256())
        self._guest_bytes = 0
        self._index = IndexWriter(folder)
        self._document = _Document(self._written.copy())

    @property
    def path(self) -> Path:
        return Path(self._file.name)

    @property
    def size(self) -> int:
        """Bytes of the text so far."""
        return self._written.bytes

    @property
    def count(self) -> int:
        """Documents that were ended."""
        return self._table.count

    @property
    def is_blank(self) -> bool:
        """Whether there is white space alone, so far."""
        return self._written.blank

    @property
    def boms(self) -> int:
        """Byte order marks that were left out, as they are no part of the text."""
        return self._written.boms

    @property
    def has_nul(self) -> bool:
        """Whether the document that arrives has a character that only binary files use."""
        return self._document.has_nul

    def write(self, content: bytes) -> None:
        """The next piece of the document.

        Raises Undecodable with the byte of what is not of the encoding, InvalidRequest, NoRoom, OSError.
        """
        document = self._document
        try:
            text = self._decoder.decode(content)
        except UnicodeError as error:
            raise self._undecodable(error, content) from None
        document.taken += len(content)
        document.last = content[-AROUND:] if len(content) >= AROUND else (document.last + content)[-AROUND:]
        if text and not document.started:
            document.started = True
            if self._encoding not in _MARKED:
                self._written.boms += text[0] == _BOM
                text = text.removeprefix(_BOM)
        self.write_text(text)

    def write_text(self, text: str) -> None:
        """The next piece of the document, decoded. Raises InvalidRequest at a lone surrogate, NoRoom, OSError."""
        if not text:
            return
        written = self._written
        try:
            content = text.encode() if text.isascii() else self._encode(text)
        except UnicodeEncodeError:
            place = written.chars - self._document.start.chars + _lone_surrogate(text)
            raise InvalidRequest(f"a lone surrogate at code point {place} is not text") from None
        if len(content) == len(text):
            self._add_ascii_to_index(len(text))
        written.blank = written.blank and text.isspace()
        written.ascii = written.ascii and len(content) == len(text)
        self._document.width = max(self._document.width, _width(text))
        self._document.has_nul = self._document.has_nul or "\0" in text
        written.digest.update(content)
        self._file.write(content)
        written.bytes += len(content)
        written.chars += len(text)
        self._check_room()

    def end_document(self, name: str | None = None) -> None:
        """What follows is another document. Raises Undecodable if the last character is not whole."""
        if self._document.taken:
            self._end_decoding()
        written = self._written
        # Of a text the name is not a part.
        name = name if self._kind == "documents" else None
        self._guest_bytes += _HEADER + self._document.width * (written.chars - self._document.start.chars)
        if name is not None:
            self._guest_bytes += _HEADER + _width(name) * len(name)
        self._table.add(name, written.bytes, written.chars)
        self._check_room()
        self._begin_document()

    def abandon_document(self) -> None:
        """Nothing of the document that arrives stays; what follows is another one. Raises OSError."""
        self._written = self._document.start
        self._file.seek(self._written.bytes)
        self._file.truncate()
        self._index.cut(self._written.steps)
        self._decoder.reset()
        self._begin_document()

    def finish(self) -> str:
        """Writes what is behind the text; returns the id. The last document must have been ended. Raises OSError."""
        written = self._written
        self._file.write(bytes(-written.bytes % 8))
        index = 0 if written.ascii else self._index.write_to(self._file)
        ends, table = self._table.write_to(self._file)
        footer = Footer(
            kind=self._kind,
            text=written.bytes,
            chars=written.chars,
            count=self._table.count,
            guest_bytes=self._guest_bytes,
            blank=written.blank,
            index=index,
            ends=ends,
            table=table,
        )
        self._file.write(pack(footer))
        self._file.close()
        return hashlib.sha256(b" ".join((self._kind.encode(), written.digest.digest(), self._table.digest))).hexdigest()

    def discard(self) -> None:
        """Leaves nothing behind; after `finish` and a rename there is nothing to leave."""
        # What is still in the buffer is written now: on a full disk that fails once more.
        with contextlib.suppress(OSError):
            self._file.close()
        for beside in (self._table, self._index):
            with contextlib.suppress(OSError):
                beside.close()
        self.path.unlink(missing_ok=True)

    def _check_room(self) -> None:
        if self._written.bytes + self._table.size > self._max_bytes:
            raise NoRoom(f"the context has more than {self._max_bytes} bytes (context_bytes, or max_bytes of its token)")

    def _begin_document(self) -> None:
        self._written.steps = len(self._index)
        self._document = _Document(self._written.copy())

    def _end_decoding(self) -> None:
        try:
            self.write_text(self._decoder.decode(b"", final=True))
        except UnicodeError as error:
            raise self._undecodable(error, b"") from None
        self._written.boms += self._encoding in _MARKED
        self._decoder.reset()

    def _add_ascii_to_index(self, length: int) -> None:
        written = self._written
        first = -written.chars % STEP
        self._index.extend(range(written.bytes + first, written.bytes + length, STEP))

    def _encode(self, text: str) -> bytes:
        """As UTF-8, in steps of the index, which gets the byte where each begins."""
        written = self._written
        pieces, offsets = [text[: -written.chars % STEP].encode()], []
        offset = written.bytes + len(pieces[0])
        for position in range(-written.chars % STEP, len(text), STEP):
            offsets.append(offset)
            pieces.append(text[position : position + STEP].encode())
            offset += len(pieces[-1])
        self._index.extend(offsets)
        return b"".join(pieces)

    def _undecodable(self, error: UnicodeError, content: bytes) -> Undecodable:
        """With the bytes around the place: the end of the piece before, and what follows."""
        name = "UTF-8" if self._encoding == "utf-8" else self._encoding
        if not isinstance(error, UnicodeDecodeError):
            return Undecodable(f"not valid {name} at byte 0: it has no byte order mark; there are {name}-le and {name}-be")
        # The decoder had kept some bytes of the piece before, and counts from them.
        kept = len(error.object) - len(content)
        before = self._document.last[: len(self._document.last) - kept] + error.object[: error.start]
        sample = before[-AROUND:] + error.object[error.start : error.start + SAMPLE]
        offset = self._document.taken - kept + error.start
        return Undecodable(f"not valid {name} at byte {offset}", sample, min(len(before), AROUND))


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
