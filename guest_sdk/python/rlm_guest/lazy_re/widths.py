"""How far a pattern looks: what a part of a text must have around it so that `re` finds in it what it finds in all of it.

A pattern is looked at as the tree that `re` itself makes of it.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from re import _constants as ops  # type: ignore[attr-defined]  # the names of what is in a tree
from re import _parser  # type: ignore[attr-defined]
from typing import Any, NamedTuple

# A pattern is of one of them. As a number: with a flag of `re` every result would be an enum, which takes long.
_KINDS = int(re.ASCII | re.LOCALE | re.UNICODE)
# `$` looks at the next character, and whether one follows it.
_END = 2


class Reach(NamedTuple):
    """Of a pattern's matches, in code points. `behind`: before the place where one begins.

    `ahead`: from there to the last that is looked at; None if there is no greatest. `in_line`: none before the next line
    end is passed, and what is behind that is not looked at. `least`: of the match.
    """

    behind: int
    ahead: int | None
    in_line: bool
    least: int


@lru_cache(maxsize=64)
def reach(pattern: re.Pattern[str]) -> Reach:
    tree = parsed(pattern)
    least, most = tree.getwidth()
    around = [(direction, inner.getwidth()[1]) for direction, inner in _looking_around(tree)]
    ahead = sum(width for direction, width in around if direction > 0)
    behind = sum(width for direction, width in around if direction < 0)
    bounded = most < ops.MAXREPEAT and ahead < ops.MAXREPEAT
    return Reach(1 + behind, most + ahead + _END if bounded else None, not _passes_lines(tree, pattern.flags), least)


@lru_cache(maxsize=64)
def parsed(pattern: re.Pattern[str]) -> Any:
    """Its tree."""
    return _parser.parse(pattern.pattern, pattern.flags)


def children(op: Any, value: Any) -> list[Any]:
    """The trees within a part of a tree."""
    return _CHILDREN.get(op, lambda _: [])(value)


_CHILDREN: dict[Any, Callable[[Any], list[Any]]] = {
    ops.SUBPATTERN: lambda value: [value[3]],
    ops.BRANCH: lambda value: value[1],
    ops.MAX_REPEAT: lambda value: [value[2]],
    ops.MIN_REPEAT: lambda value: [value[2]],
    ops.POSSESSIVE_REPEAT: lambda value: [value[2]],
    ops.ATOMIC_GROUP: lambda value: [value],
    ops.ASSERT: lambda value: [value[1]],
    ops.ASSERT_NOT: lambda value: [value[1]],
    ops.GROUPREF_EXISTS: lambda value: [each for each in value[1:] if each is not None],
}


def flags_within(op: Any, value: Any, flags: int) -> int:
    """The flags inside a part of a tree: (?i:...) has its own."""
    if op is not ops.SUBPATTERN:
        return flags
    _, added, removed, _ = value
    return ((flags & ~_KINDS if added & _KINDS else flags) | added) & ~removed


def _looking_around(tree: Any) -> list[tuple[int, Any]]:
    """The look-aheads (1) and look-behinds (-1), also within each other."""
    found = []
    for op, value in tree:
        if op in (ops.ASSERT, ops.ASSERT_NOT):
            found.append((value[0], value[1]))
        for inner in children(op, value):
            found += _looking_around(inner)
    return found


def _passes_lines(tree: Any, flags: int, *, behind: bool = False) -> bool:
    """Whether a line end can be in what is matched or looked ahead at; `behind`: the tree is of a look-behind."""
    for op, value in tree:
        own = not behind and _TAKES_LINE_END.get(op, lambda value, flags: False)(value, flags)
        inner_flags, inner_behind = flags_within(op, value, flags), _is_behind(op, value, behind)
        if own or any(_passes_lines(inner, inner_flags, behind=inner_behind) for inner in children(op, value)):
            return True
    return False


def _is_behind(op: Any, value: Any, behind: bool) -> bool:
    """Whether only what is before a match is looked at in a part of a tree."""
    if op in (ops.ASSERT, ops.ASSERT_NOT):
        # A look-ahead in a look-behind goes on behind it.
        return bool(value[0] < 0)
    # What a group has can be matched again: (?<=(\n))a\1
    return behind and not (op is ops.SUBPATTERN and value[0] is not None)


_LINE_END = 10
_CATEGORIES_WITH_LINE_END = {ops.CATEGORY_SPACE, ops.CATEGORY_NOT_DIGIT, ops.CATEGORY_NOT_WORD}


def _has_line_end(items: Any) -> bool:
    found = False
    for op, value in items:
        match op:
            case ops.LITERAL:
                found = found or value == _LINE_END
            case ops.RANGE:
                found = found or value[0] <= _LINE_END <= value[1]
            case ops.CATEGORY:
                found = found or value in _CATEGORIES_WITH_LINE_END
    return found != (items[0][0] is ops.NEGATE)


_TAKES_LINE_END: dict[Any, Callable[[Any, int], bool]] = {
    ops.LITERAL: lambda code, _: bool(code == _LINE_END),
    ops.NOT_LITERAL: lambda code, _: bool(code != _LINE_END),
    ops.ANY: lambda _, flags: bool(flags & re.DOTALL),
    ops.IN: lambda items, _: _has_line_end(items),
}
