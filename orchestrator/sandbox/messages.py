"""What goes into a guest and what comes out of it: structs alone, so that a socket could carry them.

Opening -> a guest; CellRequest -> CellOutcome | Trap. While a cell runs, HostCall -> HostResult is what the run answers, and
a CallRecord reports each call of the cell, in order, before anything that follows from it is shown to anyone.
"""

from typing import Any, Literal

import msgspec

from orchestrator.config import CellLimits

# About so much is a second of computing; the run's own clock goes by it.
FUEL_PER_SECOND = 10_000_000_000

CellKind = Literal["python", "commands"]
# fuel, seconds: a limit of the cell; stack: nested too deeply in C; cancelled: the run is over;
# aborted: the interpreter ended itself, or its report was not one
TrapKind = Literal["fuel", "seconds", "stack", "transfer", "cancelled", "aborted"]


class Function(msgspec.Struct, frozen=True):
    """A function that a cell can call, as the guest describes it."""

    name: str
    signature: str
    summary: str


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """What a guest begins with, beside its context.

    `loaded`: whether its first cell begins with the context loaded; None lets that cell decide.
    """

    seed: int
    clock_start_ns: int
    limits: CellLimits
    loaded: bool | None = None


class HostError(msgspec.Struct, frozen=True):
    """Why a call has no result: the guest raises `type`."""

    type: str
    message: str


class CallRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Call `number` (from 1) of a cell: the sha256 of its arguments, what came back, and the fuel that a module took."""

    number: int
    name: str
    arguments_sha256: str
    result: msgspec.Raw
    error: HostError | None
    fuel: int


class CellRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One cell, or a JSON array of commands.

    `names_context`: it is better begun with the context loaded. `fuel`: of what its run has left, if that is less than a
    cell's limit. `recorded`: the calls of its first execution, which went to its end: they are answered with what they were
    given then, it may make no others, and no clock stops it.
    """

    number: int
    kind: CellKind
    text: str
    names_context: bool
    fuel: int
    recorded: tuple[CallRecord, ...] | None = None


class Manner(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a sub-model is asked, beside the prompt: what it is told before it, the JSON Schema that its reply is held to.

    `model`: another than the run's, among those for sub-calls. `max_tokens`: of its reply, if that is less than configured.
    """

    system: str | None = None
    schema: dict[str, Any] | None = None
    model: str | None = None
    max_tokens: int | None = None


PLAIN = Manner()


class Prompt(msgspec.Struct, frozen=True):
    """To a sub-model, and how it is asked."""

    text: str
    manner: Manner = PLAIN


class ChildQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a child run is asked, over one of: a text, texts, a JSON value, code points [start, stop) of the context (stop -1:
    to its end), some of its documents by number or name; over the whole context, if there is none of these.
    """

    query: str
    text: str | None = None
    texts: list[str] | None = None
    value: Any = msgspec.UNSET
    part: tuple[int | None, int | None] | None = None
    documents: list[int | str] | None = None
    schema: dict[str, Any] | None = None
    model: str | None = None
    max_iterations: int | None = None


class HostCall(msgspec.Struct, frozen=True):
    """Prompts to sub-models, sent together; or child runs, begun together; or the question what is left of the budget."""

    prompts: tuple[Prompt, ...] = ()
    children: tuple[ChildQuery, ...] = ()
    name: Literal["llm_query", "rlm_query", "budget"] = "llm_query"


class SubReply(msgspec.Struct, frozen=True, omit_defaults=True):
    """The answer to one prompt or query (JSON, if it was held to a schema), or why there is none.

    `partial`: what a child run had of an answer. `note`: what was done otherwise than asked.
    """

    text: str | None = None
    error: str | None = None
    partial: str | None = None
    note: str | None = None


class BudgetLeft(msgspec.Struct, frozen=True, kw_only=True):
    """What a cell may still use of its run's limits; `cost` is in US dollars. None: there is no limit."""

    turns: int
    sub_calls: int
    tokens: int | None
    cost: float | None
    seconds: float


class HostResult(msgspec.Struct, frozen=True):
    """A reply for each prompt; `error`: why nothing was sent; `left`: if that was asked."""

    replies: tuple[SubReply, ...] = ()
    error: HostError | None = None
    left: BudgetLeft | None = None


class Effects(msgspec.Struct, frozen=True):
    """What a cell asked of the host beside calls: reads of the context, and how far clock and randomness are after it."""

    context_reads: int
    reads_sha256: str
    clock_ns: int
    random_draws: int


class CellOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a cell did. `head` and `tail` are what was kept of an output of `length` code points.

    `answer` is the answer that stands after the cell, as JSON if it was no text, `draft` what `answer["content"]` holds
    meanwhile; `loaded`: the guest began with its context loaded.
    """

    head: str
    tail: str
    length: int
    error: str | None
    answer: str | None
    draft: str | None
    fuel: int
    seconds: float
    effects: Effects
    loaded: bool
    answer_is_json: bool = False


class Line(msgspec.Struct, frozen=True):
    """A line of a cell, numbered from 1; its text is cut to what a message has room for."""

    number: int
    text: str


class Trap(msgspec.Struct, frozen=True, kw_only=True):
    """The cell was stopped and rolled back. `lost`: the state before it does not work either, so the guest begins anew.

    `within`, `line`: what it was in, and where, if that is known.
    """

    kind: TrapKind
    fuel: int
    seconds: float
    lost: bool
    effects: Effects
    loaded: bool
    within: Literal["re"] | None = None
    line: Line | None = None
