"""What happened in a run: one tagged union, written in order. If it is not here, it did not happen.

Times (`at`) are seconds since the run started.
"""

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from orchestrator.config import SandboxSettings
from orchestrator.sandbox.limits import Effects

CellKind = Literal["python", "commands"]
Stopped = Literal[
    "answered",
    "max_iterations",
    "max_sub_calls",
    "max_seconds",
    "max_fuel",
    "provider_error",
    "cancelled",
    "internal_error",
]


class Usage(msgspec.Struct, frozen=True):
    """Tokens, as the provider counted them; `estimated` where it did not and they are length / 4."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    estimated: bool = False

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.estimated or other.estimated,
        )


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What a model call brought. `usage` is that of all attempts; `reasoning` is kept, never parsed."""

    provider: str
    text: str
    reasoning: str
    usage: Usage
    attempts: int
    seconds: float


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="event"):
    at: float = 0.0


class RunStarted(Event, frozen=True, kw_only=True, tag="run_started"):
    """Everything that a re-execution depends on, beside the replies and host calls that follow."""

    run_id: str
    query: str
    context_id: str
    context_kind: Literal["text", "documents", "json", "messages"]
    context_lengths: tuple[int, ...]
    max_iterations: int
    max_sub_calls: int
    max_seconds: float
    max_fuel: int
    protocol: str
    output_limit: int
    sandbox: SandboxSettings
    seed: int
    clock_start_ns: int
    component_sha256: str


class ModelCalled(Event, frozen=True, kw_only=True, tag="model_called"):
    """`told`: the texts that are new since the run's last call, the system prompt and the question in the first."""

    turn: int
    prompt_chars: int
    told: tuple[str, ...]


class ModelReplied(Event, frozen=True, kw_only=True, tag="model_replied"):
    """`best_answer`: the one call after the last turn, which is no turn itself."""

    turn: int
    reply: Reply
    best_answer: bool = False


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


class HostCall(Event, frozen=True, kw_only=True, tag="host_call"):
    """One call of a cell through the host import, in order; written when the cell has ended.

    `result` or `error` is what the guest was given, as JSON; `fuel` is what a module took of the cell's.
    """

    turn: int
    cell: int
    name: str
    arguments_sha256: str
    result: msgspec.Raw
    error: Any
    fuel: int = 0


class SubcallStarted(Event, frozen=True, kw_only=True, tag="subcall_started"):
    turn: int
    cell: int
    subcall: int
    prompt: str


class SubcallReused(Event, frozen=True, kw_only=True, tag="subcall_reused"):
    """A prompt that a rolled-back cell had paid for: sub-call `subcall` answers it again, free."""

    turn: int
    cell: int
    subcall: int


class SubcallFinished(Event, frozen=True, kw_only=True, tag="subcall_finished"):
    turn: int
    cell: int
    subcall: int
    reply: Reply | None
    error: str | None


class Answer(Event, frozen=True, kw_only=True, tag="answer"):
    """`partial` where a limit ended the run before the model answered."""

    text: str
    partial: bool


class RunFinished(Event, frozen=True, kw_only=True, tag="run_finished"):
    stopped: Stopped
    error: str | None


AnyEvent = (
    RunStarted
    | ModelCalled
    | ModelReplied
    | Unparsed
    | CellStarted
    | CellFinished
    | CellRolledBack
    | HostCall
    | SubcallStarted
    | SubcallReused
    | SubcallFinished
    | Answer
    | RunFinished
)


def run_started(events: Sequence[AnyEvent]) -> RunStarted:
    """The first event of a run."""
    first = events[0]
    if not isinstance(first, RunStarted):
        raise ValueError("the first event of a run must be run_started")
    return first
