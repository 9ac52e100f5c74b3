"""What the events of a run say: its result and its turns, in the shapes that the API shows. Folds over events, nothing else."""

import datetime
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import msgspec

from orchestrator.journal.events import (
    Answer,
    AnswerRefused,
    AnyEvent,
    CellFinished,
    CellRolledBack,
    CellStarted,
    ForkedFrom,
    ModelCalled,
    ModelFailed,
    ModelReplied,
    Protocol,
    RunFinished,
    Stopped,
    SubcallFinished,
    SubcallStarted,
    Unparsed,
    run_started,
)
from orchestrator.journal.usage import RunUsage, baseline_tokens, own, savings_pct, usage
from orchestrator.providers.messages import Reply

State = Literal[Stopped, "running"]
# What a run does that has not ended: it waits for its turn; computes; waits for models, with a guest or without one.
Doing = Literal["queued", "running", "waiting", "parked"]
Status = Literal[Stopped, Doing]
EXCERPT = 2000  # code points of a sub-call's prompt and reply
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


class TurnAction(msgspec.Struct, kw_only=True):
    """One thing that a turn did. kind: python, commands, answer (in the text), unparsed."""

    kind: str
    started_ms: int
    finished_ms: int | None = None
    code: str | None = None
    output: str = ""
    error: str | None = None
    fuel: int = 0
    guest_ms: int = 0


class SubQuery(msgspec.Struct, kw_only=True):
    """One sub-call; of long texts the beginning. Times are since the run's start; `finished_ms` is None meanwhile."""

    subcall: int
    prompt: str
    prompt_chars: int
    started_ms: int
    finished_ms: int | None = None
    provider: str | None = None
    reply: str | None = None
    error: str | None = None


class Turn(msgspec.Struct, kw_only=True):
    """One root reply and its execution; `prompt` is what the model was told since its last reply."""

    step: int
    prompt: str
    llm_response: str
    reasoning: str
    started_ms: int
    actions: list[TurnAction] = []
    sub_queries: list[SubQuery] = []
    output: str = ""
    error: str | None = None
    sub_calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    sub_prompt_tokens: int = 0
    sub_completion_tokens: int = 0
    model_ms: int = 0
    sub_calls_ms: int = 0


class RunSummary(RunResult, frozen=True, kw_only=True):
    """A result with what was asked, when (RFC 3339) and of which models. `status`: how it stopped, or what it does now."""

    query: str
    status: Status = "running"
    started_at: str = ""
    models: list[str] = []
    session_id: str | None = None


class RunDetail(RunSummary, frozen=True, kw_only=True):
    """What POST /debug answers: the result, and every turn. `forks`: the runs that were begun from this one."""

    context_id: str
    context_length: int
    protocol: Protocol
    forked_from: ForkedFrom | None
    forks: list[str] = []
    history: list[Turn]


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
            case SubcallStarted():
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
            case SubcallFinished():
                answered.add(event.subcall)
            case SubcallStarted() if event.subcall not in answered:
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


def detail(events: Sequence[AnyEvent]) -> RunDetail:
    """The result of a run, its query, and its turns so far."""
    started = run_started(events)
    return RunDetail(
        **msgspec.structs.asdict(summary(events)),
        context_id=started.context_id,
        context_length=started.context_length,
        protocol=started.protocol,
        forked_from=started.forked_from,
        history=turns(events),
    )


def turns(events: Iterable[AnyEvent]) -> list[Turn]:
    """The turns of a run so far; the one best-answer call at its end is the last."""
    found: list[Turn] = []
    called: ModelCalled | None = None
    for event in events:
        if isinstance(event, ModelCalled):
            called = event
        elif isinstance(event, ModelReplied) and called is not None:
            found.append(_turn(called, event.reply))
        elif isinstance(event, ModelFailed) and called is not None and event.reply is not None:
            found.append(_turn(called, event.reply))
            found[-1].error = event.error
        elif found:
            _add(found[-1], event)
    return found


def _turn(called: ModelCalled, reply: Reply) -> Turn:
    return Turn(
        step=called.turn,
        prompt="\n\n".join(called.texts),
        started_ms=_ms(called),
        llm_response=reply.text,
        reasoning=reply.reasoning,
        prompt_tokens=reply.usage.prompt_tokens,
        completion_tokens=reply.usage.completion_tokens,
        model_ms=round(reply.seconds * 1000),
        actions=[],
        sub_queries=[],
    )


def _ms(event: AnyEvent) -> int:
    return round(event.at * 1000)


def _add(turn: Turn, event: AnyEvent) -> None:
    match event:
        case CellStarted():
            turn.actions.append(TurnAction(kind=event.kind, started_ms=_ms(event), code=event.code))
        case CellFinished():
            _close_action(turn, event.output, event.error, event)
        case CellRolledBack():
            _close_action(turn, "", event.message, event)
        case AnswerRefused():
            turn.error = event.reason
        case Unparsed():
            turn.actions.append(TurnAction(kind="unparsed", started_ms=_ms(event), error=event.reason))
            turn.error = event.reason
        case SubcallStarted():
            prompt = event.prompt[:EXCERPT]
            length = len(event.prompt)
            turn.sub_queries.append(SubQuery(subcall=event.subcall, prompt=prompt, prompt_chars=length, started_ms=_ms(event)))
        case SubcallFinished():
            turn.sub_calls += 1
            _add_usage(turn, event.reply)
            _close_sub_query(next(each for each in turn.sub_queries if each.subcall == event.subcall), event)
        case Answer() if not turn.actions:
            turn.actions.append(TurnAction(kind="answer", started_ms=_ms(event), output=event.text))


def _close_sub_query(query: SubQuery, event: SubcallFinished) -> None:
    query.finished_ms, query.error = _ms(event), event.error
    if event.reply is not None:
        query.provider, query.reply = event.reply.provider, event.reply.text[:EXCERPT]


def _add_usage(turn: Turn, reply: Reply | None) -> None:
    if reply is not None:
        turn.sub_prompt_tokens += reply.usage.prompt_tokens
        turn.sub_completion_tokens += reply.usage.completion_tokens
        turn.sub_calls_ms += round(reply.seconds * 1000)


def _close_action(turn: Turn, output: str, error: str | None, event: CellFinished | CellRolledBack) -> None:
    action = turn.actions[-1]
    action.output, action.error, action.finished_ms = output, error, _ms(event)
    action.fuel, action.guest_ms = event.fuel, round(event.guest_seconds * 1000)
    turn.output += output
    turn.error = error or turn.error
