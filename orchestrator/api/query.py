"""POST /query and POST /debug: a question and its context in, the result of a run out."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any

from litestar import post
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import UNSET, Meta, UnsetType

from orchestrator.api.body import StrictRequest
from orchestrator.api.openapi import QUERIES, Asking, problems
from orchestrator.api.own_keys import own_models
from orchestrator.config import Protocol
from orchestrator.contexts.json_body import ChatMessage
from orchestrator.errors import InvalidRequest
from orchestrator.journal.events import AnyEvent
from orchestrator.journal.history import RunDetail, RunResult, detail, result
from orchestrator.runs.query import Query, WantedLimits
from orchestrator.runs.service import RunService
from orchestrator.runs.underway import RunHandle
from orchestrator.server_settings import Base


class NamedDocument(Base, frozen=True, kw_only=True):
    """A document with its name: a path, a title."""

    text: str
    name: str | None = None


class QueryRequest(Base, frozen=True, kw_only=True):
    """Exactly one of `context` (a string is text, any other value JSON), `documents`, `messages` and `context_id`.

    The first three become a `context_id` while the body arrives (body.py): here they are only documented.
    `root_model` and `sub_model` choose among the configured ones: an alias, PROVIDER/MODEL, or the model's name alone.
    `cache`: false makes every sub-call anew, and keeps none of its replies.
    `detach`: the run goes on if the caller goes away, and after a restart of the server.
    """

    query: Annotated[str, Meta(min_length=1, description="The question.", examples=["Who wrote most of these letters?"])]
    context: Annotated[Any, Meta(description="A string is a text, any other value JSON.")] = UNSET
    documents: Annotated[list[str | NamedDocument], Meta(min_length=1, description="Texts.")] | UnsetType = UNSET
    messages: Annotated[list[ChatMessage], Meta(min_length=1, description="A chat.")] | UnsetType = UNSET
    context_id: Annotated[str | UnsetType, Meta(description="Of POST /contexts.")] = UNSET
    max_iterations: Annotated[int, Meta(ge=1, description="At most what is configured.")] | None = None
    max_sub_calls: Annotated[int, Meta(ge=0, description="At most what is configured.")] | None = None
    protocol: Protocol | None = None
    root_model: str | None = None
    sub_model: str | None = None
    cache: bool = True
    detach: bool = False


@post(
    "/query",
    status_code=200,
    summary="Answer a question over a context",
    tags=[QUERIES],
    operation_class=Asking,
    responses=problems(404, 408, 413, 415, 422, 507),
)
async def query(data: JSONBody[QueryRequest], request: StrictRequest, runs: NamedDependency[RunService]) -> RunResult:
    return result(await _run(data, request, runs))


@post(
    "/debug",
    status_code=200,
    summary="Answer a question over a context, and show every turn of the run",
    tags=[QUERIES],
    operation_class=Asking,
    responses=problems(404, 408, 413, 415, 422, 507),
)
async def debug(data: JSONBody[QueryRequest], request: StrictRequest, runs: NamedDependency[RunService]) -> RunDetail:
    return detail(await _run(data, request, runs))


def start(data: QueryRequest, request: StrictRequest, runs: RunService, *, detached: bool) -> RunHandle:
    """A run for who asks. Raises RequestError if there is none."""
    wanted = WantedLimits(max_iterations=data.max_iterations, max_sub_calls=data.max_sub_calls)
    if data.context_id is UNSET:
        raise InvalidRequest("send exactly one of context, context_id, documents and messages")
    query = Query(
        data.query,
        request.contexts.get(data.context_id),
        data.protocol,
        data.root_model,
        data.sub_model,
        data.cache,
        own_models(request.headers),
        request.auth.name,
    )
    request.auth.take_run()
    try:
        run = runs.start(query, wanted, detached=detached)
    except BaseException:
        request.auth.give_run_back()
        raise
    run.on_end(request.auth.give_run_back)
    return run


async def _run(data: QueryRequest, request: StrictRequest, runs: RunService) -> Sequence[AnyEvent]:
    """The events of the run, at its end. It is cancelled if the caller goes away first, unless it is detached."""
    run = start(data, request, runs, detached=data.detach)
    if data.detach:
        return await run.wait()
    leaving = asyncio.create_task(_wait_for_disconnect(request))
    leaving.add_done_callback(lambda _left: run.cancel())
    try:
        return await run.wait()
    finally:
        run.cancel()
        leaving.cancel()


async def _wait_for_disconnect(request: StrictRequest) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
