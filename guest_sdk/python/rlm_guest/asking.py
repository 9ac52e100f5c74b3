"""Sub-calls of JSON commands: over the parts of a value, all at once."""

import itertools
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from . import lines, queries, recursion
from .answers import as_text
from .chunks import chunk_text
from .errors import CommandError, LLMError
from .matching import read_text
from .names import Names
from .showing import is_list

LINES = 50  # of a text, that are a part if no size is given
MOST = 10_000  # parts: what the host takes at once
_TOLD = 5  # failures

_CHUNK = "{directive}\n\nThis is part {number} of {count} of a longer text:\n\n{text}"
_JOIN = (
    "{directive}\n\nThis was done over the parts of a longer text, one by one. These are the findings, in order; "
    "join them into one that holds for the whole text:\n\n{text}"
)


class Chunking(NamedTuple):
    """How a text is cut, in characters."""

    size: int
    overlap: int


class Asking(NamedTuple):
    """How all parts are asked about; by child runs, each over its part, or else by sub-calls."""

    schema: Any
    model: str | None
    children: bool


def map_parts(names: Names, prompt: str, value: Any, size: int | None, how: Asking) -> list[Any]:
    """The answer for each part; None where there is none."""
    if size is not None and size < 1:
        raise CommandError("size must be at least 1")
    parts = list(itertools.islice(_parts(value, size), MOST + 1))
    if not parts:
        raise CommandError("there is nothing to map over: it is empty")
    if len(parts) > MOST:
        raise CommandError(
            f"these are more than {MOST:,} parts: take a larger size, or search first and map over what is found"
        )
    prompts = names.fill_parts(prompt, parts, named=not how.children)
    answers = _ask_all(prompts, parts, how, "null stands for their answers, and the same command again sends only those")
    print(f"[{len(answers)} parts were asked about]")
    return answers


def reduce_text(directive: str, value: Any, chunking: Chunking, how: Asking) -> Any:
    """One answer: what the directive finds in all chunks, joined in groups of at most chunk_size characters."""
    if not 0 <= chunking.overlap < chunking.size:
        raise CommandError("chunk_size must be at least 1, and overlap from 0 to chunk_size - 1")
    chunks = list(itertools.islice(_chunks(value, *chunking), MOST + 1))
    if not chunks:
        raise CommandError("there is nothing to reduce: it is empty")
    if len(chunks) > MOST:
        raise CommandError(f"these are more than {MOST:,} chunks: take a larger chunk_size")
    if how.children:
        prompts = [directive] * len(chunks)
    else:
        prompts = [
            _CHUNK.format(directive=directive, number=number, count=len(chunks), text=chunk)
            for number, chunk in enumerate(chunks, 1)
        ]
    found = _found(prompts, chunks, how)
    print(f"[{len(chunks)} chunks were asked about]")
    while len(found) > 1:
        groups = list(_groups(list(map(as_text, found)), chunking.size))
        prompts = [_JOIN.format(directive=directive, text="\n\n".join(group)) for group in groups]
        found = _found(prompts, [], how._replace(children=False))
    return found[0]


def _parts(value: Any, size: int | None) -> Iterator[Any]:
    if is_list(value):
        # An item alone is itself, so that its fields can be named.
        return iter(value) if size in (None, 1) else _joined(map(as_text, value), size)
    return _joined((line for _, line in lines.numbered(read_text(value))), size or LINES)


def _joined(texts: Iterable[str], size: int) -> Iterator[str]:
    return map("\n".join, itertools.batched(texts, size))


def _chunks(value: Any, chunk_size: int, overlap: int) -> Iterator[Any]:
    return iter(chunk_text(read_text(value), chunk_size, overlap, preserve_paragraphs=True))


def _groups(texts: list[str], size: int) -> Iterator[list[str]]:
    """As many as fit, at least two: each round must bring fewer."""
    group: list[str] = []
    for text in texts:
        if len(group) >= 2 and sum(map(len, group)) + len(text) > size:
            yield group
            group = []
        group.append(text)
    yield group


def _found(prompts: list[str], parts: list[Any], how: Asking) -> list[Any]:
    return [answer for answer in _ask_all(prompts, parts, how, "the result is without them") if answer is not None]


def _ask_all(prompts: list[str], parts: list[Any], how: Asking, without: str) -> list[Any]:
    """What failed is told, and how it goes on without; None stands for it. Raises LLMError if all did."""
    answers: list[Any]
    if how.children:
        answers = recursion.rlm_batch(prompts, parts, on_error="return", schema=how.schema, model=how.model)
    else:
        answers = queries.llm_batch(prompts, on_error="return", schema=how.schema, model=how.model)
    failed = [(number, each) for number, each in enumerate(answers) if isinstance(each, LLMError)]
    if len(failed) == len(answers):
        raise failed[0][1]
    if failed:
        told = "; ".join(f"[{number}] {error}" for number, error in failed[:_TOLD])
        print(f"{len(failed)} of {len(answers)} sub-calls failed ({told}): {without}")
    return [None if isinstance(each, LLMError) else each for each in answers]
