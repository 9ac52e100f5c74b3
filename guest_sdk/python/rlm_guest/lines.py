"""Lines by their numbers, from 0, in a text of any size. A line ends with \\n; a last empty one does not count."""

from collections.abc import Iterator
from typing import Any

from .lazy import far
from .lazy.characters import SPACE
from .lazy.text import LazyText, length_of

_SMALL = 1 << 16  # characters that are cut into lines at once


def count(text: Any) -> int:
    """How many lines."""
    ended = not length_of(text) or text.endswith("\n")
    return int(text.count("\n")) + (not ended)


def between(text: Any, first: int, last: int) -> Any:
    """Lines [first, last) as they are, without the last one's end."""
    found = text[start(text, first) : start(text, last)]
    return found.removesuffix("\n").removesuffix("\r") if found.endswith("\n") else found


def start(text: Any, number: int) -> int:
    """Where a line begins; the end of the text if there are not so many."""
    low, high, passed = 0, length_of(text), 0
    while high - low > _SMALL:
        middle = (low + high) // 2
        ends = text.count("\n", low, middle)
        if passed + ends >= number:
            high = middle
        else:
            low, passed = middle, passed + ends
    *before, rest = text[low:high].split("\n", number - passed)
    return high - len(rest) if len(before) == number - passed else length_of(text)


def count_words(text: Any) -> int:
    """As len(text.split())."""
    if isinstance(text, LazyText):
        try:
            return far.count(text, f"[^{SPACE}]+", 0, text.length)
        except far.Unable:
            pass
    return len(text.split())


def numbered(text: Any) -> Iterator[tuple[int, str]]:
    """Each with its number, without its end."""
    total, number, position = count(text), 0, 0
    # Of a str some at once: all of them would take several times its memory. A lazy text does that itself.
    step = length_of(text) if isinstance(text, LazyText) else _SMALL
    while number < total:
        end = text.find("\n", position + step)
        end = length_of(text) if end < 0 else end
        for line in text[position:end].split("\n"):
            if number < total:
                yield number, str(line).removesuffix("\r")
            number += 1
        position = end + 1
