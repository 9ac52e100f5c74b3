"""Helpers for cells that need no model: pure functions over text and plain values."""

import copy
import functools
import itertools
import operator
import re
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any


def chunk_text(text: str, chunk_size: int = 2000, overlap: int = 200, preserve_paragraphs: bool = True) -> list[str]:
    """Pieces of at most chunk_size code points, each starting overlap before the end of the one before."""
    if chunk_size < 1 or not 0 <= overlap < chunk_size:
        raise ValueError("chunk_text: chunk_size must be at least 1 and overlap from 0 to chunk_size - 1")
    chunks, start = [], 0
    while start < len(text):
        end = min(start + chunk_size, len(text))
        if preserve_paragraphs and end < len(text):
            # A cut before the overlap would make no progress.
            end = start + _paragraph_end(text[start:end], overlap + 1)
        chunks.append(text[start:end])
        if end == len(text):
            break
        start = end - overlap
    return chunks


def _paragraph_end(piece: str, low: int) -> int:
    """The place to cut at: behind the last paragraph end, line end or space that stands at low or later, else the end."""
    for separator in ("\n\n", "\n\r\n", "\n", " "):
        found = piece.rfind(separator, low)
        if found >= 0:
            return found + len(separator)
    return len(piece)


# A token is counted as up to four ASCII characters or one other character: an estimate, no model's own count.
_TOKEN = r"(?:[\x00-\x7f]{1,4}|[^\x00-\x7f])"


def chunk_by_tokens(text: str, max_tokens: int = 1000, overlap_tokens: int = 50) -> list[str]:
    """Pieces of at most max_tokens estimated tokens (4 ASCII characters, or one other character, each)."""
    if max_tokens < 1 or not 0 <= overlap_tokens < max_tokens:
        raise ValueError("chunk_by_tokens: max_tokens must be at least 1 and overlap_tokens from 0 to max_tokens - 1")
    # No text has more tokens than characters, and a regular expression has a largest number.
    step, overlap = min(max_tokens - overlap_tokens, len(text) + 1), min(overlap_tokens, len(text))
    stepping, overlapping = re.compile(f"{_TOKEN}{{1,{step}}}+"), re.compile(f"{_TOKEN}{{0,{overlap}}}+")
    chunks, start = [], 0
    while start < len(text):
        following = stepping.match(text, start).end()
        end = overlapping.match(text, following).end()
        if end < len(text):
            end = start + _paragraph_end(text[start:end], following - start)
        chunks.append(text[start:end])
        if end == len(text):
            break
        start = following
    return chunks


def smart_truncate(text: str, max_length: int = 500, suffix: str = "...") -> str:
    """At most max_length code points of text, cut at a sentence or a word, with suffix if something is cut."""
    _at_least_0("smart_truncate", max_length=max_length)
    if len(text) <= max_length:
        return text
    room = max(0, max_length - len(suffix))
    # One character more, because what ends exactly at the cut fits.
    cut, seen = text[:room], text[: room + 1]
    sentence = max(seen.rfind(mark) + 1 for mark in (". ", "! ", "? ", "\n"))
    end = sentence if sentence > room // 2 else seen.rfind(" ")
    return (cut[:end] if end > 0 else cut).rstrip() + suffix[:max_length]


def _at_least_0(function: str, **number: int) -> None:
    for name, value in number.items():
        if value < 0:
            raise ValueError(f"{function}: {name} must be at least 0, not {value}")


def regex_search(pattern: str, text: str, max_matches: int = 100, return_positions: bool = False) -> list[Any]:
    """The first max_matches matches; with return_positions as {"match", "start", "end"}."""
    _at_least_0("regex_search", max_matches=max_matches)
    found: list[Any] = []
    for match in itertools.islice(re.finditer(pattern, text, re.MULTILINE), max_matches):
        position = {"match": match.group(), "start": match.start(), "end": match.end()}
        found.append(position if return_positions else match.group())
    return found


def find_sections(text: str, section_pattern: str = r"^#{1,6} .+$", include_content: bool = True) -> list[dict[str, Any]]:
    """The sections that a heading matching section_pattern opens: {"title", "start", "end", "content"}."""
    headings = list(re.finditer(section_pattern, text, re.MULTILINE))
    sections = []
    for heading, following in itertools.zip_longest(headings, headings[1:]):
        end = following.start() if following else len(text)
        section: dict[str, Any] = {"title": heading.group().strip(), "start": heading.start(), "end": end}
        if include_content:
            section["content"] = text[heading.end() : end].strip()
        sections.append(section)
    return sections


def keyword_filter(text: str, keywords: list[str] | str, context_chars: int = 200) -> list[str]:
    """The passages around each keyword, whatever its case; passages that touch are one."""
    _at_least_0("keyword_filter", context_chars=context_chars)
    # The longest first: of "tax" and "taxes" the first that matches would be the whole passage.
    wanted = sorted(filter(None, [keywords] if isinstance(keywords, str) else keywords), key=len, reverse=True)
    if not wanted:
        return []
    passages: list[list[int]] = []
    for match in re.finditer("|".join(map(re.escape, wanted)), text, re.IGNORECASE):
        start, end = max(0, match.start() - context_chars), min(len(text), match.end() + context_chars)
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


def merge_dicts(dicts: Iterable[dict[Any, Any]], strategy: str = "sum") -> dict[Any, Any]:
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
    if strategy not in choose:
        raise ValueError(f"merge_dicts: strategy must be sum, last, first or list, not {strategy!r}")
    return {key: choose[strategy](values) for key, values in gathered.items()}


def recursive_split(
    text: str, condition: Callable[[str], bool], split_fn: Callable[[str], list[str]], max_depth: int = 10
) -> list[str]:
    """Splits until condition(piece) holds, max_depth is reached, or split_fn splits no further."""
    if max_depth <= 0 or condition(text):
        return [text]
    pieces = [piece for piece in split_fn(text) if piece]
    if pieces == [text]:
        return pieces
    return [part for piece in pieces for part in recursive_split(piece, condition, split_fn, max_depth - 1)]
