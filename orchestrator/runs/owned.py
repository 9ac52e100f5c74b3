"""What somebody can do with their own runs: list, read, follow, cancel, delete, fork, go on after, verify.

A run of somebody else is not found.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from typing import TypeVar

import msgspec

from orchestrator.contexts.context import Context
from orchestrator.errors import Conflict, JournalError
from orchestrator.journal.events import AnyEvent, RunFinished, run_started
from orchestrator.journal.history import RunDetail, detail
from orchestrator.journal.results import RunSummary, summary
from orchestrator.providers.messages import OwnModels
from orchestrator.runs.beginning import Beginning
from orchestrator.runs.following import MOST_AT_ONCE, QUIET_SECONDS, Told, one_line
from orchestrator.runs.forking import Fork
from orchestrator.runs.query import Query, WantedLimits
from orchestrator.runs.replay import replay
from orchestrator.runs.run import CANCELLED
from orchestrator.runs.service import RunService
from orchestrator.store.journals import not_found
from orchestrator.store.messages import Listed, Wanted
from orchestrator.store.searching import UNFINISHED

LOOK_SECONDS = 0.5  # between two looks at a run that another process executes


class Verdict(msgspec.Struct, frozen=True):
    """Of a re-execution: whether all came to the same, or what did not first; `cells`: how many were executed."""

    identical: bool
    difference: str | None
    cells: int


Summary = TypeVar("Summary", bound=RunSummary)


class _Kind(msgspec.Struct):
    event: str


_kind = msgspec.json.Decoder(_Kind).decode


class OwnedRuns:
    """Those of one owner; "" without tokens."""

    def __init__(self, service: RunService, owner: str) -> None:
        self._service = service
        self._owner = owner

    async def events(self, run_id: str) -> Sequence[AnyEvent]:
        """So far. Raises NotFound."""
        return await self._service.journals.events(run_id, self._owner)

    async def find(self, beginning: str) -> str:
        """The id of the one run that begins so. Raises NotFound."""
        found = await self.newest_first(Wanted(run_id=beginning), 2)
        if len(found) != 1:
            raise not_found(beginning)
        return found[0].run_id

    async def summary(self, run_id: str) -> RunSummary:
        """What it was asked, and how it is. Raises NotFound."""
        return self._as_it_is(await asyncio.to_thread(summary, await self.events(run_id)))

    async def detail(self, run_id: str) -> RunDetail:
        """With every turn so far. Raises NotFound."""
        found = await asyncio.to_thread(detail, await self.events(run_id))
        forks = await self._service.store.forks(run_id, self._owner)
        return msgspec.structs.replace(self._as_it_is(found), forks=forks)

    async def newest_first(self, wanted: Wanted, most: int) -> list[Listed]:
        """Those that are kept."""
        found: list[Listed] = []
        while len(found) < most:
            page = await self._service.journals.newest_first(self._owner, wanted, most)
            now = [msgspec.structs.replace(each, summary=self._as_it_is(each.summary)) for each in page]
            # The store knows that a run has not ended, and this process what it does.
            found += [each for each in now if wanted.status not in UNFINISHED or each.summary.status == wanted.status]
            if len(page) < most:
                break
            wanted = msgspec.structs.replace(wanted, before=page[-1].begun_ns)
        return found[:most]

    def _as_it_is(self, found: Summary) -> Summary:
        handle = self._service.underway.find(found.run_id)
        return found if handle is None or found.stopped != "running" else msgspec.structs.replace(found, status=handle.status)

    async def follow(self, run_id: str, position: int) -> AsyncIterator[list[Told]]:
        """Its events from that one on, as they come to last, and replies that are under way; an empty list now and then.

        Ends after run_finished, or when this process stops. Raises NotFound.
        """
        await self._check(run_id)
        return self._follow(run_id, position)

    async def ends_before(self, run_id: str, position: int) -> bool:
        """Whether there is no event at that position, and none will come."""
        if self._service.underway.find(run_id) is not None or not await self._has_ended(run_id):
            return False
        return not await self._service.journals.contents(run_id, position, 1)

    async def _follow(self, run_id: str, position: int) -> AsyncIterator[list[Told]]:
        quiet_since = time.monotonic()
        while not self._service.stopping:
            ended = await self._has_ended(run_id)  # asked before: what it wrote last is there
            told: list[Told] = []
            async for told in self._next(run_id, position):
                quiet_since = time.monotonic()
                yield told
                position += sum(each.number is not None for each in told)
                if told and told[-1].kind == "run_finished":
                    return
            if not told:
                if ended is not False:
                    return
                await asyncio.sleep(LOOK_SECONDS)
            if time.monotonic() - quiet_since > QUIET_SECONDS:
                quiet_since = time.monotonic()
                yield []

    async def _next(self, run_id: str, position: int) -> AsyncIterator[list[Told]]:
        """From this process, if it executes the run; else what the store has of it."""
        handle = self._service.underway.find(run_id)
        if handle is not None:
            async for told in handle.following.read(position):
                yield told
            return
        contents = await self._service.journals.contents(run_id, position, MOST_AT_ONCE)
        if contents:
            yield [Told(place, _kind(each).event, one_line(each)) for place, each in enumerate(contents, position)]

    async def cancel(self, run_id: str) -> RunSummary:
        """Ends it with what it has; one that has ended stays as it is. Raises NotFound, Conflict."""
        await self._check(run_id)
        handle = self._service.underway.find(run_id)
        if handle is not None:
            handle.cancel()
            await asyncio.wait([handle.task])
        elif not isinstance((await self.events(run_id))[-1], RunFinished):
            await self._cancel_left(run_id)
        return await self.summary(run_id)

    async def _cancel_left(self, run_id: str) -> None:
        """One that no process executes."""
        store, journals = self._service.store, self._service.journals
        found = await store.find_unfinished(run_id)
        journal = None if found is None else await journals.take_over(found)
        if journal is None:
            raise Conflict(f"the run {run_id} is executed by another process: cancel it there")
        if not journal.finished:
            journal.write(CANCELLED)
        await journals.end(journal)

    async def delete(self, run_id: str) -> None:
        """Forgets one that has ended. Raises NotFound, Conflict."""
        await self._check(run_id)
        if not await self._service.store.delete(run_id, self._owner):
            raise Conflict(f"the run {run_id} still goes on: cancel it first")

    async def fork(self, run_id: str, fork: Fork, own: OwnModels | None = None) -> Beginning:
        """What another run is begun with. Raises NotFound, InvalidRequest, AboveCap, UnknownModel, Conflict."""
        events = await self.events(run_id)
        return self._service.beginnings.fork(events, fork, self._service.context_of(run_started(events)), own)

    async def after(self, run_id: str, ask: Callable[[Context], Query], wanted: WantedLimits) -> Beginning:
        """What a run with a next question is begun with; `ask` puts it over that run's context. Raises as `fork`."""
        events = await self.events(run_id)
        return self._service.beginnings.after(events, ask(self._service.context_of(run_started(events))), wanted)

    async def last_of_session(self, session_id: str) -> str | None:
        """The run that was begun last under that name."""
        return await self._service.store.last_of_session(session_id, self._owner)

    async def replay(self, run_id: str) -> Verdict:
        """Executes it again from its journal, which costs no money. Raises NotFound, Conflict, Busy."""
        events = await self.events(run_id)
        if not isinstance(events[-1], RunFinished):
            raise Conflict(f"the run {run_id} still goes on: ask when it has ended")
        service, started = self._service, run_started(events)
        context = service.context_of(started)
        try:
            async with service.room_for(context), service.underway.engines.of(started.component_sha256) as engine:
                cells = await replay(events, context, engine, service.settings)
        except JournalError as error:
            return Verdict(identical=False, difference=str(error), cells=0)
        return Verdict(identical=True, difference=None, cells=cells)

    async def _check(self, run_id: str) -> None:
        """Raises NotFound."""
        if self._service.journals.live(run_id, self._owner) is None and await self._has_ended(run_id) is None:
            raise not_found(run_id)

    async def _has_ended(self, run_id: str) -> bool | None:
        return await self._service.store.has_ended(run_id, self._owner)
