"""POST /contexts and what it made: a context is sent once, and asked about by its id."""

import asyncio
from contextlib import suppress
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, delete, get, post
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter

from orchestrator.api.guards import TAKES_TEXTS
from orchestrator.api.openapi import CONTEXTS, Sending, problems
from orchestrator.api.upload import receive_form, receive_text, refuse_packed, sent_as
from orchestrator.contexts.context import Context
from orchestrator.contexts.lines import read_lines
from orchestrator.contexts.store import ContextStore, Held
from orchestrator.errors import InvalidRequest, NotFound, NothingSent
from orchestrator.runs.query import EMPTY

Position = Annotated[int, QueryParameter(ge=0, lt=1 << 62)]
MOST_SHOWN = 1000  # documents of one answer
MOST_READ = 1 << 20  # code points of one answer
_EMPTY = "there is nothing to ask about"


class DocumentInfo(msgspec.Struct, frozen=True):
    """A document: its number, its name if it has one, its code points."""

    number: int
    name: str | None
    length: int


class ContextInfo(msgspec.Struct, frozen=True, kw_only=True):
    """`length`: code points of all; `bytes`: as UTF-8; `documents`: those from `?from_document=` on, at most 1000."""

    context_id: str
    kind: str
    length: int
    bytes: int
    count: int
    documents: list[DocumentInfo] = []
    byte_order_marks: int = 0


class ContextList(msgspec.Struct, frozen=True):
    """The last used first."""

    contexts: list[Held]


class TextRange(msgspec.Struct, frozen=True, kw_only=True):
    """[start, start + length) of a document, in code points."""

    document: int
    start: int
    length: int
    text: str


@post(
    "/contexts",
    summary="Send a context: JSON as for /query, a form with a file for each document, or a text",
    request_max_body_size=None,
    opt={TAKES_TEXTS: True},
    operation_class=Sending,
    tags=[CONTEXTS],
    responses=problems(408, 413, 415, 422, 507),
)
async def add_context(
    request: Request[Any, Any, State], contexts: NamedDependency[ContextStore], encoding: FromQuery[str | None] = None
) -> Response[ContextInfo]:
    refuse_packed(request)
    kind, charset = sent_as(request)
    marks = 0
    if kind == "json":
        fields = await request.json()
        found: Context | None = request.state.get("context")
        # Put aside by StrictRequest, which left its id in its place.
        if found is None or fields.keys() != {"context_id"}:
            raise InvalidRequest("send exactly one of context, documents and messages, and nothing else")
        context = found
    else:
        receive = receive_form if kind == "form" else receive_text
        context, marks = await receive(request, contexts, encoding or charset or "utf-8")
    if context.is_empty:
        with suppress(NotFound):
            contexts.delete(context.id)
        raise NothingSent(f"{_EMPTY}: {EMPTY[context.kind]}")
    return Response(_info(context, 0, marks), status_code=201, headers={"location": f"/contexts/{context.id}"})


@get("/contexts", summary="The contexts that are kept", tags=[CONTEXTS], responses=problems())
async def list_contexts(contexts: NamedDependency[ContextStore]) -> ContextList:
    return ContextList(await asyncio.to_thread(contexts.list))


@get("/contexts/{context_id:str}", summary="What a context is", tags=[CONTEXTS], responses=problems(404))
async def get_context(
    context_id: FromPath[str], contexts: NamedDependency[ContextStore], from_document: Position = 0
) -> ContextInfo:
    return _info(contexts.get(context_id), from_document, 0)


@get(
    "/contexts/{context_id:str}/text",
    summary="A range of a context's text, by code points",
    tags=[CONTEXTS],
    responses=problems(404),
)
async def get_text(
    context_id: FromPath[str],
    contexts: NamedDependency[ContextStore],
    document: Position = 0,
    start: Position = 0,
    length: Annotated[int, QueryParameter(ge=0, le=MOST_READ)] = 10_000,
) -> TextRange:
    context = _with_document(contexts.get(context_id), document)
    text = await asyncio.to_thread(context.read, document, start, length)
    return TextRange(document=document, start=start, length=len(text), text=text)


@get("/contexts/{context_id:str}/lines", summary="Lines of a context's text", tags=[CONTEXTS], responses=problems(404))
async def get_lines(
    context_id: FromPath[str],
    contexts: NamedDependency[ContextStore],
    document: Position = 0,
    first: Position = 0,
    count: Position = 100,
) -> TextRange:
    context = _with_document(contexts.get(context_id), document)
    # A thread: the lines before it are looked at, however many there are.
    start, text = await asyncio.to_thread(read_lines, context, document, (first, count), MOST_READ)
    return TextRange(document=document, start=start, length=len(text), text=text)


@delete(
    "/contexts/{context_id:str}",
    status_code=204,
    summary="Let go of a context; runs that use it keep it to their end",
    tags=[CONTEXTS],
    responses=problems(404),
)
async def delete_context(context_id: FromPath[str], contexts: NamedDependency[ContextStore]) -> None:
    # A thread: to give back the space of a large file takes a second.
    await asyncio.to_thread(contexts.delete, context_id)


def _with_document(context: Context, document: int) -> Context:
    if document >= context.count:
        raise InvalidRequest(f"document: there are {context.count}, counted from 0")
    return context


def _info(context: Context, first: int, marks: int) -> ContextInfo:
    shown = range(first, min(first + MOST_SHOWN, context.count)) if context.kind == "documents" else range(0)
    rows = context.documents(shown.start, shown.stop) if shown else []
    return ContextInfo(
        context_id=context.id,
        kind=context.kind,
        length=context.length,
        bytes=context.byte_length,
        count=context.count,
        documents=[DocumentInfo(number, name, length) for number, (name, length) in zip(shown, rows, strict=True)],
        byte_order_marks=marks,
    )
