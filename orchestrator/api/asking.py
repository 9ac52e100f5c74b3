"""What a request for a run says, and how it becomes one."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from orchestrator.api.body import StrictRequest
from orchestrator.api.own_keys import own_models
from orchestrator.config import Protocol
from orchestrator.contexts.context import Context
from orchestrator.contexts.json_body import ChatMessage
from orchestrator.errors import InvalidRequest
from orchestrator.journal.events import Route
from orchestrator.runs.beginning import Beginning
from orchestrator.runs.handles import RunHandle
from orchestrator.runs.owned import OwnedRuns
from orchestrator.runs.query import Query, WantedLimits
from orchestrator.runs.service import RunService
from orchestrator.server_settings import Base, Dollars
from orchestrator.store.messages import Key

_ID = r"^[0-9A-Za-z._:-]+$"


class NamedDocument(Base, frozen=True, kw_only=True):
    """A document with its name: a path, a title."""

    text: str
    name: str | None = None


class QueryRequest(Base, frozen=True, kw_only=True):
    """Exactly one of `context` (a string is text, any other value JSON), `documents`, `messages`, `context_id` and `after`.

    The first three become a `context_id` while the body arrives (body.py): here they are only documented.
    `root_model` and `sub_model` choose among the configured ones: an alias, PROVIDER/MODEL, or the model's name alone.
    `cache`: false makes every sub-call anew, and keeps none of its replies.
    `answer_schema`: a JSON Schema that the answer, a value then, has to fit; an answer that does not goes back to the model.
    `verify`: before the answer stands a sub-model is asked about it; a disagreement goes back to the root model, once.
    `route`: "direct" is one call with the whole context, if that fits the model's window; the result is `bypassed`.
    `after`: a run that has ended: this is a next question over its context and its variables.
    `detach`: the run goes on if the caller goes away, and after a restart of the server (as those of POST /runs always do).
    `session_id`: a name for a row of questions; without a context, the run goes on after the one begun last under that name.
    """

    query: Annotated[str, Meta(min_length=1, description="The question.", examples=["Who wrote most of these letters?"])]
    context: Annotated[Any, Meta(description="A string is a text, any other value JSON.")] = UNSET
    documents: Annotated[list[str | NamedDocument], Meta(min_length=1, description="Texts.")] | UnsetType = UNSET
    messages: Annotated[list[ChatMessage], Meta(min_length=1, description="A chat.")] | UnsetType = UNSET
    context_id: Annotated[str | UnsetType, Meta(description="Of POST /contexts.")] = UNSET
    after: Annotated[str, Meta(max_length=100, description="The id of a run that has ended.")] | None = None
    session_id: Annotated[str, Meta(min_length=1, max_length=100, pattern=_ID, description="A name of yours.")] | None = None
    max_iterations: Annotated[int, Meta(ge=1, description="At most what is configured.")] | None = None
    max_sub_calls: Annotated[int, Meta(ge=0, description="At most what is configured.")] | None = None
    max_total_tokens: Annotated[int, Meta(ge=1, description="Prompts and replies of all calls.")] | None = None
    max_cost: Annotated[Dollars, Meta(description="US dollars. At most what is configured.")] | None = None
    max_seconds: Annotated[float, Meta(gt=0, description="Of the run, waiting for models included.")] | None = None
    max_fuel: Annotated[int, Meta(ge=1, description="Of all its cells.")] | None = None
    max_depth: Annotated[int, Meta(ge=0, description="Of child runs; 0: none.")] | None = None
    protocol: Protocol | None = None
    root_model: str | None = None
    sub_model: str | None = None
    cache: bool = True
    route: Annotated[Route, Meta(description="direct: one call with the whole context.")] = "rlm"
    verify: bool = False
    answer_schema: Annotated[dict[str, Any], Meta(description="A JSON Schema.")] | None = None
    detach: bool = False


def owned_runs(request: StrictRequest) -> OwnedRuns:
    """Those of who asks."""
    return OwnedRuns(request.app.state.runs, request.auth.name)


async def prepare(data: QueryRequest, request: StrictRequest, runs: RunService) -> Beginning:
    """What a run for who asks begins with. Raises RequestError if there is none."""
    owned = owned_runs(request)
    wanted = WantedLimits(**{name: getattr(data, name) for name in WantedLimits.__struct_fields__})
    before = data.after
    if before is not None and data.context_id is not UNSET:
        raise InvalidRequest("after: a next question has the context of the run before; send no other")
    if before is None and data.context_id is UNSET and data.session_id is not None:
        before = await owned.last_of_session(data.session_id)

    def ask(context: Context) -> Query:
        return Query(
            data.query,
            context,
            data.protocol,
            data.root_model,
            data.sub_model,
            data.cache,
            own_models(request.headers),
            request.auth.name,
            data.session_id,
            data.answer_schema,
            data.route,
            data.verify,
        )

    if before is not None:
        return await owned.after(before, ask, wanted)
    if data.context_id is UNSET:
        raise InvalidRequest("send exactly one of context, context_id, documents, messages and after")
    return runs.beginnings.first(ask(request.contexts.get(data.context_id)), wanted)


def begin(beginning: Beginning, request: StrictRequest, runs: RunService, *, detached: bool) -> RunHandle:
    """A run, which is one of those that who asks may have at once. Raises RequestError if there is none."""
    request.auth.check_runs(runs.underway.count(request.auth.name))
    return runs.begin(beginning, detached=detached)


@asynccontextmanager
async def ended_without(request: StrictRequest, end: Callable[[], object]) -> AsyncIterator[None]:
    """`end` is called if who asks goes away first, and after it."""
    leaving = asyncio.create_task(_wait_for_disconnect(request))
    leaving.add_done_callback(lambda _left: end())
    try:
        yield
    finally:
        leaving.cancel()


async def _wait_for_disconnect(request: StrictRequest) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def key_of(given: str, request: StrictRequest, data: QueryRequest) -> Key:
    """An Idempotency-Key, as it is kept."""
    digests = (hashlib.sha256(each).digest() for each in (given.encode(), msgspec.json.encode(data)))
    return Key(request.auth.name, *digests)
