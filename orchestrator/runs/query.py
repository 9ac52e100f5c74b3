"""What a caller asks, and what is wrong with it before a model is paid."""

import msgspec

from orchestrator.config import Protocol
from orchestrator.contexts.context import Context
from orchestrator.errors import AboveCap, InvalidRequest
from orchestrator.journal.events import Route
from orchestrator.providers.messages import OwnModels, Schema
from orchestrator.runs import schemas

EMPTY = {
    "text": "context: it is empty",
    "documents": "documents: there is none, or all are empty",
    "json": 'context: null, "", [] and {} are empty',
    "messages": "messages: there is none, or all are empty",
}


class Query(msgspec.Struct, frozen=True):
    """What the caller asks; the language that the root model is taught, and the models (None: those that are configured).

    `own`: models of the caller's, instead of the configured ones.
    `cache`: sub-calls may be answered by replies that were paid for before, and theirs are kept. `owner`: who alone may see it.
    `verify`: a sub-model is asked about the answer before it stands.
    `route`: "direct" is one call with the whole context.
    `answer_schema`: what the answer has to fit, which is a value then.
    `session_id`: the caller's name for a row of questions, each of which goes on after the last.
    """

    text: str
    context: Context
    protocol: Protocol | None = None
    root_model: str | None = None
    sub_model: str | None = None
    cache: bool = True
    own: OwnModels | None = None
    owner: str = ""
    session_id: str | None = None
    answer_schema: Schema | None = None
    route: Route = "rlm"
    verify: bool = False


class WantedLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What the caller sets lower than the configuration; None: as configured."""

    max_iterations: int | None = None
    max_sub_calls: int | None = None
    max_total_tokens: int | None = None
    max_cost: float | None = None
    max_seconds: float | None = None
    max_fuel: int | None = None
    max_depth: int | None = None


def check(query: Query, most_chars: int) -> None:
    """Raises InvalidRequest, AboveCap."""
    if len(query.text) > most_chars:
        raise AboveCap(
            f"query: its {len(query.text)} characters are above this server's {most_chars} (server.query_chars); "
            "what is long belongs into the context"
        )
    if not query.text.strip():
        raise InvalidRequest("query: it is empty")
    try:
        query.text.encode()
    except UnicodeEncodeError as error:
        raise InvalidRequest(f"query: a lone surrogate at code point {error.start} is not text") from None
    if query.verify and query.route == "direct":
        raise InvalidRequest('verify: a direct answer has no evidence but the input itself; ask with route "rlm"')
    if query.answer_schema is not None:
        schemas.check(query.answer_schema, "answer_schema")
    if query.context.is_empty:
        raise InvalidRequest(EMPTY[query.context.kind])
