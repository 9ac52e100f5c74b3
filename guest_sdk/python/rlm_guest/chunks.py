"""Cutting texts into pieces that overlap. Those of a lazy text are cut while one goes through them."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from .lazy import sizes
from .lazy.documents import Documents
from .lazy.parts import Parts
from .lazy.text import LazyText, length_of

# From where a piece begins: the piece, and where the next one begins; None if there is none.
Step = Callable[[Any, int], tuple[Any, int | None]]


def chunk_text(text: str, chunk_size: int = 2000, overlap: int = 200, preserve_paragraphs: bool = False) -> list[str]:
    """Pieces of at most chunk_size code points, each starting overlap before the end of the one before; of each document."""
    if chunk_size < 1 or not 0 <= overlap < chunk_size:
        raise ValueError("chunk_text: chunk_size must be at least 1 and overlap from 0 to chunk_size - 1")

    def step(text: Any, start: int) -> tuple[Any, int | None]:
        piece = text[start : start + chunk_size]
        if start + chunk_size >= length_of(text):
            return piece, None
        # A cut before the overlap would make no progress.
        end = paragraph_end(piece, overlap + 1) if preserve_paragraphs else chunk_size
        return piece[:end], start + end - overlap

    return _chunks(text, step)


# A token is counted as up to four ASCII characters or one other character: an estimate, no model's own count.
_TOKEN = r"(?:[\x00-\x7f]{1,4}|[^\x00-\x7f])"
_CHARACTERS = 4
_MOST_TOKENS = 1 << 30  # a regular expression has a largest number


def chunk_by_tokens(text: str, max_tokens: int = 1000, overlap_tokens: int = 100) -> list[str]:
    """Pieces of at most max_tokens estimated tokens (4 ASCII characters, or one other character, each); of each document."""
    if max_tokens < 1 or not 0 <= overlap_tokens < max_tokens:
        raise ValueError("chunk_by_tokens: max_tokens must be at least 1 and overlap_tokens from 0 to max_tokens - 1")
    advance, overlap = min(max_tokens - overlap_tokens, _MOST_TOKENS), min(overlap_tokens, _MOST_TOKENS)
    advancing, overlapping = re.compile(f"{_TOKEN}{{1,{advance}}}+"), re.compile(f"{_TOKEN}{{0,{overlap}}}+")

    def step(text: Any, start: int) -> tuple[Any, int | None]:
        # What the tokens can cover, and one character more.
        seen = str(text[start : start + _CHARACTERS * (advance + overlap) + 1])
        following = advancing.match(seen).end()
        end = overlapping.match(seen, following).end()
        if start + end == length_of(text):
            return seen[:end], None
        return seen[: paragraph_end(seen[:end], following)], start + following

    return _chunks(text, step)


def paragraph_end(piece: Any, low: int) -> int:
    """The place to cut at: behind the last paragraph end, line end or space that stands at low or later, else the end."""
    for separator in ("\n\n", "\n\r\n", "\n", " "):
        found = piece.rfind(separator, low)
        if found >= 0:
            return int(found) + len(separator)
    return length_of(piece)


def documents(text: Any) -> Iterator[tuple[dict[str, int], Any]]:
    """Each document, and {"document": its number}; a text is one without a number."""
    if isinstance(text, str | LazyText):
        yield {}, text
    else:
        yield from (({"document": number}, each) for number, each in enumerate(text))


def _chunks(text: Any, step: Step) -> Any:
    if isinstance(text, LazyText | Documents):
        whole = [text] if isinstance(text, LazyText) else text
        return Parts(lambda place: _batch(whole, step, *place), (0, 0))
    return [chunk for _, each in documents(text) for chunk in _from(each, step, 0)]


def _from(text: Any, step: Step, start: int | None) -> Iterator[Any]:
    while start is not None and start < length_of(text):
        chunk, start = step(text, start)
        yield chunk


def _batch(texts: Sequence[Any], step: Step, number: int, start: int | None) -> tuple[list[Any], Any]:
    """The chunks from there on, up to so much of the text; and where those begin that follow."""
    chunks, length = [], 0
    while number < len(texts):
        text = texts[number]
        while start is not None and start < length_of(text):
            chunk, start = step(text, start)
            chunks.append(chunk)
            length += length_of(chunk)
            if length >= sizes.AHEAD:
                return chunks, (number, start) if start is not None else (number + 1, 0)
        number, start = number + 1, 0
    return chunks, None
