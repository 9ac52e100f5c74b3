"""Bodies that are contexts, not JSON: a text as it is, or a form with a file for each document. Written while they arrive."""

from collections.abc import AsyncIterator
from typing import Any

from litestar import Request
from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header

from orchestrator.contexts.context import Context
from orchestrator.contexts.store import ContextStore
from orchestrator.contexts.writer import ContextWriter
from orchestrator.errors import InvalidRequest, RequestError

MOST_DOCUMENTS = 1_000_000
FORM = "multipart/form-data"


async def receive_text(request: Request[Any, Any, Any], contexts: ContextStore, encoding: str) -> tuple[Context, int]:
    """The whole body as one text; the context, and how many byte order marks were left out. Raises RequestError."""
    with contexts.arriving("text", encoding) as writer:
        async for piece in request.stream():
            writer.write(piece)
        writer.end_document()
        return contexts.keep(writer), writer.boms


async def receive_form(request: Request[Any, Any, Any], contexts: ContextStore, encoding: str) -> tuple[Context, int]:
    """Each file of a form as a document with its name. Raises RequestError."""
    boundary = parse_options_header(request.headers.get("content-type", ""))[1].get("boundary", "")
    try:
        parser = PushMultipartParser(boundary, max_segment_count=MOST_DOCUMENTS)
    except MultipartError as error:
        raise InvalidRequest(f"the form cannot be read: {error}") from None
    with contexts.arriving("documents", encoding) as writer:
        await _write_parts(parser, request.stream(), writer)
        return contexts.keep(writer), writer.boms


async def _write_parts(parser: PushMultipartParser, stream: AsyncIterator[bytes], writer: ContextWriter) -> None:
    name: str | None = None
    try:
        async for piece in stream:
            for event in parser.parse(bytes(piece)):
                if isinstance(event, MultipartSegment):
                    name = event.filename or event.name
                elif event is None:
                    writer.end_document(name)
                else:
                    writer.write(bytes(event))
    except MultipartError as error:
        raise InvalidRequest(f"the form cannot be read: {error}") from None
    except RequestError as error:
        raise type(error)(f"{name or 'the form'}: {error}") from None
