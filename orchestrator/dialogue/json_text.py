"""JSON as models write it: the escapes of patterns, comments, commas too many and line ends inside of texts are understood."""

import json
import re
from typing import Any

_MENDED = 100_000  # characters of what is not JSON that are mended: a hostile reply must not be copied again and again
_DEEPEST = 100  # lists and objects in each other
_SHOWN = 30  # characters of the place at which it is wrong
_STRICT = json.JSONDecoder()
_LENIENT = json.JSONDecoder(strict=False)  # with line ends inside of texts
_TEXT_OR_COMMENT = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|//[^\n]*', re.DOTALL)
_TEXT_OR_COMMA = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|,(?=\s*[}\]])', re.DOTALL)
# \d and \. of a pattern are no escapes of JSON; nor is \b one that anybody means.
_ESCAPE = re.compile(r"\\(?:[\"\\/fnrt]|u[0-9a-fA-F]{4}|(?P<pattern>))", re.DOTALL)


def read_json(text: str, position: int) -> tuple[Any, int]:
    """The value that stands there, and where it ends. Raises ValueError: what is wrong."""
    try:
        value, end = _STRICT.raw_decode(text, position)
    except ValueError:
        value, end = _read_mended(text, position)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return _valid(value), end


def _read_mended(text: str, position: int) -> tuple[Any, int]:
    mended, added = _mend(text[position : position + _MENDED])
    try:
        value, end = _LENIENT.raw_decode(mended)
    except json.JSONDecodeError as error:
        place = mended[error.pos : error.pos + _SHOWN]
        raise ValueError(f"{error.msg}: {place!r}" if place else f"{error.msg}: it ends") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return value, position + end - sum(1 for number, each in enumerate(added) if each + number < end)


def _mend(text: str) -> tuple[str, list[int]]:
    """The text as JSON, as far as that goes, and before which of its characters a backslash was added."""
    added: list[int] = []

    def escape(found: re.Match[str]) -> str:
        """`\\\\d` for `\\d` in a text; space for a comment."""
        if not found[0].startswith('"'):
            return " " * len(found[0])
        added.extend(found.start() + each.start() for each in _ESCAPE.finditer(found[0]) if each["pattern"] is not None)
        return _ESCAPE.sub(lambda each: "\\\\" if each["pattern"] is not None else each[0], found[0])

    escaped = _TEXT_OR_COMMENT.sub(escape, text)
    return _TEXT_OR_COMMA.sub(lambda found: " " if found[0] == "," else found[0], escaped), added


def _valid(value: Any, depth: int = 0) -> Any:
    """The value without what cannot be sent on, half pairs of surrogates, and without backspaces: `\\b` of a pattern."""
    if depth > _DEEPEST:
        raise ValueError("it is nested too deeply")
    if isinstance(value, str):
        return value.replace("\b", "\\b").encode("utf-8", "backslashreplace").decode()
    if isinstance(value, list):
        return [_valid(each, depth + 1) for each in value]
    if isinstance(value, dict):
        return {_valid(name): _valid(each, depth + 1) for name, each in value.items()}
    return value
