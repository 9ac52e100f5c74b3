"""The beginning that a run has from another one: its events up to a turn, or what its cells left."""

import re
from collections.abc import Sequence

import msgspec

from orchestrator.config import Protocol
from orchestrator.dialogue import reports
from orchestrator.errors import Conflict, InvalidRequest
from orchestrator.journal import results
from orchestrator.journal.events import (
    FORMAT,
    Answer,
    AnyEvent,
    CellFinished,
    CellRolledBack,
    CellStarted,
    HostCalled,
    ModelCalled,
    ModelReplied,
    RunFinished,
    run_started,
)
from orchestrator.journal.parts import Asked
from orchestrator.providers.messages import Reply, Usage
from orchestrator.runs.query import WantedLimits

BY_CALLER = "the caller"  # who gave a reply that no model gave
MOST_EARLIER = 20  # questions that a prompt tells of
BEFORE_ALL = 0  # the turn of cells that earlier runs executed
EXCERPT = 300  # characters of each, and of its answer


class Fork(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a run is forked, and what is otherwise from there on: exactly one of the others.

    `reply` stands in for the root's reply of that turn, `code` for a reply of that one block; with `model` or `limits` the root
    is asked anew.
    """

    turn: int
    reply: str | None = None
    code: str | None = None
    model: str | None = None
    limits: WantedLimits | None = None


def check(fork: Fork) -> None:
    """Raises InvalidRequest."""
    if sum(each is not None for each in (fork.reply, fork.code, fork.model, fork.limits)) != 1:
        raise InvalidRequest("send exactly one of reply, code, model and limits")


def before_turn(events: Sequence[AnyEvent], fork: Fork) -> list[AnyEvent]:
    """What the fork has of them, behind the first: also the reply that it is given. Raises Conflict, InvalidRequest."""
    _check_format(events)
    turns = {event.turn: (place, event) for place, event in enumerate(events) if isinstance(event, ModelCalled)}
    if fork.turn not in turns:
        raise InvalidRequest(f"turn: the run has the turns 1 to {max(turns, default=0)}")
    place, called = turns[fork.turn]
    copied = list(events[1:place])
    text = _given(fork, run_started(events).protocol)
    if text is None:
        return copied
    reply = Reply(provider=BY_CALLER, text=text, reasoning="", usage=Usage(), attempts=0, seconds=0.0, cost=0.0, last_cost=0.0)
    asked = reports.best_answer(run_started(events).answer_schema)
    best_answer = called.texts[-1:] == (asked,)  # that call is no turn of the loop
    return [*copied, called, ModelReplied(turn=fork.turn, reply=reply, best_answer=best_answer, at=called.at)]


def _given(fork: Fork, protocol: Protocol) -> str | None:
    if fork.code is None:
        return fork.reply
    # Longer than any within, as in Markdown.
    longest = max((len(each) for each in re.findall("`+", fork.code)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{protocol}\n{fork.code}\n{fence}"


def at_end(events: Sequence[AnyEvent]) -> list[AnyEvent]:
    """The cells that made what its variables hold at its end; no time has passed. Raises Conflict."""
    _check_format(events)
    if not isinstance(events[-1], RunFinished):
        raise Conflict(f"the run {run_started(events).run_id} still goes on: ask when it has ended")
    kept: list[CellStarted | HostCalled | CellFinished | CellRolledBack] = []
    cell: list[CellStarted | HostCalled] = []
    for event in events[1:]:
        match event:
            case CellStarted():
                cell = [event]
            case HostCalled():
                cell.append(event)
            case CellFinished():
                kept += [*cell, event]
            case CellRolledBack() if event.lost:
                # What was before is gone, but for what it took of the run's clock and random numbers.
                kept += [cell[0], event]
    return [msgspec.structs.replace(each, at=0.0, turn=BEFORE_ALL) for each in kept]


def count_cells(events: Sequence[AnyEvent]) -> int:
    return sum(isinstance(each, CellStarted) for each in events)


def asked(events: Sequence[AnyEvent]) -> tuple[Asked, ...]:
    """The questions before the next one, the last of them this run's."""
    started = run_started(events)
    answer = next((event.text for event in reversed(events) if isinstance(event, Answer)), None)
    last = Asked(started.query[:EXCERPT], None if answer is None else answer[:EXCERPT])
    return (*started.earlier, last)[-MOST_EARLIER:]


def _check_format(events: Sequence[AnyEvent]) -> None:
    """Raises Conflict."""
    started = run_started(events)
    if started.format != FORMAT:
        raise Conflict(f"the run {started.run_id} is of an older version of this program, which alone can execute it again")
    if results.result(events).stopped == "not_resumable":
        raise Conflict(f"the run {started.run_id} cannot be executed again: {results.result(events).error}")
