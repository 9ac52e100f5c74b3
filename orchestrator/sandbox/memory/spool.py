"""A file without a name for what is put away: its room ends with who kept something there, and it with its process."""

import os
import tempfile
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

from orchestrator.sandbox.memory import mappings

LARGEST = 1 << 40  # places are not used again: after so many bytes another file begins


class _File:
    """Written behind its end, and given back from anywhere."""

    def __init__(self, folder: Path) -> None:
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  (it ends with the last place in it)
        self.descriptor = self._file.fileno()
        self.end = 0

    def check_room(self, length: int) -> None:
        """Others use this disk, the store of runs among them: as much as this file has stays free. Raises OSError."""
        disk = os.fstatvfs(self.descriptor)
        if os.fstat(self.descriptor).st_blocks * 512 + 2 * length > disk.f_bavail * disk.f_frsize:
            raise OSError("the disk is too full")


class Place:
    """Some bytes of the file, for as long as this object is there."""

    def __init__(self, file: _File, start: int, length: int) -> None:
        self._file = file
        self._start = start
        self.length = length

    def read(self, position: int, length: int) -> bytes:
        """A part of it. Raises OSError, also if less is there."""
        found = b""
        while len(found) < length:
            more = os.pread(self._file.descriptor, length - len(found), self._start + position + len(found))
            if not more:
                raise OSError("a part of what was put away is gone")
            found += more
        return found

    def write(self, pieces: Iterable[bytes]) -> None:
        """As many bytes as it has. Raises OSError."""
        position = self._start
        for piece in pieces:
            rest = memoryview(piece)
            while rest:
                count = os.pwrite(self._file.descriptor, rest, position)
                position, rest = position + count, rest[count:]

    def __del__(self) -> None:
        # No lock is taken: this may come in the midst of anything.
        mappings.punch_hole(self._file.descriptor, self._start, self.length)


class Spool:
    """Where things are put away."""

    def __init__(self, folder: Callable[[], Path]) -> None:
        """`folder` is asked for when the first thing comes."""
        self._folder = folder
        self._file: _File | None = None
        self._changed = threading.Lock()

    def place(self, length: int) -> Place:
        """Room for so many bytes. Raises OSError, SandboxError."""
        with self._changed:
            if self._file is None or self._file.end > LARGEST:
                self._file = _File(self._folder())
            self._file.check_room(length)
            start = self._file.end
            # Holes have whole pages.
            self._file.end += -(-length // mappings.PAGE) * mappings.PAGE
            return Place(self._file, start, length)
