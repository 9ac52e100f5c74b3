"""Runs under way: the task of each, from its turn to its end in the store."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from functools import cached_property

import msgspec

from orchestrator import logs
from orchestrator.contexts.context import Context
from orchestrator.errors import JournalError, SandboxError, Stopping, StoreFull
from orchestrator.journal import history
from orchestrator.journal.events import AnyEvent, RunFinished, run_started
from orchestrator.journal.history import Status
from orchestrator.journal.journal import Journal
from orchestrator.journal.recording import Recording
from orchestrator.journal.rewriting import Rewriting
from orchestrator.providers.pool import Models, Pool
from orchestrator.runs.admission import Admission, Turn
from orchestrator.runs.execute import Tools, execute
from orchestrator.runs.following import Following
from orchestrator.runs.parking import Parking
from orchestrator.runs.run import CANCELLED, INTERNAL
from orchestrator.runs.sources import Live, RecordedThenLive
from orchestrator.sandbox.engines import Engines
from orchestrator.store.journals import Journals
from orchestrator.store.writer import LAST_SECONDS


class Starting(msgspec.Struct, frozen=True):
    """What a run begins with, or goes on with: its journal has what was executed of it. `turn`: its place among the others."""

    journal: Journal
    context: Context
    models: Models
    turn: Turn
    detached: bool


class RunHandle:
    """A run that goes on by itself, whoever waits for it."""

    def __init__(self, starting: Starting, task: "asyncio.Task[int]") -> None:
        self._journal = starting.journal
        self._turn = starting.turn
        self.detached = starting.detached
        self.task = task

    @property
    def run_id(self) -> str:
        return self._journal.run_id

    @property
    def owner(self) -> str:
        return run_started(self._journal.events).owner

    @property
    def parked(self) -> bool:
        """It waits for models without a guest, or for its place among those that go on."""
        return self._turn.parked

    @property
    def events(self) -> Sequence[AnyEvent]:
        """So far."""
        return self._journal.events

    @property
    def status(self) -> Status:
        """What it does at the moment."""
        if self.parked:
            return "parked"
        if not self._turn.come.done():
            return "queued"
        return "waiting" if history.waits_for_models(self._journal.events) else "running"

    @cached_property
    def following(self) -> Following:
        """For any number of readers."""
        return Following(self._journal, self.task)

    def follow(self, from_event: int = 0) -> AsyncIterator[AnyEvent]:
        """Its events from that one on, also those to come."""
        return self._journal.follow(from_event)

    async def settle(self) -> None:
        """It is in the store: it outlives this process if it is detached. Raises StoreFull."""
        await self._journal.settle()

    async def wait(self) -> Sequence[AnyEvent]:
        """All its events, at its end, also if it was cancelled. Who stops waiting does not stop it.

        Raises SandboxError; Stopping if it is to be gone on with elsewhere.
        """
        await asyncio.wait([self.task])
        if not self.task.cancelled():
            self.task.result()
        if not self._journal.finished:
            raise Stopping("the server is stopping; the run goes on when it is started again")
        return self._journal.events

    def cancel(self) -> None:
        """Ends it: its cell, its model calls. Nothing happens to one that has ended."""
        self.task.cancel()

    def leave(self) -> None:
        """Stops it without an end, to be gone on with."""
        self._journal.leave()
        self.task.cancel()


class Underway:
    """All runs that this process executes."""

    def __init__(self, tools: Tools, pool: Pool, journals: Journals, admission: Admission) -> None:
        self.engines = Engines(tools.engine)
        self._tools = tools
        self._pool = pool
        self._journals = journals
        self._admission = admission
        self._runs: dict[str, RunHandle] = {}
        self._ending: set[asyncio.Task[None]] = set()

    def find(self, run_id: str) -> RunHandle | None:
        """One that this process executes, or is about to."""
        return self._runs.get(run_id)

    def count(self, owner: str) -> int:
        """How many of that owner's there are, with those that were gone on with."""
        return sum(each.owner == owner for each in self._runs.values())

    def begin(self, starting: Starting) -> RunHandle:
        """Its task, once it is its turn."""
        task = asyncio.create_task(self._run(starting))
        # The loop itself holds tasks weakly.
        handle = self._runs[starting.journal.run_id] = RunHandle(starting, task)
        task.add_done_callback(lambda task: self._forget(task, starting))
        return handle

    async def wait(self, seconds: float) -> None:
        """For the ends of those whose callers wait."""
        waited = [each.task for each in self._runs.values() if not each.detached]
        if waited:
            await asyncio.wait(waited, timeout=seconds)

    async def close(self) -> None:
        """Those that are detached are left as they are, the others cancelled. It waits for the store some seconds."""
        for handle in list(self._runs.values()):
            if handle.detached:
                handle.leave()
            else:
                handle.cancel()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_SECONDS):
                while self._runs or self._ending:
                    await asyncio.wait([*(each.task for each in self._runs.values()), *self._ending])

    async def _run(self, starting: Starting) -> int:
        """Returns how many cells were executed. Raises SandboxError."""
        journal = starting.journal
        try:
            await starting.turn.come  # its seconds begin then
            recording = Recording(journal.events)
            async with self.engines.of(recording.started.component_sha256) as engine:
                return await self._execute(starting, recording, msgspec.structs.replace(self._tools, engine=engine))
        except asyncio.CancelledError:
            if not journal.finished:  # its turn had not come
                journal.write(CANCELLED)
            raise
        except Exception as error:
            if journal.finished:
                raise
            if isinstance(error, JournalError | SandboxError):
                journal.write(RunFinished(stopped="not_resumable", error=str(error)))
                return 0
            journal.write(INTERNAL)
            raise
        finally:
            # A task of its own: whoever cancels again does not keep it from being written down.
            ending = asyncio.create_task(self._end(journal))
            self._ending.add(ending)
            ending.add_done_callback(self._ending.discard)
            await asyncio.shield(ending)

    async def _execute(self, starting: Starting, recording: Recording, tools: Tools) -> int:
        journal, started = starting.journal, recording.started
        goes_on = len(journal.events) > 1
        seconds = max(0.0, started.limits.max_seconds - recording.seconds) if goes_on else started.limits.max_seconds
        parking = Parking(self._admission, starting.turn, journal)
        live = Live(self._pool, starting.models, journal, seconds, cache=started.cache, owner=started.owner)
        if not goes_on:
            return await execute(tools, started, starting.context, live, journal, parking)
        rewriting = Rewriting(recording, then=journal)
        rewriting.write(started)
        source = RecordedThenLive(recording, live)
        return await execute(tools, started, starting.context, source, rewriting, parking)

    async def _end(self, journal: Journal) -> None:
        if not journal.finished:
            await self._journals.leave(journal)
            return
        try:
            await self._journals.end(journal)
        except StoreFull as error:
            logs.store_waits(str(error))
        logs.run_finished(history.result(journal.events), run_started(journal.events).context_id)

    def _forget(self, task: "asyncio.Task[int]", starting: Starting) -> None:
        del self._runs[starting.journal.run_id]
        self._admission.leave(starting.turn)
        if not task.cancelled():
            task.exception()  # whoever waits for the run is told of it
