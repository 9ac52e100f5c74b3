"""What is cut off at the ends of a text, or at one place within it."""

from typing import Any

from .searching import Searching


class Stripping(Searching):
    """Methods of str whose results are long parts of the text: lazy too."""

    def strip(self, chars: str | None = None) -> Any:
        """As str.strip."""
        start = self.first_kept(chars)
        return self.cut(start, max(start, self.last_kept(chars)))

    def lstrip(self, chars: str | None = None) -> Any:
        """As str.lstrip."""
        return self.cut(self.first_kept(chars), self.length)

    def rstrip(self, chars: str | None = None) -> Any:
        """As str.rstrip."""
        return self.cut(0, self.last_kept(chars))

    def removeprefix(self, prefix: str) -> Any:
        """As str.removeprefix."""
        return self.cut(len(prefix) if self.startswith(prefix) else 0, self.length)

    def removesuffix(self, suffix: str) -> Any:
        """As str.removesuffix."""
        return self.cut(0, self.length - (len(suffix) if self.endswith(suffix) else 0))

    def partition(self, sep: str) -> tuple[Any, str, Any]:
        """As str.partition."""
        found = self.find(separator(sep))
        return self._around(found, sep) if found >= 0 else (self.cut(0, self.length), "", "")

    def rpartition(self, sep: str) -> tuple[Any, str, Any]:
        """As str.rpartition."""
        found = self.rfind(separator(sep))
        return self._around(found, sep) if found >= 0 else ("", "", self.cut(0, self.length))

    def _around(self, place: int, sep: str) -> tuple[Any, str, Any]:
        return self.cut(0, place), sep, self.cut(place + len(sep), self.length)

    def first_kept(self, chars: str | None, start: int = 0) -> int:
        """Where the first character is, from `start` on, that is not stripped."""
        for position, piece in self.forwards(start, self.length):
            if rest := piece.lstrip(chars):
                return position + len(piece) - len(rest)
        return self.length

    def last_kept(self, chars: str | None, stop: int | None = None) -> int:
        """Behind the last one before `stop`."""
        for position, piece in self.backwards(0, self.length if stop is None else stop):
            if rest := piece.rstrip(chars):
                return position + len(rest)
        return 0


def separator(sep: str) -> str:
    """Raises ValueError."""
    if not sep:
        raise ValueError("empty separator")
    return sep
