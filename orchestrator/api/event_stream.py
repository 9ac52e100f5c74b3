"""Events of a run as they come: Server-Sent Events (HTML Living Standard, 9.2), or JSON Lines for who asks for these."""

import itertools
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence

from orchestrator.api.body import StrictRequest
from orchestrator.errors import InvalidRequest
from orchestrator.runs.following import Told

EVENT_STREAM = "text/event-stream"
JSON_LINES = "application/jsonl"
_LINES = (JSON_LINES, "application/x-ndjson", "application/json-lines", "application/x-jsonlines")
LARGEST = 1 << 53
PIECE = 1 << 16  # bytes sent at once


def wants_lines(request: StrictRequest) -> bool:
    """Whether the Accept header names them."""
    accepted = request.headers.get("accept", "")
    return any(each in accepted for each in _LINES) and EVENT_STREAM not in accepted


def position(last: str | None, after: int | None) -> int:
    """Of the first event that the reader has not: one that comes back says which it had last. Raises InvalidRequest."""
    if not last:
        return 0 if after is None else after + 1
    if not (last.isascii() and last.isdigit() and int(last[:20]) < LARGEST):
        raise InvalidRequest("Last-Event-ID: it is no number of an event")
    return int(last) + 1


async def as_events(told: AsyncIterator[Sequence[Told]]) -> AsyncIterator[bytes]:
    """A comment when it is quiet, so that neither side takes the other for dead."""
    # At once: a client knows by the first bytes that it is connected.
    yield b": events of a run\n\n"
    async for each in told:
        if not each:
            yield b": quiet\n\n"
        for piece in _pieces((_head(one.kind, one.number), one.content, b"\n\n") for one in each):
            yield piece


def event(kind: str, content: bytes) -> bytes:
    """One of the stream that is none of the journal; JSON has no line breaks."""
    return _head(kind, None) + content + b"\n\n"


def _head(kind: str, number: int | None) -> bytes:
    name = b"" if number is None else b"id: %d\n" % number
    return b"%sevent: %s\ndata: " % (name, kind.encode())


def _pieces(blocks: Iterable[tuple[bytes, ...]]) -> Iterator[bytes]:
    """Small ones together. Of a large one a piece at a time: what a slow reader has not taken yet is not copied for it."""
    waiting = b""
    for part in itertools.chain.from_iterable(blocks):
        for start in range(0, len(part), PIECE):
            waiting += part[start : start + PIECE]
            if len(waiting) >= PIECE:
                yield waiting
                waiting = b""
    if waiting:
        yield waiting


async def as_lines(told: AsyncIterator[Sequence[Told]]) -> AsyncIterator[bytes]:
    """The journal alone; an empty line when it is quiet."""
    async for each in told:
        if not each:
            yield b"\n"
        for piece in _pieces((one.content, b"\n") for one in each if one.number is not None):
            yield piece
