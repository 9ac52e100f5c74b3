"""The limits of a run and of its cells, as its first event has them."""

import msgspec


class RecordedRunLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Those that a run had, whatever the configuration says by now. None: there was no limit."""

    max_iterations: int
    max_sub_calls: int
    max_seconds: float
    max_fuel: int
    max_depth: int = 0
    max_total_tokens: int | None = None
    max_cost: float | None = None


class RecordedCellLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Those that each of its cells had."""

    fuel: int
    seconds: float
    memory_bytes: int
    output_chars: int
    context_inline_limit: int
