"""Searching by the module regex, on the host: it passes a large text ten times as fast as this interpreter could read it.

Patterns are the module's own (Rust's); positions are code points.
"""

from typing import Any

from .. import host
from ..errors import ModuleError
from .ranges import Range

# A longer text to look for is compared here: compiling it would take longer.
LONGEST = 1000


class Unable(Exception):
    """The module does not take the pattern, or not in the memory that it has; the message says why."""


def literal(text: str) -> str:
    """The pattern of a text. Raises Unable."""
    if len(text) > LONGEST or any("\ud800" <= character <= "\udfff" for character in text):
        raise Unable("the text to look for is too long, or none that the host could have")
    return spelled(text)


def spelled(text: str) -> str:
    """A text as a pattern that means nothing else."""
    return "".join(f"\\x{{{ord(character):x}}}" for character in text)


def spans(text: Range, pattern: str, start: int, stop: int, limit: int) -> list[tuple[int, int]]:
    """The first matches in text[:stop] from `start` on. Raises Unable."""
    # What `^` and `\b` look at.
    seen = min(1, start)
    rows = _ask(text, "spans", {"pattern": pattern, "seen": seen, "limit": limit}, start - seen, stop)
    return [(start - seen + first, start - seen + last) for first, last in rows]


def anchored(text: Range, pattern: str, start: int, stop: int) -> int | None:
    """Where a match that begins at `start` ends, if there is one. Raises Unable."""
    seen = min(1, start)
    behind = f"\\A(?s:.){{{seen}}}(?:{pattern})"
    rows = _ask(text, "spans", {"pattern": behind, "seen": 0, "limit": 1}, start - seen, stop)
    return start - seen + rows[0][1] if rows else None


def count(text: Range, pattern: str, start: int, stop: int) -> int:
    """How many matches are in text[start:stop], taken for itself. Raises Unable."""
    found: int = _ask(text, "count", {"pattern": pattern, "ignore_case": False, "multi_line": False}, start, stop)
    return found


def _ask(text: Range, function: str, arguments: dict[str, Any], start: int, stop: int) -> Any:
    part = text.part(start, stop)
    if part is None:
        raise Unable("the host does not have this text")
    try:
        return host.call("module", {"module": "regex", "function": function, "args": arguments} | part)
    except ModuleError as error:
        raise Unable(str(error)) from None
