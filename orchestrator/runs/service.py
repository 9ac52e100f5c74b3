"""The life of runs: begun, gone on with, ended, forgotten. Each has its journal, and its one line in the log."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from orchestrator import logs
from orchestrator.config import Settings
from orchestrator.contexts.context import Context
from orchestrator.contexts.store import ContextStore
from orchestrator.errors import Busy, RLMError, Stopping
from orchestrator.journal.events import RunFinished, RunStarted, run_started
from orchestrator.journal.journal import Journal
from orchestrator.providers.messages import Message
from orchestrator.providers.pool import Pool
from orchestrator.runs.admission import Admission, Bodies, Limits
from orchestrator.runs.beginning import Beginning, Beginnings
from orchestrator.runs.children import Means
from orchestrator.runs.execute import Tools, first_messages
from orchestrator.runs.handles import RunHandle, Starting
from orchestrator.runs.machine import share
from orchestrator.runs.observers import Observers
from orchestrator.runs.query import Query, WantedLimits
from orchestrator.runs.underway import Underway
from orchestrator.sandbox.engine import LARGEST_MEMORY
from orchestrator.sandbox.templates import extra_bytes
from orchestrator.server_settings import ServerSettings
from orchestrator.store.journals import Journals
from orchestrator.store.keys import Keys
from orchestrator.store.messages import Unfinished
from orchestrator.store.runs import RunStore

LEFT = RunFinished(stopped="cancelled", error="its caller waited for it, and the process that executed it has ended")
KEY_GONE = RunFinished(stopped="not_resumable", error="its models are the caller's, whose key is kept nowhere")


def _limits(server: ServerSettings) -> Limits:
    return Limits(server.budget_bytes or share(), server.max_runs, server.max_queued_runs, server.park_seconds)


class RunService:
    """All runs of one server, and the contexts that they are over."""

    def __init__(self, settings: Settings, tools: Tools, pool: Pool, contexts: ContextStore, store: RunStore) -> None:
        self.contexts = contexts
        self.pool = pool
        self.observers = Observers()
        self.settings = settings
        self.tools = tools
        self.beginnings = Beginnings(settings, pool, tools.engine.sha256)
        self.store = store
        self.keys = Keys(store.writer)
        self.journals = Journals(store, settings.server.run_journal_bytes)
        limits = _limits(settings.server)
        self.bodies = Bodies(limits.budget // 4)
        self.admission = Admission(limits, tools.engine.templates, lambda: self.bodies.held_bytes)
        means = Means(
            claim=self._claim,
            forget_template=tools.engine.templates.forget,
            store=store,
            journals=self.journals,
            contexts=contexts,
            admission=self.admission,
            observers=self.observers,
            pool=pool,
            most_children=settings.max_parallel_children,
        )
        self.underway = Underway(tools, means)
        self.stopping = False

    def start(self, query: Query, wanted: WantedLimits | None = None, *, detached: bool = False) -> RunHandle:
        """A run that has begun; one that is detached outlives this process.

        Raises Stopping, InvalidRequest, AboveCap, UnknownModel, NotScripted, Busy, NoRoom if there is none.
        """
        return self.begin(self.beginnings.first(query, wanted or WantedLimits()), detached=detached)

    def begin(self, beginning: Beginning, *, detached: bool) -> RunHandle:
        """A run that has begun. Raises Stopping, Busy, NoRoom, NotScripted, AboveCap if there is none."""
        if self.stopping:
            raise Stopping("the server is stopping: no new runs")
        self.store.check_room()
        started, context = beginning.started, beginning.context
        self.pool.check(started.query, beginning.models)
        turn = self.admission.enter(self._claim(context))
        logs.bind_run(started.run_id)
        try:
            journal = self.journals.begin(started, self.observers.of_run(), copied=beginning.copied, detached=detached)
        except BaseException:
            self.admission.leave(turn)
            raise
        return self.underway.begin(Starting(journal, context, beginning.models, turn, detached))

    async def leave_for_server(self, beginning: Beginning) -> str:
        """A run for whichever server has this store; its id. Raises StoreFull, AboveCap."""
        await self.journals.leave_for_others(beginning.started, beginning.copied)
        return beginning.started.run_id

    def context_of(self, started: RunStarted) -> Context:
        """That of a run. Raises NotFound."""
        contexts = self.contexts.of(started.owner) if started.owner else self.contexts
        return contexts.get(started.context_id)

    async def go_on(self) -> None:
        """Takes over the runs that nobody holds, as many as there is room for: goes on with them, or says why not."""
        for found in await self.store.unfinished():
            # Those that wait for their turn wait in the store: here their journals would be in memory.
            if self.stopping or (found.detached and self.admission.waiting):
                return
            journal = await self.journals.take_over(found, self.observers.of_run())
            if journal is not None:
                await self._go_on_with(journal, found)

    def preview(self, query: Query) -> tuple[Message, ...]:
        """What a run would send to the root model first; nothing is sent. Raises InvalidRequest."""
        return first_messages(self.tools, self.beginnings.first(query, WantedLimits()).started, query.context)

    @asynccontextmanager
    async def room_for(self, context: Context) -> AsyncIterator[None]:
        """For what is executed over it, as for a run. Raises Busy."""
        turn = self.admission.enter(self._claim(context))
        try:
            await turn.come
            yield
        finally:
            self.admission.leave(turn)

    async def expire(self) -> None:
        """Lets go of what is kept no longer: runs, contexts, templates."""
        self.underway.engines.expire()
        kept = self.settings.store
        await self.store.forget(kept)
        for each in self.settings.auth.tokens:
            own = min(kept.kept_bytes, each.max_kept_bytes)
            await self.store.forget(msgspec.structs.replace(kept, kept_bytes=own), each.name)
        await asyncio.to_thread(self.contexts.expire, await self.store.needed_contexts())

    async def stop(self, seconds: float) -> None:
        """No new runs; those whose callers wait have so many seconds, and then end with what they have."""
        self.stopping = True
        await self.underway.wait(seconds)
        await self.close()

    async def close(self) -> None:
        """Ends what still runs."""
        self.stopping = True
        await self.underway.close()

    async def _go_on_with(self, journal: Journal, found: Unfinished) -> None:
        started = run_started(journal.events)
        try:
            end = self._end_of(journal, found)
            if end is None:
                context = self.context_of(started)
                models = self.pool.choose(started.root_model, started.sub_model)
                turn = self.admission.enter(self._claim(context))
                self.underway.begin(Starting(journal, context, models, turn, detached=True))
                return
        except Busy:
            await self.journals.leave(journal)
            return
        except RLMError as error:
            end = RunFinished(stopped="not_resumable", error=str(error))
        if not journal.finished:
            journal.write(end)
        await self.journals.end(journal)

    def _end_of(self, journal: Journal, found: Unfinished) -> RunFinished | None:
        """None if it is to be gone on with."""
        last = journal.events[-1]
        if isinstance(last, RunFinished):  # only the store had not heard of it
            return last
        if not found.detached or run_started(journal.events).parent is not None:
            return LEFT
        return KEY_GONE if run_started(journal.events).own_key else None

    def _claim(self, context: Context) -> int:
        """Bytes that a run over it may take: its guest, as much for the states that it may go back to, its journal."""
        limits = self.settings.sandbox
        guest = min(limits.memory_bytes + extra_bytes(context, limits), LARGEST_MEMORY)
        return 2 * guest + self.settings.server.run_journal_bytes
