"""What a run came to, in the shapes that the API shows: its result, and what lists say of it. Folds over events."""

import datetime
from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from orchestrator.journal.events import (
    Answer,
    AnyEvent,
    CellStarted,
    ChildFinished,
    ChildStarted,
    ModelCalled,
    ModelFailed,
    ModelReplied,
    RunFinished,
    Stopped,
    SubcallFinished,
    SubcallStarted,
    run_started,
)
from orchestrator.journal.usage import RunUsage, baseline_tokens, own, savings_pct, usage

State = Literal[Stopped, "running"]
# What a run does that has not ended: it waits for its turn; computes; waits for models, with a guest or without one.
Doing = Literal["queued", "running", "waiting", "parked"]
Status = Literal[Stopped, Doing]
LISTED = 500  # of a query and its answer in a list of runs


class RunResult(msgspec.Struct, frozen=True, kw_only=True):
    """What POST /query answers; `answer` is partial unless `success`: a text, or a JSON value that fits the `answer_schema`.

    `baseline_tokens`: about what sending the whole input once would have taken; `token_savings_pct`: what of it the run, with
    all its sub-calls and failed attempts, did not use; negative if it used more.
    `bypassed`: it was one call with the whole context (route "direct").
    """

    run_id: str
    success: bool
    answer: Any
    error: str | None
    stopped: State
    iterations: int
    sub_calls: int
    usage: RunUsage
    baseline_tokens: int
    token_savings_pct: float
    duration_ms: int
    bypassed: bool = False


class RunSummary(RunResult, frozen=True, kw_only=True):
    """A result with what was asked, when (RFC 3339) and of which models. `status`: how it stopped, or what it does now."""

    query: str
    status: Status = "running"
    started_at: str = ""
    models: list[str] = []
    session_id: str | None = None


def result(events: Sequence[AnyEvent]) -> RunResult:
    """The result of a run; `stopped` is "running" while it is not finished."""
    started = run_started(events)
    answer: Any = None
    error: str | None = None
    stopped: State = "running"
    iterations = sub_calls = 0
    for event in events:
        match event:
            case ModelReplied():
                iterations += not event.best_answer
            case SubcallStarted() | ChildStarted():
                sub_calls += 1
            case Answer():
                answer = msgspec.json.decode(event.text) if event.typed else event.text
            case RunFinished():
                stopped, error = event.stopped, event.error
    used, baseline = usage(own(events)), baseline_tokens(events)
    return RunResult(
        run_id=started.run_id,
        success=stopped == "answered",
        answer=answer,
        error=error,
        stopped=stopped,
        iterations=iterations,
        sub_calls=sub_calls,
        usage=used,
        baseline_tokens=baseline,
        token_savings_pct=savings_pct(baseline, used),
        duration_ms=round(events[-1].at * 1000),
        bypassed=started.route == "direct",
    )


def summary(events: Sequence[AnyEvent]) -> RunSummary:
    """The result of a run, and what it was asked. Whether it is queued or parked, its events do not say."""
    started, found = run_started(events), result(events)
    status: Status = found.stopped
    if status == "running" and waits_for_models(events):
        status = "waiting"
    began = datetime.datetime.fromtimestamp((started.began_ns or started.clock_start_ns) / 1e9, datetime.UTC)
    return RunSummary(
        **msgspec.structs.asdict(found),
        query=started.query,
        status=status,
        started_at=began.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        models=sorted({*found.usage.models, *filter(None, (started.root_model, started.sub_model))}),
        session_id=started.session_id,
    )


def waits_for_models(events: Sequence[AnyEvent]) -> bool:
    """Whether a run that has not ended has asked a model, and not heard from it."""
    answered: set[int] = set()
    for event in reversed(events):
        match event:
            case SubcallFinished() | ChildFinished():
                answered.add(event.subcall)
            case SubcallStarted() | ChildStarted() if event.subcall not in answered:
                return True
            case ModelCalled():
                return True
            case ModelReplied() | ModelFailed() | CellStarted() | RunFinished():
                return False
    return False


def excerpt(events: Sequence[AnyEvent]) -> RunSummary:
    """A summary for a list: of long texts the beginning."""
    found = summary(events)
    answer = next((event.text[:LISTED] for event in reversed(events) if isinstance(event, Answer)), None)
    return msgspec.structs.replace(found, query=found.query[:LISTED], answer=answer)
