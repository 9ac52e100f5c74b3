"""What events are made of, beside replies and calls. A field that is added needs a default, as theirs do."""

import msgspec

from orchestrator.providers.messages import Usage


class RecordedRunLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Those that a run had, whatever the configuration says by now."""

    max_iterations: int
    max_sub_calls: int
    max_seconds: float
    max_fuel: int
    max_depth: int = 0


class RecordedCellLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Those that each of its cells had."""

    fuel: int
    seconds: float
    memory_bytes: int
    output_chars: int
    context_inline_limit: int


class ForkedFrom(msgspec.Struct, frozen=True):
    """The run that another one shares a beginning with: up to before its reply `turn`, or all that its cells left (None)."""

    run_id: str
    turn: int | None


class Asked(msgspec.Struct, frozen=True):
    """An earlier question over the same context and variables, and what was answered (None: nothing); of long texts the
    beginning."""

    query: str
    answer: str | None


class Spent(msgspec.Struct, frozen=True):
    """What one model brought to a reply, or to all replies of a child run. `retried`: in attempts that brought none."""

    model: str
    calls: int
    usage: Usage
    cost: float | None
    retried: bool = False
    hits: int = 0
