"""Events of a run as they come: Server-Sent Events (HTML Living Standard, 9.2), or JSON Lines for who asks for these."""

from collections.abc import AsyncIterator, Sequence

from orchestrator.api.body import StrictRequest
from orchestrator.errors import InvalidRequest
from orchestrator.runs.following import Told

EVENT_STREAM = "text/event-stream"
JSON_LINES = "application/jsonl"
_LINES = (JSON_LINES, "application/x-ndjson", "application/json-lines", "application/x-jsonlines")
LARGEST = 1 << 53


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
        yield b"".join(event(*one) for one in _parts(each)) or b": quiet\n\n"


def _parts(told: Sequence[Told]) -> list[tuple[str, bytes, int | None]]:
    return [(each.kind, each.content, each.number) for each in told]


def event(kind: str, content: bytes, number: int | None = None) -> bytes:
    """One of the stream; JSON has no line breaks."""
    name = b"" if number is None else b"id: %d\n" % number
    return b"%sevent: %s\ndata: %s\n\n" % (name, kind.encode(), content)


async def as_lines(told: AsyncIterator[Sequence[Told]]) -> AsyncIterator[bytes]:
    """The journal alone; an empty line when it is quiet."""
    async for each in told:
        lines = b"".join(b"%s\n" % one.content for one in each if one.number is not None)
        if lines or not each:
            yield lines or b"\n"
