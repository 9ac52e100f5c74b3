"""GET /runs, /runs/{run_id}, its /journal and its /metrics: the runs that are kept, also while they go on."""

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath

from orchestrator.api.openapi import RUNS, problems
from orchestrator.api.tokens import Caller
from orchestrator.journal.history import RunDetail, RunSummary, detail
from orchestrator.journal.lines import to_lines
from orchestrator.journal.metrics import RunMetrics, metrics
from orchestrator.runs.service import RunService


class RunList(msgspec.Struct, frozen=True):
    """The newest first."""

    runs: list[RunSummary]


@get("/runs", summary="The runs that are kept, the newest first", tags=[RUNS], responses=problems())
async def list_runs(runs: NamedDependency[RunService], caller: NamedDependency[Caller]) -> RunList:
    return RunList(runs.summaries(caller.name))


@get(
    "/runs/{run_id:str}/journal",
    summary="The events of one run so far, as JSON Lines",
    media_type="application/jsonl",
    tags=[RUNS],
    responses=problems(404),
)
async def get_journal(run_id: FromPath[str], runs: NamedDependency[RunService], caller: NamedDependency[Caller]) -> bytes:
    return b"".join(to_lines(runs.journal(run_id, caller.name).events))


@get("/runs/{run_id:str}", summary="One run with every turn so far", tags=[RUNS], responses=problems(404))
async def get_run(run_id: FromPath[str], runs: NamedDependency[RunService], caller: NamedDependency[Caller]) -> RunDetail:
    return detail(runs.journal(run_id, caller.name).events)


@get("/runs/{run_id:str}/metrics", summary="What one run used, cost and took so far", tags=[RUNS], responses=problems(404))
async def get_metrics(run_id: FromPath[str], runs: NamedDependency[RunService], caller: NamedDependency[Caller]) -> RunMetrics:
    return metrics(runs.journal(run_id, caller.name).events)
