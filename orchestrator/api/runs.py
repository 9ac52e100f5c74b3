"""GET /runs and what is under it: the runs that are kept, each with its turns, events, journal, metrics and listing.

Whole journals are read in a thread: the requests of others go on meanwhile.
"""

import asyncio
import datetime
from collections.abc import AsyncIterator, Sequence
from typing import Annotated, get_args

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec
from litestar.params import FromPath, HeaderParameter, QueryParameter
from litestar.response import Stream

from orchestrator.api.body import StrictRequest
from orchestrator.api.event_stream import EVENT_STREAM, JSON_LINES, as_events, as_lines, position, wants_lines
from orchestrator.api.openapi import RUNS, problems
from orchestrator.api.tokens import Caller
from orchestrator.errors import InvalidRequest
from orchestrator.journal.events import AnyEvent, run_started
from orchestrator.journal.export import script
from orchestrator.journal.history import RunDetail
from orchestrator.journal.lines import to_lines
from orchestrator.journal.listing import listing
from orchestrator.journal.metrics import RunMetrics, metrics
from orchestrator.journal.parts import Stopped
from orchestrator.journal.results import Doing, RunSummary
from orchestrator.runs.owned import OwnedRuns
from orchestrator.store.messages import Wanted

MOST_LISTED = 200  # of one answer
LATEST_NS = 1 << 62  # that the store has a number for
STATES = (*get_args(Doing), *get_args(Stopped))
Words = Annotated[str | None, QueryParameter(min_length=1, max_length=200)]
Time = Annotated[str | None, QueryParameter(max_length=40, description="RFC 3339, as 2026-01-31T12:00:00Z.")]


class RunList(msgspec.Struct, frozen=True):
    """The newest first; of long queries and answers the beginning. `next`: the `cursor` of the runs before these, if any."""

    runs: list[RunSummary]
    next: str | None


@get(
    "/runs",
    summary="The runs that are kept, the newest first, `limit` at once; older ones by `cursor`",
    tags=[RUNS],
    responses=problems(),
)
async def list_runs(  # noqa: PLR0913, PLR0917  (query parameters are arguments here)
    owned: NamedDependency[OwnedRuns],
    limit: Annotated[int, QueryParameter(ge=1, le=MOST_LISTED)] = 50,
    cursor: Annotated[int | None, QueryParameter(ge=1, lt=LATEST_NS)] = None,
    run_id: Annotated[Words, QueryParameter(description="How its id begins.")] = None,
    status: Annotated[str | None, QueryParameter(description=f"One of {', '.join(STATES)}.")] = None,
    text: Annotated[Words, QueryParameter(description="A part of the query or the answer, of their beginnings.")] = None,
    model: Annotated[Words, QueryParameter(description="A part of a model's name.")] = None,
    since: Time = None,
    until: Time = None,
) -> RunList:
    if status is not None and status not in STATES:
        raise InvalidRequest(f"status: it is one of {', '.join(STATES)}")
    before = min((each for each in (cursor, _time(until, "until")) if each is not None), default=None)
    wanted = Wanted(run_id=run_id, status=status, text=text, model=model, since=_time(since, "since"), before=before)
    found = await owned.newest_first(wanted, limit + 1)
    shown = found[:limit]
    return RunList([each.summary for each in shown], str(shown[-1].begun_ns) if len(found) > limit else None)


def _time(given: str | None, name: str) -> int | None:
    """Nanoseconds since 1970. Raises InvalidRequest."""
    if given is None:
        return None
    try:
        read = datetime.datetime.fromisoformat(given)
        seconds = read.timestamp() if read.tzinfo else read.replace(tzinfo=datetime.UTC).timestamp()
    except (ValueError, OverflowError):
        raise InvalidRequest(f"{name}: it is no time; send it as 2026-01-31T12:00:00Z") from None
    return min(max(0, int(seconds * 1e9)), LATEST_NS)


@get("/runs/{run_id:str}", summary="One run with every turn so far", tags=[RUNS], responses=problems(404))
async def get_run(run_id: FromPath[str], owned: NamedDependency[OwnedRuns]) -> RunDetail:
    return await owned.detail(run_id)


@get(
    "/runs/{run_id:str}/events",
    summary="The events of one run, also those to come; from the one behind `Last-Event-ID` or `after` on",
    description="Server-Sent Events: `id` is the event's number, `event` its type, `data` the event as JSON. What comes of a "
    "reply under way is `model_delta`, without a number. With `Accept: application/jsonl`, the events alone. 204: none is "
    "behind that one, and none will come.",
    tags=[RUNS],
    responses={200: ResponseSpec(bytes, description="The events.", media_type=EVENT_STREAM)} | problems(404),
)
async def get_events(
    run_id: FromPath[str],
    request: StrictRequest,
    owned: NamedDependency[OwnedRuns],
    after: Annotated[int | None, QueryParameter(ge=-1, lt=1 << 53)] = None,
    last_event_id: Annotated[str | None, HeaderParameter(name="Last-Event-ID", max_length=20)] = None,
) -> Stream | Response[None]:
    request.auth.check_streams()
    first = position(last_event_id, after)
    told = await owned.follow(run_id, first)
    # Else an EventSource would come again and again (HTML Living Standard, 9.2.3).
    if first and await owned.ends_before(run_id, first):
        return Response(None, status_code=204)
    lines = wants_lines(request)
    stream = _counted(as_lines(told) if lines else as_events(told), request.auth)
    return Stream(stream, media_type=JSON_LINES if lines else EVENT_STREAM, headers={"cache-control": "no-store"})


async def _counted(stream: AsyncIterator[bytes], caller: Caller) -> AsyncIterator[bytes]:
    with caller.reading_stream():
        async for each in stream:
            yield each


@get(
    "/runs/{run_id:str}/journal",
    summary="The events of one run so far, as JSON Lines that `rlm replay` executes again",
    media_type=JSON_LINES,
    tags=[RUNS],
    responses=problems(404),
)
async def get_journal(run_id: FromPath[str], owned: NamedDependency[OwnedRuns]) -> bytes:
    return await asyncio.to_thread(_lines, await owned.events(run_id))


def _lines(events: Sequence[AnyEvent]) -> bytes:
    return b"".join(to_lines(events))


@get(
    "/runs/{run_id:str}/script",
    summary="The cells of one run so far: a script, or a listing of its JSON commands",
    media_type="text/plain",
    tags=[RUNS],
    responses=problems(404),
)
async def get_script(run_id: FromPath[str], owned: NamedDependency[OwnedRuns]) -> str:
    events = await owned.events(run_id)
    return await asyncio.to_thread(script if run_started(events).protocol == "python" else listing, events)


@get("/runs/{run_id:str}/metrics", summary="What one run used, cost and took so far", tags=[RUNS], responses=problems(404))
async def get_metrics(run_id: FromPath[str], owned: NamedDependency[OwnedRuns]) -> RunMetrics:
    return await asyncio.to_thread(metrics, await owned.events(run_id))
