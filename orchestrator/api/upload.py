"""Bodies that are contexts, not JSON: a text as it is, or a form with a file for each document. Written while they arrive."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any, Literal

from litestar import Request
from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header

from orchestrator.contexts.context import Context
from orchestrator.contexts.encodings import SAMPLE, explain, find_encoding
from orchestrator.contexts.store import ContextStore
from orchestrator.contexts.writer import ContextWriter
from orchestrator.errors import InvalidRequest, RequestError, Undecodable, Unread

MOST_DOCUMENTS = 1_000_000
FORM = "multipart/form-data"
_CHOOSE = "choose with ?encoding=NAME"


def sent_as(request: Request[Any, Any, Any]) -> tuple[Literal["json", "form", "text"], str | None]:
    """What the body is by its content type, and its charset. Raises Unread."""
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    kind = kind.lower()
    if kind == "application/json" or kind.endswith("+json"):
        return "json", None
    if kind.startswith("multipart/") and kind != FORM:
        raise Unread(f"content-type: {kind[:50]!r} is not read: send a form ({FORM}), JSON or a text")
    return ("form" if kind == FORM else "text"), options.get("charset")


def refuse_packed(request: Request[Any, Any, Any]) -> None:
    """Raises Unread if what arrives is not what is meant."""
    for coding in request.headers.getall("content-encoding", []):
        if coding.strip().lower() != "identity":
            raise Unread(f"content-encoding: {coding[:50]!r} is not read: send the body as it is")


def _check_part(segment: MultipartSegment, encoding: str) -> None:
    """Raises Unread if it is not as it stands there."""
    headers = {key.lower(): value for key, value in segment.headerlist}
    coding = headers.get("content-transfer-encoding", "binary")
    if coding.strip().lower() not in ("7bit", "8bit", "binary"):
        raise Unread(f"content-transfer-encoding: {coding[:50]!r} is not read: send the part as it is")
    charset = parse_options_header(headers.get("content-type", ""))[1].get("charset")
    if charset and find_encoding(charset) != find_encoding(encoding):
        raise InvalidRequest(f"its charset is {charset[:50]}, the form is read as {encoding}: {_CHOOSE}")


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
        await _write_parts(parser, request.stream(), writer, encoding)
        return await asyncio.to_thread(contexts.keep, writer), writer.boms


async def _with_more(error: Undecodable, stream: AsyncIterator[bytes]) -> Undecodable:
    """With what follows the wrong byte: the piece that arrived may end right behind it."""
    sample = error.sample
    while sample and len(sample) < error.place + SAMPLE and (piece := await anext(stream, b"")):
        sample += bytes(piece)
    return Undecodable(str(error), sample, error.place)


async def _write_parts(parser: PushMultipartParser, stream: AsyncIterator[bytes], writer: ContextWriter, encoding: str) -> None:
    name: str | None = None
    events = _parse(parser, stream)
    try:
        async for event in events:
            if isinstance(event, MultipartSegment):
                name = event.filename or event.name
                _check_part(event, encoding)
            elif event is None:
                writer.end_document(name)
            else:
                writer.write(event)
    except MultipartError as error:
        raise InvalidRequest(f"the form cannot be read: {error.args[0]}") from None
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
