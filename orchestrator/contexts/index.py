"""The code-point index of a context while it arrives: the byte of every STEP-th code point, in memory that does not grow."""

from array import array
from collections.abc import Iterable
from pathlib import Path
from typing import IO

from orchestrator.contexts.spool import copy, spool

_BUFFERED = 1 << 16  # entries
_ENTRY = array("Q").itemsize


class IndexWriter:
    """Entries one behind the other; the last ones can be taken back."""

    def __init__(self, folder: Path) -> None:
        """Raises OSError."""
        self._file = spool(folder)
        self._written = 0
        self._buffer = array("Q")

    def __len__(self) -> int:
        return self._written + len(self._buffer)

    def extend(self, entries: Iterable[int]) -> None:
        """Raises OSError."""
        self._buffer.extend(entries)
        if len(self._buffer) >= _BUFFERED:
            self._flush()

    def cut(self, length: int) -> None:
        """As many stay. Raises OSError."""
        if length < self._written:
            self._flush()
            self._file.seek(length * _ENTRY)
            self._file.truncate()
            self._written = length
        else:
            del self._buffer[length - self._written :]

    def write_to(self, file: IO[bytes]) -> int:
        """How many bytes it has. Raises OSError."""
        self._flush()
        return copy(self._file, file)

    def close(self) -> None:
        self._file.close()

    def _flush(self) -> None:
        self._file.write(self._buffer.tobytes())
        self._written += len(self._buffer)
        self._buffer = array("Q")
