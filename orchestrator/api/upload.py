"""Bodies that are contexts, not JSON: a text as it is, or a form with a file for each document. Written while they arrive."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

from litestar import Request
from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header

from orchestrator.contexts.context import Context
from orchestrator.contexts.encodings import SAMPLE, explain
from orchestrator.contexts.store import ContextStore
from orchestrator.contexts.writer import ContextWriter
from orchestrator.errors import InvalidRequest, RequestError, Undecodable, Unread

MOST_DOCUMENTS = 1_000_000
FORM = "multipart/form-data"
_CHOOSE = "choose with ?encoding=NAME"


def refuse_packed(request: Request[Any, Any, Any]) -> None:
    """Raises Unread if what arrives is not what is meant."""
    coding = request.headers.get("content-encoding", "identity")
    if coding.strip().lower() != "identity":
        raise Unread(f"content-encoding: {coding[:50]!r} is not read: send the body as it is")


async def receive_text(request: Request[Any, Any, Any], contexts: ContextStore, encoding: str) -> tuple[Context, int]:
    """The whole body as one text; the context, and how many byte order marks were left out. Raises RequestError."""
    with contexts.arriving("text", encoding) as writer:
        stream = request.stream()
        try:
            async for piece in stream:
                writer.write(piece)
            writer.end_document()
        except Undecodable as error:
            raise explain(await _with_more(error, stream), _CHOOSE) from None
        return await asyncio.to_thread(contexts.keep, writer), writer.boms


async def receive_form(request: Request[Any, Any, Any], contexts: ContextStore, encoding: str) -> tuple[Context, int]:
    """Each file of a form as a document with its name. Raises RequestError."""
    boundary = parse_options_header(request.headers.get("content-type", ""))[1].get("boundary", "")
    try:
        parser = PushMultipartParser(boundary, max_segment_count=MOST_DOCUMENTS)
    except MultipartError as error:
        raise InvalidRequest(f"the form cannot be read: {error}") from None
    with contexts.arriving("documents", encoding) as writer:
        await _write_parts(parser, request.stream(), writer)
        return await asyncio.to_thread(contexts.keep, writer), writer.boms


async def _with_more(error: Undecodable, stream: AsyncIterator[bytes]) -> Undecodable:
    """With what follows the wrong byte: the piece that arrived may end right behind it."""
    sample = error.sample
    while sample and len(sample) < error.place + SAMPLE and (piece := await anext(stream, b"")):
        sample += bytes(piece)
    return Undecodable(str(error), sample, error.place)


async def _write_parts(parser: PushMultipartParser, stream: AsyncIterator[bytes], writer: ContextWriter) -> None:
    name: str | None = None
    events = _parse(parser, stream)
    try:
        async for event in events:
            if isinstance(event, MultipartSegment):
                name = event.filename or event.name
            elif event is None:
                writer.end_document(name)
            else:
                writer.write(event)
    except MultipartError as error:
        raise InvalidRequest(f"the form cannot be read: {error}") from None
    except Undecodable as error:
        raise InvalidRequest(f"{name}: {explain(await _with_more(error, _rest(events)), _CHOOSE)}") from None
    except RequestError as error:
        raise type(error)(f"{name or 'the form'}: {error}") from None


async def _parse(parser: PushMultipartParser, stream: AsyncIterator[bytes]) -> AsyncIterator[MultipartSegment | bytes | None]:
    """The beginning of a part, its pieces, None at its end."""
    async for piece in stream:
        for event in parser.parse(bytes(piece)):
            yield bytes(event) if isinstance(event, bytes | bytearray) else event


async def _rest(events: AsyncIterator[MultipartSegment | bytes | None]) -> AsyncIterator[bytes]:
    """What follows of a part. Raises nothing: it is for an error that is told anyway."""
    with suppress(MultipartError):
        async for event in events:
            if not isinstance(event, bytes):
                return
            yield event
