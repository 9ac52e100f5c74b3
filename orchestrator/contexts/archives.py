"""Packed files, known by how they begin: what is in a gzip file, and the members of a zip archive. Never opened twice.

A zip archive in a zip archive stays packed, so that what is in it is no text.
"""

import gzip
import io
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO

from orchestrator.contexts.writer import UNBOUNDED
from orchestrator.errors import InvalidRequest

PIECE = 1 << 17  # bytes that are read at once: they stay in the processor's cache until they are written
_GZIP = b"\x1f\x8b"
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_TAR, _TAR_PLACE = b"ustar", 257
_TABLE = 1 << 26  # bytes of a zip archive's table of members, which is read as a whole
# Those of which a piece can be unpacked in bounded memory.
_UNPACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 1
# What is raised over a file that cannot be read, or is not what it begins as.
_DAMAGED = (OSError, EOFError, zlib.error, zipfile.BadZipFile, NotImplementedError, ValueError, RuntimeError)


class _Bounded(io.BufferedReader):
    """A zip archive as `zipfile` reads it, which takes the length of the table from the archive."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > _TABLE:
            raise zipfile.BadZipFile(f"its table of members has more than {_TABLE} bytes")
        return super().read(size)


def is_zip(file: io.BufferedReader) -> bool:
    """By how it begins. Raises OSError."""
    return file.peek(4).startswith(_ZIP)


def read_documents(file: io.BufferedReader, name: str, size: int | None) -> Iterator[tuple[str, Iterator[bytes]]]:
    """The names and the contents of the members of a zip archive, or those of a file alone.

    Raises InvalidRequest, and so does a content, of it alone.
    """
    try:
        if not is_zip(file):
            yield name, read_pieces(file, size)
            return
        with zipfile.ZipFile(_Bounded(file.raw)) as archive:
            for member in archive.infolist():
                if not member.is_dir():
                    yield f"{name}/{member.filename}", _read_member(archive, member)
    except _DAMAGED as error:
        raise _unreadable(error) from None


def read_pieces(file: io.BufferedReader, size: int | None = None) -> Iterator[bytes]:
    """The content, unpacked if it is a gzip file; of any other at most `size` bytes, if that is known.

    Raises InvalidRequest.
    """
    try:
        packed = file.peek(len(_GZIP)).startswith(_GZIP)
        content = gzip.GzipFile(fileobj=file) if packed else file
        if content.peek(_TAR_PLACE + len(_TAR))[_TAR_PLACE:].startswith(_TAR):
            raise InvalidRequest("a tar archive, which is not opened: unpack it, and name the folder")
        yield from _pieces(content, None if packed else size)
    except _DAMAGED as error:
        raise _unreadable(error) from None


def _read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[bytes]:
    if any(part.startswith(".") and part.strip(".") for part in member.filename.split("/")):
        raise InvalidRequest("hidden")
    if member.flag_bits & _ENCRYPTED:
        raise InvalidRequest("encrypted")
    if member.compress_type not in _UNPACKED:
        raise InvalidRequest("packed in a way that is not read")
    try:
        with archive.open(member) as content:
            yield from _pieces(content, None)
    except _DAMAGED as error:
        raise _unreadable(error) from None


def _pieces(content: io.BufferedIOBase | IO[bytes], size: int | None) -> Iterator[bytes]:
    left = UNBOUNDED if size is None else size
    while piece := content.read1(min(PIECE, left)):  # type: ignore[union-attr]  # all of these have it
        yield piece
        left -= len(piece)


def _unreadable(error: Exception) -> InvalidRequest:
    return InvalidRequest(getattr(error, "strerror", None) or f"damaged: {error}")
