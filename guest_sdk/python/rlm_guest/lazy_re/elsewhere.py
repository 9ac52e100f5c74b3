"""A pattern in the language of the module regex, if it means the same there for every text.

Classes are written out character by character: \\w, \\d, \\s and cases are this interpreter's own.
"""

import re
from functools import lru_cache
from re import _constants as ops  # type: ignore[attr-defined]  # the names of what is in a tree
from typing import Any

from ..lazy import characters as sets
from ..lazy.far import Unable
from .widths import children, flags_within, parsed

# Characters that belong to a word here and not there, or there and not here.
WORDS_APART = f"[\\w~~[{sets.WORD}]]"

# As numbers: `flags & re.ASCII` makes an enum each time, which took longer than all else here.
_IGNORECASE, _MULTILINE, _DOTALL, _ASCII = map(int, (re.IGNORECASE, re.MULTILINE, re.DOTALL, re.ASCII))
_CASED = "".join(sorted(sets.CASED))
_CATEGORIES = {
    ops.CATEGORY_WORD: (sets.WORD, sets.ASCII_WORD),
    ops.CATEGORY_DIGIT: (sets.DIGIT, sets.ASCII_DIGIT),
    ops.CATEGORY_SPACE: (sets.SPACE, sets.ASCII_SPACE),
}
_OPPOSITES = {
    ops.CATEGORY_NOT_WORD: ops.CATEGORY_WORD,
    ops.CATEGORY_NOT_DIGIT: ops.CATEGORY_DIGIT,
    ops.CATEGORY_NOT_SPACE: ops.CATEGORY_SPACE,
}
_REFUSED = {
    ops.ASSERT: "it looks around, (?=...) or (?<=...)",
    ops.ASSERT_NOT: "it looks around, (?!...) or (?<!...)",
    ops.GROUPREF: "it refers back to a group",
    ops.GROUPREF_IGNORE: "it refers back to a group",
    ops.GROUPREF_LOC_IGNORE: "it refers back to a group",
    ops.GROUPREF_UNI_IGNORE: "it refers back to a group",
    ops.GROUPREF_EXISTS: "it asks whether a group matched",
    ops.ATOMIC_GROUP: "it has an atomic group",
    ops.POSSESSIVE_REPEAT: "it has a possessive quantifier",
}


class Elsewhere:
    """`pattern` is the module's; it has groups if they are asked for. `by_line`: every line is a text by itself.

    `by_words`: it has a \\b, so it means the same only if all agree what belongs to a word. `passes_end`: it has a $, and its
    matches may have the last line end of the text in them.
    """

    def __init__(self, pattern: re.Pattern[str], *, groups: bool = False, by_line: bool = False) -> None:
        """Raises Unable."""
        tree = parsed(pattern)
        self._groups, self._by_line = groups, by_line
        self._opened = 0
        self.by_words = self.passes_end = False
        self.pattern = self._sequence(tree, pattern.flags, last=True)

    def _sequence(self, tree: Any, flags: int, *, last: bool) -> str:
        """`last`: nothing of the pattern follows."""
        return "".join(
            self._one(op, value, flags, last=last and number == len(tree)) for number, (op, value) in enumerate(tree, 1)
        )

    def _one(self, op: Any, value: Any, flags: int, *, last: bool) -> str:
        match op:
            case ops.LITERAL if not flags & _IGNORECASE and not 0xD800 <= value < 0xE000:
                return f"\\x{{{value:x}}}"
            case ops.LITERAL | ops.NOT_LITERAL | ops.IN:
                return _class(_as_class(op, value), flags)
            case ops.ANY:
                return "(?s:.)" if flags & _DOTALL else r"[^\n]"
            case ops.AT:
                return self._at(value, flags, last=last)
            case ops.BRANCH | ops.SUBPATTERN:
                within = flags_within(op, value, flags)
                is_group = self._groups and op is ops.SUBPATTERN and value[0] is not None
                self._opened += is_group
                opening = "(" if is_group else "(?:"
                return f"{opening}{'|'.join(self._sequence(each, within, last=last) for each in children(op, value))})"
            case ops.MAX_REPEAT | ops.MIN_REPEAT:
                return self._repeat(value, flags) + ("?" if op is ops.MIN_REPEAT else "")
        raise Unable(_REFUSED.get(op, f"it has {op}"))

    def _repeat(self, value: tuple[int, int, Any], flags: int) -> str:
        least, most, tree = value
        if tree.getwidth()[0] == 0:
            raise Unable("it repeats what can match nothing")
        opened = self._opened
        inside = self._sequence(tree, flags, last=False)
        if most == 0 and self._opened > opened:
            raise Unable("it has a group that never matches, (...){0}")
        return f"(?:{inside}){{{least},{'' if most == ops.MAXREPEAT else most}}}"

    def _at(self, value: Any, flags: int, *, last: bool) -> str:
        by_line = flags & _MULTILINE
        if value in (ops.AT_BOUNDARY, ops.AT_NON_BOUNDARY):
            boundary = r"\b" if value is ops.AT_BOUNDARY else r"\B"
            if boundary == r"\B" and flags & _ASCII:
                raise Unable(r"it has a \B with re.ASCII")
            self.by_words = self.by_words or not flags & _ASCII
            return f"(?-u:{boundary})" if flags & _ASCII else boundary
        if value is ops.AT_END and self._by_line and not by_line:
            return r"\z"
        if value is ops.AT_END and not by_line:
            if not last:
                raise Unable("it has a $ before its end, without re.MULTILINE")
            self.passes_end = True
            return r"\n?\z"
        return {ops.AT_BEGINNING: "(?m:^)" if by_line else r"\A", ops.AT_END: "(?m:$)"}.get(value) or _AT[value]


_AT = {ops.AT_BEGINNING_STRING: r"\A", ops.AT_END_STRING: r"\z"}
# The same pattern object is searched for again and again.
translated = lru_cache(maxsize=64)(Elsewhere)


def _as_class(op: Any, value: Any) -> list[tuple[Any, Any]]:
    if op is ops.IN:
        return list(value)
    return [(ops.NEGATE, None)] * (op is ops.NOT_LITERAL) + [(ops.LITERAL, value)]


def _class(items: list[tuple[Any, Any]], flags: int) -> str:
    negated = items[0][0] is ops.NEGATE
    items = items[1:] if negated else items
    ranges = [value if op is ops.RANGE else (value, value) for op, value in items if op is not ops.CATEGORY]
    inside = sets.of_ranges(ranges)
    if flags & _IGNORECASE and ranges:
        # Whatever case means is asked of `re` itself.
        written = "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in ranges)
        inside += sets.of_characters(re.findall(f"[{written}]", _CASED, flags & (_IGNORECASE | _ASCII)))
    inside += "".join(_category(value, flags) for op, value in items if op is ops.CATEGORY)
    return f"[{'^' if negated else ''}{inside}]"


def _category(value: Any, flags: int) -> str:
    if value in _OPPOSITES:
        return f"[^{_category(_OPPOSITES[value], flags)}]"
    return _CATEGORIES[value][1 if flags & _ASCII else 0]
