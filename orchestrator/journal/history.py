"""What a run did, turn by turn, in the shapes that the API shows. Folds over events, nothing else."""

from collections.abc import Iterable, Sequence

import msgspec

from orchestrator.journal.events import (
    Answer,
    AnswerRefused,
    AnyEvent,
    CellFinished,
    CellRolledBack,
    CellStarted,
    ChildFinished,
    ChildStarted,
    ModelCalled,
    ModelFailed,
    ModelReplied,
    Protocol,
    SubcallFinished,
    SubcallStarted,
    Unparsed,
    run_started,
)
from orchestrator.journal.parts import ForkedFrom
from orchestrator.journal.results import RunSummary, summary
from orchestrator.providers.messages import Reply

EXCERPT = 2000  # code points of a sub-call's prompt and reply


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
    """One sub-call, or the child run `run_id`; of long texts the beginning. Times are since the run's start; `finished_ms` is
    None meanwhile."""

    subcall: int
    prompt: str
    prompt_chars: int
    started_ms: int
    finished_ms: int | None = None
    provider: str | None = None
    reply: str | None = None
    error: str | None = None
    run_id: str | None = None


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


class RunDetail(RunSummary, frozen=True, kw_only=True):
    """What POST /debug answers: the result, and every turn. `forks`: the runs that were begun from this one. `parent`: the run
    whose child it is, at `depth`."""

    context_id: str
    context_length: int
    protocol: Protocol
    forked_from: ForkedFrom | None
    forks: Sequence[str] = ()
    parent: str | None = None
    depth: int = 0
    history: list[Turn]


def detail(events: Sequence[AnyEvent]) -> RunDetail:
    """The result of a run, its query, and its turns so far."""
    started = run_started(events)
    return RunDetail(
        **msgspec.structs.asdict(summary(events)),
        context_id=started.context_id,
        context_length=started.context_length,
        protocol=started.protocol,
        forked_from=started.forked_from,
        parent=started.parent,
        depth=started.depth,
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
        case SubcallStarted() | SubcallFinished() | ChildStarted() | ChildFinished():
            _add_sub_query(turn, event)
        case Answer() if not turn.actions:
            turn.actions.append(TurnAction(kind="answer", started_ms=_ms(event), output=event.text))


def _add_sub_query(turn: Turn, event: SubcallStarted | SubcallFinished | ChildStarted | ChildFinished) -> None:
    match event:
        case SubcallStarted():
            prompt = event.prompt[:EXCERPT]
            length = len(event.prompt)
            turn.sub_queries.append(SubQuery(subcall=event.subcall, prompt=prompt, prompt_chars=length, started_ms=_ms(event)))
        case SubcallFinished():
            turn.sub_calls += 1
            _add_usage(turn, event.reply)
            _close_sub_query(next(each for each in turn.sub_queries if each.subcall == event.subcall), event)
        case ChildStarted():
            found = SubQuery(
                subcall=event.subcall,
                prompt=event.query[:EXCERPT],
                prompt_chars=len(event.query) + event.context_length,
                started_ms=_ms(event),
                run_id=event.run_id,
            )
            turn.sub_queries.append(found)
        case ChildFinished():
            turn.sub_calls += 1
            query = next(each for each in turn.sub_queries if each.subcall == event.subcall)
            query.finished_ms, query.error = _ms(event), event.error
            query.reply = None if event.answer is None else event.answer[:EXCERPT]
            for each in event.spent:
                turn.sub_prompt_tokens += each.usage.prompt_tokens
                turn.sub_completion_tokens += each.usage.completion_tokens


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
