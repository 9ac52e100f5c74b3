"""Runs under way: the task of each, from its turn to its end in the store."""

import asyncio
import contextlib

import msgspec

from orchestrator import logs
from orchestrator.errors import JournalError, SandboxError, StoreFull
from orchestrator.journal import results
from orchestrator.journal.events import RunFinished, run_started
from orchestrator.journal.journal import Journal
from orchestrator.journal.recording import Recording
from orchestrator.journal.rewriting import Rewriting
from orchestrator.runs.children import Children, Means
from orchestrator.runs.execute import Tools, execute
from orchestrator.runs.handles import RunHandle, Starting
from orchestrator.runs.live import Live
from orchestrator.runs.parking import Parking
from orchestrator.runs.recorded import RecordedThenLive
from orchestrator.runs.run import CANCELLED, INTERNAL
from orchestrator.sandbox.engines import Engines
from orchestrator.store.writer import LAST_SECONDS


class Underway:
    """All runs that this process executes."""

    def __init__(self, tools: Tools, means: Means) -> None:
        self.engines = Engines(tools.engine)
        self._tools = tools
        self._means = means
        self._runs: dict[str, RunHandle] = {}

    def find(self, run_id: str) -> RunHandle | None:
        """One that this process executes, or is about to."""
        return self._runs.get(run_id)

    def count(self, owner: str) -> int:
        """How many of that owner's there are, with those that were gone on with; child runs are of their parents."""
        return sum(each.owner == owner and not each.is_child for each in self._runs.values())

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
                while self._runs:
                    await asyncio.wait([each.task for each in self._runs.values()])

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
            # A task of its own: whoever cancels again does not keep it from being written down, and waits for that too.
            ending = asyncio.create_task(self._end(journal))
            while not ending.done():
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.shield(ending)
            ending.result()

    async def _execute(self, starting: Starting, recording: Recording, tools: Tools) -> int:
        journal, started = starting.journal, recording.started
        goes_on = len(journal.events) > 1
        seconds = max(0.0, started.limits.max_seconds - recording.seconds) if goes_on else started.limits.max_seconds
        parking = Parking(self._means.admission, starting.turn, journal)
        children = Children(self._means, starting, self.begin)
        pool, models = self._means.pool, starting.models
        live = Live(pool, models, journal, seconds, cache=started.cache, owner=started.owner, children=children)
        if not goes_on:
            return await execute(tools, started, starting.context, live, journal, parking)
        rewriting = Rewriting(recording, then=journal)
        rewriting.write(started)
        source = RecordedThenLive(recording, live)
        return await execute(tools, started, starting.context, source, rewriting, parking)

    async def _end(self, journal: Journal) -> None:
        if not journal.finished:
            await self._means.journals.leave(journal)
            return
        try:
            await self._means.journals.end(journal)
        except StoreFull as error:
            logs.store_waits(str(error))
        logs.run_finished(results.result(journal.events), run_started(journal.events).context_id)

    def _forget(self, task: "asyncio.Task[int]", starting: Starting) -> None:
        del self._runs[starting.journal.run_id]
        self._means.admission.leave(starting.turn)
        if not task.cancelled():
            task.exception()  # whoever waits for the run is told of it
