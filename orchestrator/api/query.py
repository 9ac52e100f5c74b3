"""POST /query, /debug and /stream: a question and its context in, the result of a run out, or its events and it."""

from collections.abc import AsyncIterator, Sequence

import msgspec
from litestar import post
from litestar.di import NamedDependency
from litestar.params import JSONBody
from litestar.response import Stream

from orchestrator.api.asking import QueryRequest, begin, ended_without, prepare
from orchestrator.api.body import StrictRequest
from orchestrator.api.event_stream import EVENT_STREAM, as_events, event
from orchestrator.api.openapi import ASKING_PROBLEMS, QUERIES, Asking
from orchestrator.journal.events import AnyEvent
from orchestrator.journal.history import RunDetail, detail
from orchestrator.journal.results import RunResult, result
from orchestrator.runs.handles import RunHandle
from orchestrator.runs.service import RunService


@post(
    "/query",
    status_code=200,
    summary="Answer a question over a context",
    tags=[QUERIES],
    operation_class=Asking,
    responses=ASKING_PROBLEMS,
)
async def query(data: JSONBody[QueryRequest], request: StrictRequest, runs: NamedDependency[RunService]) -> RunResult:
    return result(await _run(data, request, runs))


@post(
    "/debug",
    status_code=200,
    summary="Answer a question over a context, and show every turn of the run",
    tags=[QUERIES],
    operation_class=Asking,
    responses=ASKING_PROBLEMS,
)
async def debug(data: JSONBody[QueryRequest], request: StrictRequest, runs: NamedDependency[RunService]) -> RunDetail:
    return detail(await _run(data, request, runs))


@post(
    "/stream",
    status_code=200,
    summary="Answer a question over a context: the events of the run as they come, then its `result`",
    media_type=EVENT_STREAM,
    tags=[QUERIES],
    operation_class=Asking,
    responses=ASKING_PROBLEMS,
)
async def stream(data: JSONBody[QueryRequest], request: StrictRequest, runs: NamedDependency[RunService]) -> Stream:
    run = begin(await prepare(data, request, runs), request, runs, detached=data.detach)
    return Stream(_stream(run), media_type=EVENT_STREAM, status_code=200, headers={"cache-control": "no-store"})


async def _stream(run: RunHandle) -> AsyncIterator[bytes]:
    try:
        async for each in as_events(run.following.read(0)):
            yield each
        yield event("result", msgspec.json.encode(result(run.events)))
    finally:
        if not run.detached:
            run.cancel()


async def _run(data: QueryRequest, request: StrictRequest, runs: RunService) -> Sequence[AnyEvent]:
    """The events of the run, at its end. It is cancelled if the caller goes away first, unless it is detached."""
    run = begin(await prepare(data, request, runs), request, runs, detached=data.detach)
    if data.detach:
        return await run.wait()
    async with ended_without(request, run.cancel):
        return await run.wait()
