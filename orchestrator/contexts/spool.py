"""What is gathered beside a context's text: in memory while it is small, then in a file."""

import tempfile
from pathlib import Path
from typing import IO

_HELD = 1 << 20  # bytes; more is in a file
_PIECE = 1 << 20  # bytes that are copied at once


def spool(folder: Path) -> IO[bytes]:
    """One that ends with its closing. Raises OSError."""
    return tempfile.SpooledTemporaryFile(_HELD, "w+b", dir=str(folder))


def copy(source: IO[bytes], file: IO[bytes]) -> int:
    """All of it; returns how many bytes that is. Raises OSError."""
    copied = 0
    source.seek(0)
    while piece := source.read(_PIECE):
        copied += file.write(piece)
    return copied
