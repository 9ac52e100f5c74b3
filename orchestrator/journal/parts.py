"""What events are made of, beside replies and calls. A field that is added needs a default, as theirs do."""

from typing import Literal

import msgspec

from orchestrator.providers.messages import Usage

Stopped = Literal[
    "answered",
    "max_iterations",
    "max_sub_calls",
    "max_seconds",
    "max_fuel",
    "max_total_tokens",
    "max_cost",
    "max_journal",
    "store_full",
    "repeated_reply",
    "provider_error",
    "cancelled",
    "not_resumable",
    "internal_error",
]


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
