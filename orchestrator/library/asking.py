"""What may be said of one question, beside its context."""

from typing import Any, TypedDict

from orchestrator.config import Protocol
from orchestrator.contexts.context import Context
from orchestrator.journal.events import Route
from orchestrator.runs.query import Query, WantedLimits


class Asking(TypedDict, total=False):
    """Limits below the configured ones; models among the configured ones; `cache`: False makes every sub-call anew.

    `verify`: a sub-model is asked about the answer before it stands.
    `route`: "direct" is one call with the whole context, which must fit the model's window.
    `answer_schema`: a JSON Schema that the answer, a value then, has to fit.
    """

    max_iterations: int | None
    max_sub_calls: int | None
    max_total_tokens: int | None
    max_cost: float | None
    max_seconds: float | None
    max_fuel: int | None
    max_depth: int | None
    protocol: Protocol | None
    root_model: str | None
    sub_model: str | None
    cache: bool
    answer_schema: dict[str, Any] | None
    route: Route
    verify: bool


def split(question: str, context: Context, asking: Asking) -> tuple[Query, WantedLimits]:
    """As a run is started. Raises TypeError if there is no such thing to say."""
    said: dict[str, Any] = dict(asking)
    limits = {name: said.pop(name) for name in WantedLimits.__struct_fields__ if name in said}
    return Query(question, context, **said), WantedLimits(**limits)
