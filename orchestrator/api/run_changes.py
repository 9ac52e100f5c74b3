"""POST /runs: a run that nobody waits for. What can be done to one: cancel, delete, fork, replay."""

import asyncio
from typing import Annotated

import msgspec
from litestar import Response, delete, post
from litestar.di import NamedDependency
from litestar.params import FromPath, HeaderParameter, JSONBody
from msgspec import Meta

from orchestrator.api.asking import QueryRequest, begin, ended_without, key_of, prepare
from orchestrator.api.body import StrictRequest
from orchestrator.api.openapi import ASKING_PROBLEMS, RUNS, Asking, problems
from orchestrator.api.own_keys import own_models
from orchestrator.journal.results import RunSummary, Status
from orchestrator.runs.beginning import Beginning
from orchestrator.runs.forking import Fork
from orchestrator.runs.owned import OwnedRuns, Verdict
from orchestrator.runs.query import WantedLimits
from orchestrator.runs.service import RunService
from orchestrator.server_settings import Base, Dollars

GONE = Verdict(identical=False, difference="who asked has gone before its end", cells=0)


class RunBegun(msgspec.Struct, frozen=True):
    """A run that goes on by itself."""

    run_id: str
    status: Status


class ForkLimits(Base, frozen=True, kw_only=True):
    """Those of the run that are otherwise, at most what is configured."""

    max_iterations: Annotated[int, Meta(ge=1)] | None = None
    max_sub_calls: Annotated[int, Meta(ge=0)] | None = None
    max_total_tokens: Annotated[int, Meta(ge=1)] | None = None
    max_cost: Dollars | None = None


class ForkRequest(Base, frozen=True, kw_only=True):
    """A new run, the same before the root's reply of that turn. Exactly one of the others says what is otherwise from there on.

    `reply` stands in for that reply, `code` for a reply of that one block; with `model` or `limits` the root is asked anew.
    """

    turn: Annotated[int, Meta(ge=1)]
    reply: Annotated[str, Meta(min_length=1)] | None = None
    code: Annotated[str, Meta(min_length=1)] | None = None
    model: Annotated[str, Meta(min_length=1)] | None = None
    limits: ForkLimits | None = None


@post(
    "/runs",
    status_code=202,
    summary="Begin a run and do not wait for it; it goes on after a restart of the server",
    description="With an `Idempotency-Key`, a request that is sent again is the same run.",
    tags=[RUNS],
    operation_class=Asking,
    responses=ASKING_PROBLEMS,
)
async def start_run(
    data: JSONBody[QueryRequest],
    request: StrictRequest,
    runs: NamedDependency[RunService],
    owned: NamedDependency[OwnedRuns],
    idempotency_key: Annotated[str | None, HeaderParameter(name="Idempotency-Key", min_length=1, max_length=255)] = None,
) -> Response[RunBegun]:
    if idempotency_key is None:
        return await _begin(await prepare(data, request, runs), request, runs)
    key = key_of(idempotency_key, request, data)
    async with runs.keys.one_by_one(key):
        # Before it is prepared: what the first request needed may be gone by now, or be its own run.
        known = await runs.keys.find(key)
        if known is None:
            beginning = await prepare(data, request, runs)
            known = await runs.keys.claim(key, beginning.started.run_id)
            if known == beginning.started.run_id:
                try:
                    return await _begin(beginning, request, runs)
                except BaseException:
                    await asyncio.shield(runs.keys.release(known))
                    raise
        return _begun(known, (await owned.summary(known)).status)


@post(
    "/runs/{run_id:str}/fork",
    status_code=202,
    summary="Begin a run that is the same up to a turn; nothing of that is paid again",
    tags=[RUNS],
    responses=ASKING_PROBLEMS,
)
async def fork_run(
    run_id: FromPath[str],
    data: JSONBody[ForkRequest],
    request: StrictRequest,
    runs: NamedDependency[RunService],
    owned: NamedDependency[OwnedRuns],
) -> Response[RunBegun]:
    limits = None if data.limits is None else WantedLimits(**msgspec.structs.asdict(data.limits))
    fork = Fork(turn=data.turn, reply=data.reply, code=data.code, model=data.model, limits=limits)
    return await _begin(await owned.fork(run_id, fork, own_models(request.headers)), request, runs)


async def _begin(beginning: Beginning, request: StrictRequest, runs: RunService) -> Response[RunBegun]:
    run = begin(beginning, request, runs, detached=True)
    await run.settle()
    return _begun(run.run_id, run.status)


def _begun(run_id: str, status: Status) -> Response[RunBegun]:
    return Response(RunBegun(run_id, status), status_code=202, headers={"location": f"/runs/{run_id}"})


@post(
    "/runs/{run_id:str}/cancel",
    status_code=200,
    summary="End a run with what it has; one that has ended stays as it is",
    tags=[RUNS],
    responses=problems(404, 409),
)
async def cancel_run(run_id: FromPath[str], owned: NamedDependency[OwnedRuns]) -> RunSummary:
    return await owned.cancel(run_id)


@post(
    "/runs/{run_id:str}/replay",
    status_code=200,
    summary="Execute a run again from its journal, without models: whether all comes to the same",
    tags=[RUNS],
    responses=problems(404, 409),
)
async def replay_run(
    run_id: FromPath[str],
    request: StrictRequest,
    runs: NamedDependency[RunService],
    owned: NamedDependency[OwnedRuns],
) -> Verdict:
    """It is one of the runs that who asks may have at once, and ends if they go away first."""
    request.auth.check_runs(runs.underway.count(request.auth.name))
    with request.auth.replaying():
        return await _replay(run_id, request, owned)


async def _replay(run_id: str, request: StrictRequest, owned: OwnedRuns) -> Verdict:
    replaying = asyncio.create_task(owned.replay(run_id))
    async with ended_without(request, replaying.cancel):
        await asyncio.wait([replaying])
        return GONE if replaying.cancelled() else replaying.result()


@delete("/runs/{run_id:str}", summary="Forget a run that has ended", tags=[RUNS], responses=problems(404, 409))
async def delete_run(run_id: FromPath[str], owned: NamedDependency[OwnedRuns]) -> None:
    await owned.delete(run_id)
