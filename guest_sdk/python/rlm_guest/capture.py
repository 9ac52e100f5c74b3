"""The output of a cell, bounded while it is written: a flood must not fill the guest's memory."""

import codecs
import functools
import io
from collections import deque
from typing import Any


class Capture(io.TextIOBase):
    """Keeps the first and the last half of `limit` (at least 1) code points, and counts them all."""

    encoding = "utf-8"
    errors = "backslashreplace"

    def __init__(self, limit: int) -> None:
        self.restart(limit)

    def restart(self, limit: int) -> None:
        """Empty again, and as it was made: the cells of a run share one, since they keep references to it."""
        vars(self).clear()
        self._room = limit // 2
        self._kept = limit - self._room
        self._head: list[str] = []
        self._tail: deque[str] = deque()
        self._tail_length = 0
        self.length = 0

    @functools.cached_property
    def buffer(self) -> "_Bytes":
        return _Bytes(self)

    def reconfigure(self, **settings: Any) -> None:
        """It takes every text already."""

    def close(self) -> None:
        """A cell that closes it can still print."""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        self.length += len(text)
        if text and self._room:
            self._head.append(text[: self._room])
        rest = text[max(self._room, len(text) - self._kept) :]
        self._room = max(0, self._room - len(text))
        if rest:
            self._tail.append(rest)
            self._tail_length += len(rest)
        # Whole pieces leave, so that a flood of small writes stays linear.
        while self._tail and self._tail_length - len(self._tail[0]) >= self._kept:
            self._tail_length -= len(self._tail.popleft())
        return len(text)

    @property
    def head(self) -> str:
        return "".join(self._head)

    @property
    def tail(self) -> str:
        return "".join(self._tail)[-self._kept :]


class _Bytes(io.BufferedIOBase):
    """The same output, written as UTF-8; what is none is shown as its escape."""

    def __init__(self, text: Capture) -> None:
        self._text = text
        self._decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")

    def close(self) -> None:
        """A cell that closes it can still write."""

    def writable(self) -> bool:
        return True

    def write(self, content: Any) -> int:
        content = memoryview(content).tobytes()
        self._text.write(self._decoder.decode(content))
        return len(content)
