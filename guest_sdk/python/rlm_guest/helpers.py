"""Helpers for cells that need no model: pure functions over text and plain values.

A text may be lazy, and may be documents: then each is looked at by itself, and what says where something is has "document".
"""

import copy
import functools
import itertools
import operator
import re
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from .chunks import documents
from .lazy.documents import Documents, joined
from .lazy.parts import Parts
from .lazy.text import LazyText, length_of


def smart_truncate(text: str, max_length: int = 500, suffix: str = "...") -> str:
    """At most max_length code points of text, cut at a sentence or a word, with suffix if something is cut."""
    _at_least_0("smart_truncate", max_length=max_length)
    whole: Any = text if isinstance(text, str | LazyText) else joined(text)
    if length_of(whole) <= max_length:
        return whole[:]  # type: ignore[no-any-return]
    room = max(0, max_length - len(suffix))
    # One character more, because what ends exactly at the cut fits.
    cut, seen = whole[:room], whole[: room + 1]
    sentence = max(seen.rfind(mark) + 1 for mark in (". ", "! ", "? ", "\n"))
    end = sentence if sentence > room // 2 else seen.rfind(" ")
    return (cut[:end] if end > 0 else cut).rstrip() + suffix[:max_length]


def _at_least_0(function: str, **number: int) -> None:
    for name, value in number.items():
        if value < 0:
            raise ValueError(f"{function}: {name} must be at least 0, not {value}")


def regex_search(pattern: str, text: str, max_matches: int | None = None, return_positions: bool = False) -> list[Any]:
    """All matches, or the first max_matches; with return_positions as {"match", "start", "end"}."""
    _at_least_0("regex_search", max_matches=max_matches or 0)
    found: list[Any] = []
    for place, each in documents(text):
        left = None if max_matches is None else max_matches - len(found)
        for match in itertools.islice(re.finditer(pattern, each, re.MULTILINE), left):
            position = {"match": match.group(), "start": match.start(), "end": match.end()} | place
            found.append(position if return_positions else match.group())
        if len(found) == max_matches:
            break
    return found


def find_sections(text: str, section_pattern: str = r"^#{1,6} .+$", include_content: bool = True) -> list[dict[str, Any]]:
    """The sections that a heading matching section_pattern opens: {"title", "start", "end", "content"}.

    The title is the first group of the pattern, if it has one.
    """
    found = []
    for place, each in documents(text):
        headings = [(_title(match), *match.span()) for match in re.finditer(section_pattern, each, re.MULTILINE)]
        ends = [*(start for _, start, _ in headings[1:]), length_of(each)]
        found += [(place, *heading, end) for heading, end in zip(headings, ends, strict=False)]

    def section(place: dict[str, int], title: str, start: int, content: int, end: int) -> dict[str, Any]:
        described = {"title": title.strip(), "start": start, "end": end} | place
        if include_content:
            described["content"] = (text[place["document"]] if place else text)[content:end].strip()
        return described

    if not isinstance(text, LazyText | Documents):
        return list(itertools.starmap(section, found))
    # All contents together are as large as the text.
    return Parts(lambda number: _some(section, found, number), 0)  # type: ignore[return-value]


def _title(heading: Any) -> str:
    return (heading.group(1) if heading.re.groups else None) or heading.group()  # type: ignore[no-any-return]


def _some(make: Callable[..., Any], rows: list[Any], number: int) -> tuple[list[Any], int | None]:
    following = number + 16
    return list(itertools.starmap(make, rows[number:following])), following if following < len(rows) else None


def keyword_filter(text: str, keywords: list[str] | str, context_chars: int = 200) -> list[str]:
    """The passages around each keyword, whatever its case; passages that touch are one."""
    _at_least_0("keyword_filter", context_chars=context_chars)
    # The longest first: of "tax" and "taxes" the first that matches would be the whole passage.
    wanted = sorted(filter(None, [keywords] if isinstance(keywords, str) else keywords), key=len, reverse=True)
    pattern = "|".join(map(re.escape, wanted))
    return [passage for _, each in documents(text) for passage in _passages(each, pattern, context_chars)] if wanted else []


def _passages(text: Any, pattern: str, around: int) -> list[str]:
    passages: list[list[int]] = []
    for match in re.finditer(pattern, text, re.IGNORECASE):
        start, end = max(0, match.start() - around), min(length_of(text), match.end() + around)
        if passages and start <= passages[-1][1]:
            passages[-1][1] = end
        else:
            passages.append([start, end])
    return [text[start:end] for start, end in passages]


def aggregate_results(results: Iterable[Any], method: str = "join", separator: str = "\n", filter_empty: bool = True) -> Any:
    """One value from many: join (text), sum, count, list, or dict (of dicts or pairs; the last wins)."""
    kept = [result for result in results if not filter_empty or result not in (None, "", [], {})]
    match method:
        case "join":
            return separator.join(map(str, kept))
        case "sum":
            return sum(result if isinstance(result, int | float) else float(result) for result in kept)
        case "count":
            return len(kept)
        case "list":
            return kept
        case "dict":
            return {key: value for result in kept for key, value in dict(_pairs(result)).items()}
    raise ValueError(f"aggregate_results: method must be join, sum, count, list or dict, not {method!r}")


def _pairs(result: Any) -> Any:
    return [result] if isinstance(result, tuple) and len(result) == 2 else result


def count_frequencies(items: Iterable[Any], top_n: int | None = None) -> dict[Any, int]:
    """How often each item occurs, the most frequent first; equal counts keep the order of the items."""
    _at_least_0("count_frequencies", top_n=top_n or 0)
    return dict(Counter(items).most_common(top_n))


def merge_dicts(dicts: Iterable[dict[Any, Any]], merge_strategy: str = "sum") -> dict[Any, Any]:
    """One dict from many; if a key repeats: sum of the values, the last, the first, or a list of all."""
    gathered: dict[Any, list[Any]] = {}
    for each in dicts:
        for key, value in each.items():
            gathered.setdefault(key, []).append(value)
    choose: dict[str, Callable[[list[Any]], Any]] = {
        # In place on a copy: adding thousands of lists would copy each sum.
        "sum": lambda values: functools.reduce(operator.iadd, values[1:], copy.copy(values[0])),
        "last": lambda values: values[-1],
        "first": lambda values: values[0],
        "list": list,
    }
    if merge_strategy not in choose:
        raise ValueError(f"merge_dicts: merge_strategy must be sum, last, first or list, not {merge_strategy!r}")
    return {key: choose[merge_strategy](values) for key, values in gathered.items()}


def recursive_split(
    text: str, condition: Callable[[str], bool], split_fn: Callable[[str], list[str]], max_depth: int = 10
) -> list[str]:
    """Splits until condition(piece) holds, max_depth is reached, or split_fn splits no further."""
    if not isinstance(text, str | LazyText):
        return [part for _, each in documents(text) for part in recursive_split(each, condition, split_fn, max_depth)]
    if max_depth <= 0 or condition(text):
        return [text]
    pieces = [piece for piece in split_fn(text) if piece]
    if pieces == [text]:
        return pieces
    return [part for piece in pieces for part in recursive_split(piece, condition, split_fn, max_depth - 1)]
