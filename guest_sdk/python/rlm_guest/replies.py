"""What sub-models reply, read as JSON."""

import json
import re
from collections.abc import Iterator
from typing import Any

_SHOWN = 200
_MOST_STARTS = 50  # places in prose at which JSON is looked for: each may cost a pass over the text
_FENCED = re.compile(r"```[^\n`]*\n(.*?)```", re.DOTALL)
_START = re.compile(r"[{\[]")
_COMMA_OR_STRING = re.compile(r'"(?:[^"\\]|\\.)*+"|,(?=\s*+[}\]])', re.DOTALL)
_DECODER = json.JSONDecoder(strict=False)  # a line end inside a string is what models write


def parse_json(text: str) -> Any:
    """The JSON in a model's reply: fenced or not, with prose around it and commas too many. Raises ValueError."""
    for part in (text, *_FENCED.findall(text)):
        for found, end in _values(part.strip(), 0):
            if end == len(part.strip()):
                return found
    largest, value = 0, None
    position = 0
    for _ in range(_MOST_STARTS):
        start = _START.search(text, position)
        if start is None:
            break
        position = start.end()
        for found, end in _values(text, start.start()):
            if end - start.start() > largest:
                largest, value = end - start.start(), found
            position = max(position, end)
    if not largest:
        raise ValueError(f"parse_json: there is no JSON in {text[:_SHOWN]!r}{'...' if len(text) > _SHOWN else ''}")
    return value


def _values(text: str, start: int) -> Iterator[tuple[Any, int]]:
    """What stands there, and where it ends, if it is JSON, or would be without commas too many."""
    try:
        yield _DECODER.raw_decode(text, start)
    except (ValueError, RecursionError):
        # A comma too many becomes a space, so that nothing moves.
        mended = _COMMA_OR_STRING.sub(lambda found: " " if found[0] == "," else found[0], text[start:])
        try:
            value, length = _DECODER.raw_decode(mended)
        except (ValueError, RecursionError):
            return
        yield value, start + length
