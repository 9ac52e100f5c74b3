"""What a context's file says of its documents, while they arrive: where each ends, and the table of names and lengths."""

import hashlib
import json
import struct
from pathlib import Path
from typing import IO

from orchestrator.contexts.layout import END_SIZE, NO_END, End
from orchestrator.contexts.spool import copy, spool
from orchestrator.errors import InvalidRequest

_END = struct.Struct("=3Q")


class TableWriter:
    """A row for each document. Memory does not grow with them. `digest` is that of all names and ends."""

    def __init__(self, folder: Path) -> None:
        """Raises OSError."""
        self._ends, self._rows = spool(folder), spool(folder)
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
        if name is not None and not is_text(name):
            raise InvalidRequest(f"a lone surrogate in the name {json.dumps(name[:100])} is not text")
        row = f"[{'null' if name is None else json.dumps(name)}, {char - self._last.char}]"
        line = (",\n" if self.count else "") + row
        content = line.encode()
        self._rows.write(content)
        self._last = End(byte, char, self._last.row + len(content))
        self._ends.write(_END.pack(*self._last))
        self._digest.update(b"%d %b" % (byte, content))
        self.count += 1

    @property
    def digest(self) -> bytes:
        return self._digest.digest()

    def write_to(self, file: IO[bytes]) -> tuple[int, int]:
        """Ends and table; how many bytes each has. Raises OSError."""
        self._rows.write(b"]")
        return copy(self._ends, file), copy(self._rows, file)

    def close(self) -> None:
        """Both, whatever becomes of one. Raises OSError."""
        try:
            self._ends.close()
        finally:
            self._rows.close()


def is_text(name: str) -> bool:
    """Whether it can be written in UTF-8: the name of a file need not be text on Linux."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
