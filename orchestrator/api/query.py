"""POST /query and POST /debug: a question and its context in, the result of a run out."""

import asyncio
from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, post
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import UNSET, Meta, UnsetType

from orchestrator.budget import Budget
from orchestrator.config import Base, Protocol, Settings
from orchestrator.contexts.context import Context
from orchestrator.contexts.store import ContextStore
from orchestrator.errors import AboveCap, Cancelled, InvalidRequest
from orchestrator.journal.history import RunDetail, RunResult, detail, result
from orchestrator.journal.journal import Journal
from orchestrator.runs.run import Query
from orchestrator.runs.service import Runs

AnyRequest = Request[Any, Any, Any]


class ChatMessage(Base, frozen=True, kw_only=True):
    role: Literal["system", "user", "assistant", "tool"]
    content: str


class QueryRequest(Base, frozen=True, kw_only=True):
    """Exactly one of `context` (a string is text, any other value JSON), `documents` and `messages`."""

    query: str
    context: Any = UNSET
    documents: list[str] | UnsetType = UNSET
    messages: list[ChatMessage] | UnsetType = UNSET
    max_iterations: Annotated[int, Meta(ge=1)] | None = None
    max_sub_calls: Annotated[int, Meta(ge=0)] | None = None
    protocol: Protocol | None = None


@post("/query", status_code=200, summary="Answer a question over a context")
async def query(data: JSONBody[QueryRequest], request: AnyRequest, runs: NamedDependency[Runs]) -> RunResult:
    return result((await _run(data, _context(data, runs.contexts), request, runs)).events)


@post("/debug", status_code=200, summary="The same, with every turn of the run")
async def debug(data: JSONBody[QueryRequest], request: AnyRequest, runs: NamedDependency[Runs]) -> RunDetail:
    return detail((await _run(data, _context(data, runs.contexts), request, runs)).events)


def _context(data: QueryRequest, contexts: ContextStore) -> Context:
    if not data.query.strip():
        raise InvalidRequest("query: it is empty")
    match data.context, data.documents, data.messages:
        case str() as text, UnsetType(), UnsetType():
            return contexts.add("text", (text,))
        case UnsetType(), list() as documents, UnsetType():
            return contexts.add("documents", tuple(documents))
        case UnsetType(), UnsetType(), list() as messages:
            return contexts.add_json("messages", msgspec.to_builtins(messages))
        case value, UnsetType(), UnsetType() if value is not UNSET:
            return contexts.add_json("json", value)
    raise InvalidRequest("send exactly one of context, documents and messages")


def _query(data: QueryRequest, context: Context, settings: Settings) -> Query:
    return Query(data.query, context, data.protocol or settings.protocol)


def _budget(data: QueryRequest, settings: Settings) -> Budget:
    for name in ("max_iterations", "max_sub_calls"):
        wanted, cap = getattr(data, name), getattr(settings, name)
        if wanted is not None and wanted > cap:
            raise AboveCap(f"{name}: {wanted} is above this server's {cap}")
    iterations, sub_calls = data.max_iterations, data.max_sub_calls
    return Budget(
        settings.max_iterations if iterations is None else iterations,
        settings.max_sub_calls if sub_calls is None else sub_calls,
        settings.max_seconds,
        settings.max_fuel,
    )


async def _run(data: QueryRequest, context: Context, request: AnyRequest, runs: Runs) -> Journal:
    """Runs to the end, unless the caller goes away first: then the run and its model calls are cancelled."""
    run = asyncio.create_task(runs.execute(_query(data, context, runs.settings), _budget(data, runs.settings)))
    leaving = asyncio.create_task(_disconnected(request))
    try:
        await asyncio.wait((run, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not run.done():
            run.cancel()
        return await run
    except asyncio.CancelledError:
        raise Cancelled("the run was cancelled: the caller went away, or the server is stopping") from None
    finally:
        run.cancel()
        leaving.cancel()


async def _disconnected(request: AnyRequest) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
