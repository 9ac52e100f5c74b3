"""POST /runs: a run that nobody waits for. GET /runs, /runs/{run_id}, its /journal and its /metrics: those that are kept."""

import asyncio
from collections.abc import Sequence
from typing import Annotated

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from orchestrator.api.body import StrictRequest
from orchestrator.api.openapi import RUNS, Asking, problems
from orchestrator.api.query import QueryRequest, start
from orchestrator.api.tokens import Caller
from orchestrator.journal.events import AnyEvent
from orchestrator.journal.history import RunDetail, RunSummary, detail
from orchestrator.journal.lines import to_lines
from orchestrator.journal.metrics import RunMetrics, metrics
from orchestrator.runs.service import RunService

MOST_LISTED = 200  # of one answer

# All of these read whole journals. In a thread: the requests of others go on meanwhile.


class RunList(msgspec.Struct, frozen=True):
    """The newest first; of long queries and answers the beginning. `next`: the `cursor` of the runs before these, if any."""

    runs: list[RunSummary]
    next: str | None


class RunBegun(msgspec.Struct, frozen=True):
    """A run that goes on by itself."""

    run_id: str


@post(
    "/runs",
    status_code=202,
    summary="Begin a run and do not wait for it; it goes on after a restart of the server",
    tags=[RUNS],
    operation_class=Asking,
    responses=problems(404, 408, 413, 415, 422, 507),
)
async def start_run(
    data: JSONBody[QueryRequest], request: StrictRequest, runs: NamedDependency[RunService]
) -> Response[RunBegun]:
    run = start(data, request, runs, detached=True)
    await run.settle()
    return Response(RunBegun(run.run_id), status_code=202, headers={"location": f"/runs/{run.run_id}"})


@get(
    "/runs",
    summary="The runs that are kept, the newest first, `limit` at once; older ones by `cursor`",
    tags=[RUNS],
    responses=problems(),
)
async def list_runs(
    runs: NamedDependency[RunService],
    caller: NamedDependency[Caller],
    limit: Annotated[int, QueryParameter(ge=1, le=MOST_LISTED)] = 50,
    cursor: Annotated[int | None, QueryParameter(ge=1, lt=1 << 62)] = None,
) -> RunList:
    found = await runs.newest_first(caller.name, cursor, limit + 1)
    shown = found[:limit]
    return RunList([each.summary for each in shown], str(shown[-1].begun_ns) if len(found) > limit else None)


@get(
    "/runs/{run_id:str}/journal",
    summary="The events of one run so far, as JSON Lines",
    media_type="application/jsonl",
    tags=[RUNS],
    responses=problems(404),
)
async def get_journal(run_id: FromPath[str], runs: NamedDependency[RunService], caller: NamedDependency[Caller]) -> bytes:
    return await asyncio.to_thread(_lines, await runs.events(run_id, caller.name))


def _lines(events: Sequence[AnyEvent]) -> bytes:
    return b"".join(to_lines(events))


@get("/runs/{run_id:str}", summary="One run with every turn so far", tags=[RUNS], responses=problems(404))
async def get_run(run_id: FromPath[str], runs: NamedDependency[RunService], caller: NamedDependency[Caller]) -> RunDetail:
    return await asyncio.to_thread(detail, await runs.events(run_id, caller.name))


@get("/runs/{run_id:str}/metrics", summary="What one run used, cost and took so far", tags=[RUNS], responses=problems(404))
async def get_metrics(run_id: FromPath[str], runs: NamedDependency[RunService], caller: NamedDependency[Caller]) -> RunMetrics:
    return await asyncio.to_thread(metrics, await runs.events(run_id, caller.name))
