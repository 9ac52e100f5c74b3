"""What happened in a run: one tagged union, written in order. If it is not here, it did not happen.

This is a format that outlives the program: tests/cases/journals has journals that every later version must read. A field
that is added needs a default that means "as before"; any other change needs a new FORMAT (CONTRIBUTING.md says how).
Times (`at`) are seconds since the run started.
"""

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from orchestrator.amounts import SpentLimit
from orchestrator.contexts.context import Kind
from orchestrator.journal.limits import RecordedCellLimits, RecordedRunLimits
from orchestrator.journal.parts import Asked, ForkedFrom, Spent, Stopped
from orchestrator.providers.messages import Reply
from orchestrator.sandbox.messages import PLAIN, CallRecord, CellKind, Effects, Manner

# 1: the clock of a run went by readings. 2: it goes by the work of its cells, so that only these are executed again.
FORMAT = 2
NO_CELL = 0  # of a sub-call that the run makes itself

Protocol = Literal["python", "json"]
Route = Literal["rlm", "direct"]  # code and sub-calls over the context, or one call with all of it


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="event"):
    """What all events have."""

    at: float = 0.0


class RunStarted(Event, frozen=True, kw_only=True, tag="run_started"):
    """Everything that a re-execution depends on, beside the replies and host calls that follow.

    `context_length`: code points of all documents, `context_count`: how many those are (1 for what is not documents).
    `sub_prompt_chars`: what a prompt to a sub-model can have, if that is known; the models are those that the request named.
    `own_key`: the caller brought them, with a key that is kept nowhere.
    `cache`: its sub-calls may be answered by replies that other runs paid for; other runs of `owner`, the name of a token.
    `began_ns`: since 1970; the guest's own clock starts at `clock_start_ns`, which a fork has from its origin (0: the same).
    `copied`: so many events behind this one are those of the run that it is `forked_from`, and paid for by that.
    `answer_schema`: what its answer, a value then, has to fit. `history_chars`: how long its conversation may be (None: any).
    `parent`: the run whose child it is, at `depth`; the root's is 0.
    `earlier_cells`: so many cells are of the `earlier` questions: they only bring the variables back.
    """

    format: int
    run_id: str
    query: str
    context_id: str
    context_kind: Kind
    context_length: int
    context_count: int
    protocol: Protocol
    output_limit: int
    limits: RecordedRunLimits
    cell_limits: RecordedCellLimits
    seed: int
    clock_start_ns: int
    component_sha256: str
    sub_prompt_chars: int | None = None
    root_model: str | None = None
    sub_model: str | None = None
    own_key: bool = False
    cache: bool = False
    owner: str = ""
    began_ns: int = 0
    session_id: str | None = None
    forked_from: ForkedFrom | None = None
    copied: int = 0
    earlier: tuple[Asked, ...] = ()
    earlier_cells: int = 0
    parent: str | None = None
    depth: int = 0
    answer_schema: dict[str, Any] | None = None
    history_chars: int | None = None
    route: Route = "rlm"
    verify: bool = False


class HistoryCompacted(Event, frozen=True, kw_only=True, tag="history_compacted"):
    """The conversation was too long: before the reply `turn` its outputs were shortened, and the variables listed in a cell."""

    turn: int


class ModelCalled(Event, frozen=True, kw_only=True, tag="model_called"):
    """`texts`: what is new since the run's last call; in the first one, the system prompt and the question.

    Behind a history_compacted all is new.
    """

    turn: int
    prompt_chars: int
    texts: tuple[str, ...]


class ModelReplied(Event, frozen=True, kw_only=True, tag="model_replied"):
    """`best_answer`: the one call after the last turn, which is no turn itself."""

    turn: int
    reply: Reply
    best_answer: bool = False


class ModelFailed(Event, frozen=True, kw_only=True, tag="model_failed"):
    """The call brought no reply, in all its attempts; `reply` is what came of one, and what that cost."""

    turn: int
    error: str
    reply: Reply | None = None


class ModelWaits(Event, frozen=True, kw_only=True, tag="model_waits"):
    """A rate limit, or a failure that may pass, holds a call back for so many seconds: that of a turn, or of a sub-call."""

    turn: int | None
    subcall: int | None
    provider: str
    seconds: float
    reason: str


class Unparsed(Event, frozen=True, kw_only=True, tag="unparsed"):
    """A reply with nothing to act on; `reason` is what the model is told."""

    turn: int
    reason: str


class CellStarted(Event, frozen=True, kw_only=True, tag="cell_started"):
    """`code` is Python, or a JSON array of commands."""

    turn: int
    cell: int
    kind: CellKind
    code: str


class CellFinished(Event, frozen=True, kw_only=True, tag="cell_finished"):
    """`output` is what the root sees of it; `error` an exception in the cell. `loaded`: the run began with its context."""

    turn: int
    cell: int
    output: str
    output_chars: int
    error: str | None
    answer: str | None
    fuel: int
    guest_seconds: float
    effects: Effects
    loaded: bool


class CellRolledBack(Event, frozen=True, kw_only=True, tag="cell_rolled_back"):
    """The cell was stopped at a limit: for the guest it never was. `message` is what the model is told."""

    turn: int
    cell: int
    limit: str
    message: str
    fuel: int
    guest_seconds: float
    lost: bool
    effects: Effects
    loaded: bool


class HostCalled(Event, frozen=True, kw_only=True, tag="host_call"):
    """A call of a cell through the host import, written when it was answered."""

    turn: int
    cell: int
    call: CallRecord


class SubcallStarted(Event, frozen=True, kw_only=True, tag="subcall_started"):
    """A prompt goes to a sub-model; `subcall` counts from 1 over the run, and so does `batch`: those that are sent together."""

    turn: int
    cell: int
    subcall: int
    prompt: str
    batch: int = 0
    manner: Manner = PLAIN


class ChildStarted(Event, frozen=True, kw_only=True, tag="child_started"):
    """A child run begins, as sub-call `subcall`: `run_id` has a journal of its own. `context_length`: in code points."""

    turn: int
    cell: int
    subcall: int
    batch: int
    run_id: str
    query: str
    context_id: str
    context_length: int
    limits: RecordedRunLimits
    model: str | None = None
    schema: dict[str, Any] | None = None


class ChildFinished(Event, frozen=True, kw_only=True, tag="child_finished"):
    """It has ended; `error` says why without an answer, which is partial then. What it spent, its own children included."""

    turn: int
    cell: int
    subcall: int
    run_id: str
    answer: str | None
    error: str | None
    sub_calls: int = 0
    fuel: int = 0
    spent: tuple[Spent, ...] = ()


class SubcallReused(Event, frozen=True, kw_only=True, tag="subcall_reused"):
    """A prompt that was paid for, in a rolled-back cell or a batch that failed: sub-call `subcall` answers it again, free."""

    turn: int
    cell: int
    subcall: int
    batch: int = 0


class SubcallFinished(Event, frozen=True, kw_only=True, tag="subcall_finished"):
    """It came back; `reply` is what all its askings brought. Both are there if it is empty, broke off or fits no schema."""

    turn: int
    cell: int
    subcall: int
    reply: Reply | None
    error: str | None


class CallRefused(Event, frozen=True, kw_only=True, tag="call_refused"):
    """The root model's next call could have passed this limit, and was not sent; `best_answer`: the one after the last turn."""

    turn: int
    limit: SpentLimit
    best_answer: bool = False


class AnswerRefused(Event, frozen=True, kw_only=True, tag="answer_refused"):
    """The model answered, and the answer was not taken; `reason` is what it is told."""

    turn: int
    reason: str


class Answer(Event, frozen=True, kw_only=True, tag="answer"):
    """`partial` if a limit ended the run before the model answered; `typed`: it is JSON that fits the run's schema."""

    text: str
    partial: bool
    typed: bool = False


class RunFinished(Event, frozen=True, kw_only=True, tag="run_finished"):
    """The last event; `error` is for the caller."""

    stopped: Stopped
    error: str | None


AnyEvent = (
    RunStarted
    | HistoryCompacted
    | ModelCalled
    | ModelReplied
    | ModelFailed
    | ModelWaits
    | Unparsed
    | CellStarted
    | CellFinished
    | CellRolledBack
    | HostCalled
    | SubcallStarted
    | SubcallReused
    | SubcallFinished
    | ChildStarted
    | ChildFinished
    | CallRefused
    | AnswerRefused
    | Answer
    | RunFinished
)


def run_started(events: Sequence[AnyEvent]) -> RunStarted:
    """The first event of a run."""
    first = events[0]
    if not isinstance(first, RunStarted):
        raise ValueError("the first event of a run must be run_started")
    return first
