"""What the events of a run say: its result and its turns. Folds over a list of events, nothing else."""

from collections.abc import Iterable, Sequence

import msgspec

from orchestrator.events import (
    Answer,
    AnyEvent,
    CellFinished,
    CellStarted,
    CellTrapped,
    ModelReplied,
    Reply,
    RunFinished,
    RunStarted,
    SubcallFinished,
    SubcallStarted,
    Unparsed,
    Usage,
)


class RunUsage(msgspec.Struct, frozen=True):
    prompt_tokens: int
    completion_tokens: int


class RunResult(msgspec.Struct, frozen=True, kw_only=True):
    """What POST /query answers; `answer` is partial unless `success`."""

    run_id: str
    success: bool
    answer: str | None
    error: str | None
    stopped: str
    iterations: int
    sub_calls: int
    usage: RunUsage
    duration_ms: int


class Action(msgspec.Struct, kw_only=True):
    """One thing that a turn did. kind: python, commands, answer (in the text), unparsed."""

    kind: str
    code: str | None = None
    output: str = ""
    error: str | None = None
    fuel: int = 0
    guest_ms: int = 0


class Turn(msgspec.Struct, kw_only=True):
    """One root reply and its execution."""

    step: int
    llm_response: str
    reasoning: str
    actions: list[Action] = []
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
    """A result with what was asked."""

    query: str


class RunDetail(RunSummary, frozen=True, kw_only=True):
    """What POST /debug answers: the result, and every turn."""

    context_id: str
    context_length: int
    history: list[Turn]


def result(events: Sequence[AnyEvent]) -> RunResult:
    """The result of a run; `stopped` is "running" while it is not finished."""
    started = _started(events)
    answer: str | None = None
    error: str | None = None
    stopped = "running"
    iterations = sub_calls = 0
    usage = Usage()
    for event in events:
        match event:
            case ModelReplied():
                iterations += not event.best_answer
                usage += event.reply.usage
            case SubcallStarted():
                sub_calls += 1
            case SubcallFinished(reply=Reply() as reply):
                usage += reply.usage
            case Answer():
                answer = event.text
            case RunFinished():
                stopped, error = event.stopped, event.error
    return RunResult(
        run_id=started.run_id,
        success=stopped == "answered",
        answer=answer,
        error=error,
        stopped=stopped,
        iterations=iterations,
        sub_calls=sub_calls,
        usage=RunUsage(usage.prompt_tokens, usage.completion_tokens),
        duration_ms=round(events[-1].at * 1000),
    )


def summary(events: Sequence[AnyEvent]) -> RunSummary:
    """The result of a run and its query."""
    return RunSummary(**msgspec.structs.asdict(result(events)), query=_started(events).query)


def detail(events: Sequence[AnyEvent]) -> RunDetail:
    """The same and its turns so far."""
    started = _started(events)
    return RunDetail(
        **msgspec.structs.asdict(summary(events)),
        context_id=started.context_id,
        context_length=sum(started.context_lengths),
        history=turns(events),
    )


def _started(events: Sequence[AnyEvent]) -> RunStarted:
    first = events[0]
    if not isinstance(first, RunStarted):
        raise ValueError("the first event of a run must be run_started")
    return first


def turns(events: Iterable[AnyEvent]) -> list[Turn]:
    """The turns of a run so far; the one best-answer call at its end is the last."""
    found: list[Turn] = []
    for event in events:
        if isinstance(event, ModelReplied):
            found.append(_turn(event))
        elif found:
            _add(found[-1], event)
    return found


def _turn(event: ModelReplied) -> Turn:
    return Turn(
        step=event.turn,
        llm_response=event.reply.text,
        reasoning=event.reply.reasoning,
        prompt_tokens=event.reply.usage.prompt_tokens,
        completion_tokens=event.reply.usage.completion_tokens,
        model_ms=round(event.reply.seconds * 1000),
        actions=[],
    )


def _add(turn: Turn, event: AnyEvent) -> None:
    match event:
        case CellStarted():
            turn.actions.append(Action(kind=event.kind, code=event.code))
        case CellFinished():
            _close(turn, event.output, event.error, event)
        case CellTrapped():
            _close(turn, "", event.message, event)
        case Unparsed():
            turn.actions.append(Action(kind="unparsed", error=event.reason))
            turn.error = event.reason
        case SubcallFinished():
            turn.sub_calls += 1
            _add_usage(turn, event.reply)
        case Answer() if not turn.actions:
            turn.actions.append(Action(kind="answer", output=event.text))


def _add_usage(turn: Turn, reply: Reply | None) -> None:
    if reply is not None:
        turn.sub_prompt_tokens += reply.usage.prompt_tokens
        turn.sub_completion_tokens += reply.usage.completion_tokens
        turn.sub_calls_ms += round(reply.seconds * 1000)


def _close(turn: Turn, output: str, error: str | None, event: CellFinished | CellTrapped) -> None:
    action = turn.actions[-1]
    action.output, action.error = output, error
    action.fuel, action.guest_ms = event.fuel, round(event.guest_seconds * 1000)
    turn.output += output
    turn.error = error or turn.error
