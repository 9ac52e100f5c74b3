"""What a context's file says of its documents, while they arrive: where each ends, and the table of names and lengths."""

import hashlib
import json
import tempfile
from array import array
from pathlib import Path
from typing import IO

from orchestrator.contexts.layout import END_SIZE, NO_END, End
from orchestrator.errors import InvalidRequest

_HELD = 1 << 20  # bytes; more is in a file
_PIECE = 1 << 20  # bytes that are copied at once


class TableWriter:
    """A row for each document. Memory does not grow with them. `digest` is that of all names and ends."""

    def __init__(self, folder: Path) -> None:
        """Raises OSError."""
        self._ends, self._rows = _file(folder), _file(folder)
        self._rows.write(b"[")
        self._last = NO_END
        self._digest = hashlib.sha256()
        self.count = 0

    @property
    def size(self) -> int:
        """Bytes so far."""
        return self._last.row + END_SIZE * self.count

    def add(self, name: str | None, byte: int, char: int) -> None:
        """The next document, and where it ends. Raises InvalidRequest if the name is no text, OSError."""
        row = json.dumps([name, char - self._last.char])
        if name is not None and any("\ud800" <= character <= "\udfff" for character in name):
            raise InvalidRequest(f"a lone surrogate in the name {json.dumps(name[:100])} is not text")
        line = (",\n" if self.count else "") + row
        self._rows.write(line.encode())
        self._last = End(byte, char, self._last.row + len(line))
        self._ends.write(array("Q", self._last).tobytes())
        self._digest.update(f"{byte} {line}".encode())
        self.count += 1

    @property
    def digest(self) -> bytes:
        return self._digest.digest()

    def write_to(self, file: IO[bytes]) -> tuple[int, int]:
        """Ends and table; how many bytes each has. Raises OSError."""
        self._rows.write(b"]")
        return _copy(self._ends, file), _copy(self._rows, file)

    def close(self) -> None:
        self._ends.close()
        self._rows.close()


def _file(folder: Path) -> IO[bytes]:
    """One that ends with its closing, in memory while it is small."""
    return tempfile.SpooledTemporaryFile(_HELD, "w+b", dir=str(folder))


def _copy(source: IO[bytes], file: IO[bytes]) -> int:
    copied = 0
    source.seek(0)
    while piece := source.read(_PIECE):
        copied += file.write(piece)
    return copied
