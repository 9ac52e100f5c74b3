"""GET /runs, /runs/{run_id}, its /journal and its /metrics: the runs that are kept, also while they go on."""

import asyncio
from typing import Annotated

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from orchestrator.api.openapi import RUNS, problems
from orchestrator.api.tokens import Caller
from orchestrator.journal.history import RunDetail, RunSummary, detail, excerpt
from orchestrator.journal.journal import Journal
from orchestrator.journal.kept import KEPT_RUNS
from orchestrator.journal.lines import to_lines
from orchestrator.journal.metrics import RunMetrics, metrics
from orchestrator.runs.service import RunService

# All of these read whole journals. In a thread: the requests of others go on meanwhile.


class RunList(msgspec.Struct, frozen=True):
    """The newest first; of long queries and answers the beginning. `next`: the `cursor` of the runs before these, if any."""

    runs: list[RunSummary]
    next: str | None


@get(
    "/runs",
    summary="The runs that are kept, the newest first, `limit` at once; older ones by `cursor`",
    tags=[RUNS],
    responses=problems(),
)
async def list_runs(
    runs: NamedDependency[RunService],
    caller: NamedDependency[Caller],
    limit: Annotated[int, QueryParameter(ge=1, le=KEPT_RUNS)] = 50,
    cursor: Annotated[int | None, QueryParameter(ge=1, lt=1 << 62)] = None,
) -> RunList:
    found = runs.journals(caller.name, cursor)
    shown = found[:limit]
    more = str(shown[-1].number) if len(found) > limit else None
    return RunList(await asyncio.to_thread(_excerpts, shown), more)


def _excerpts(journals: list[Journal]) -> list[RunSummary]:
    return [excerpt(each.events) for each in journals]


@get(
    "/runs/{run_id:str}/journal",
    summary="The events of one run so far, as JSON Lines",
    media_type="application/jsonl",
    tags=[RUNS],
    responses=problems(404),
)
async def get_journal(run_id: FromPath[str], runs: NamedDependency[RunService], caller: NamedDependency[Caller]) -> bytes:
    return await asyncio.to_thread(_lines, runs.journal(run_id, caller.name))


def _lines(journal: Journal) -> bytes:
    return b"".join(to_lines(tuple(journal.events)))


@get("/runs/{run_id:str}", summary="One run with every turn so far", tags=[RUNS], responses=problems(404))
async def get_run(run_id: FromPath[str], runs: NamedDependency[RunService], caller: NamedDependency[Caller]) -> RunDetail:
    return await asyncio.to_thread(detail, tuple(runs.journal(run_id, caller.name).events))


@get("/runs/{run_id:str}/metrics", summary="What one run used, cost and took so far", tags=[RUNS], responses=problems(404))
async def get_metrics(run_id: FromPath[str], runs: NamedDependency[RunService], caller: NamedDependency[Caller]) -> RunMetrics:
    return await asyncio.to_thread(metrics, tuple(runs.journal(run_id, caller.name).events))
