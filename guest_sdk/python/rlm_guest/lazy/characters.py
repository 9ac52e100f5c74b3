"""Sets of characters, written so that this interpreter and modules read them alike: range by range.

What a class is called (\\w, \\p{L}) means other characters in other engines and in other versions of Unicode.
"""

import re
from collections.abc import Iterable

# Looked at in blocks: what is taken while the guest is built is part of every guest's memory.
_BLOCKS = range(0, 0x110000, 0x400)
# Ranges one behind the other; more become classes within the class. What a module's engine does with each range grows with
# those before it: the 900 of \w took it 6 ms at once, and 2 ms so.
_TOGETHER = 32


def of_ranges(ranges: Iterable[tuple[int, int]]) -> str:
    """The inside of a class of the module: \\x{30}-\\x{39}..."""
    written = [f"\\x{{{first:x}}}" if first == last else f"\\x{{{first:x}}}-\\x{{{last:x}}}" for first, last in ranges]
    if len(written) <= _TOGETHER:
        return "".join(written)
    return "".join(f"[{''.join(written[start : start + _TOGETHER])}]" for start in range(0, len(written), _TOGETHER))


def of_characters(characters: Iterable[str]) -> str:
    """The same."""
    return of_ranges((ord(each), ord(each)) for each in sorted(characters))


def _block(first: int) -> str:
    return "".join(map(chr, range(first, first + _BLOCKS.step)))


def _matched(pattern: str) -> str:
    one_or_more = re.compile(f"{pattern}+")
    runs = ((first + run.start(), first + run.end() - 1) for first in _BLOCKS for run in one_or_more.finditer(_block(first)))
    return of_ranges(runs)


WORD, DIGIT, SPACE = map(_matched, (r"\w", r"\d", r"\s"))
# With re.ASCII.
ASCII_WORD, ASCII_DIGIT, ASCII_SPACE = map(_matched, (r"(?a:\w)", r"(?a:\d)", r"(?a:\s)"))
CASED = frozenset(each for first in _BLOCKS for each in _block(first) if each.lower() != each or each.upper() != each)
