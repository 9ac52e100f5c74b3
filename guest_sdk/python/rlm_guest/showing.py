"""How the results of JSON commands are shown, in a given number of characters."""

import itertools
from collections.abc import Iterable
from typing import Any

from .answers import as_text
from .lazy.as_list import AsList
from .lazy.text import LazyText, length_of

SHORT = 300  # characters of a result that is stored
LINES = 5  # and lines
ITEM = 200  # of an item, at least


def is_list(value: Any) -> bool:
    """Whether it has items, each with a number."""
    return isinstance(value, list | tuple | AsList)


def show(value: Any, room: int, first: int = 0) -> None:
    """A list with an item a line, the number of each before it, from `first`."""
    if is_list(value):
        if not len(value):
            print("[]")
        show_rows(((f"[{number}] ", each) for number, each in enumerate(value, first)), len(value), room)
        return
    text = value if isinstance(value, LazyText) else as_text(value)
    left = length_of(text) - room
    print(text if left <= 0 else f"{text[:room]}\n[... {left} more characters]")


def show_stored(value: Any, name: str) -> None:
    """The beginning of it."""
    if is_list(value):
        print(f"{name}: a list of {len(value)} items")
        if len(value):
            show(value, SHORT)
        return
    text = value if isinstance(value, LazyText) else as_text(value)
    length = length_of(text)
    if length <= SHORT:
        print(f"{name} = {text}")
        return
    print(f"{name}: {length} characters, which begin:")
    print("\n".join(text[:SHORT].split("\n")[:LINES]))


def show_rows(rows: Iterable[tuple[str, Any]], count: int, room: int) -> None:
    """What stands before each, and each: as many as fit. If all of the `count` do not, long ones are cut."""
    whole, again = itertools.tee(rows)
    lines = _lines(whole, room, room)
    if len(lines) < count:
        lines = _lines(again, max(ITEM, room // count), room)
    for line in lines:
        print(line)
    if len(lines) < count:
        print(f"... and {count - len(lines)} more")


def _lines(rows: Iterable[tuple[str, Any]], each_room: int, room: int) -> list[str]:
    """At least one, if there is any."""
    lines: list[str] = []
    for mark, value in rows:
        line = mark + _cut(value, each_room)
        room -= len(line) + 1
        if lines and room < 0:
            break
        lines.append(line)
    return lines


def _cut(value: Any, room: int) -> str:
    text = (
        value
        if isinstance(value, LazyText)
        else as_text(list(itertools.islice(value, room)) if isinstance(value, AsList) else value)
    )
    left = length_of(text) - room
    return str(text) if left <= 0 else f"{text[:room]} [... {left} more characters]"
