"""The one way to runs: start, follow, wait for, cancel, go on with. Each has its journal, and its one line in the log."""

import asyncio
import time
import uuid
from collections.abc import Sequence

import msgspec

from orchestrator import logs
from orchestrator.config import Settings
from orchestrator.contexts.context import Context
from orchestrator.contexts.store import ContextStore
from orchestrator.errors import AboveCap, InvalidRequest, RLMError, Stopping
from orchestrator.journal.events import (
    FORMAT,
    AnyEvent,
    RecordedCellLimits,
    RecordedRunLimits,
    RunFinished,
    RunStarted,
    run_started,
)
from orchestrator.journal.journal import Journal
from orchestrator.providers.messages import Message
from orchestrator.providers.own_keys import OwnKeys
from orchestrator.providers.pool import Models, Pool
from orchestrator.runs.admission import Admission, Bodies, Limits
from orchestrator.runs.execute import Tools, first_messages
from orchestrator.runs.machine import share
from orchestrator.runs.observers import Observers
from orchestrator.runs.query import Query, WantedLimits, check
from orchestrator.runs.underway import RunHandle, Starting, Underway
from orchestrator.sandbox.engine import LARGEST_MEMORY
from orchestrator.sandbox.templates import extra_bytes
from orchestrator.server_settings import ServerSettings
from orchestrator.store.journals import Journals
from orchestrator.store.runs import Listed, RunStore, Unfinished

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
        self._settings = settings
        self._tools = tools
        self._own_keys = OwnKeys(settings.own_keys, pool.prices)
        self._store = store
        self._journals = Journals(store, settings.server.run_journal_bytes)
        limits = _limits(settings.server)
        self.bodies = Bodies(limits.budget // 4)
        self.admission = Admission(limits, tools.engine.templates, lambda: self.bodies.held_bytes)
        self.underway = Underway(tools, pool, self._journals, self.admission)
        self.stopping = False

    def start(self, query: Query, wanted: WantedLimits | None = None, *, detached: bool = False) -> RunHandle:
        """A run that has begun; one that is detached outlives this process.

        Raises Stopping, InvalidRequest, AboveCap, UnknownModel, NotScripted, Busy, NoRoom if there is none.
        """
        if self.stopping:
            raise Stopping("the server is stopping: no new runs")
        started, models = self._prepare(query, wanted)
        self.pool.check(query.text, models)
        self._store.check_room()
        turn = self.admission.enter(self._claim(query.context))
        logs.bind_run(started.run_id)
        journal = self._journals.begin(started, self.observers.of_run(), detached=detached)
        return self.underway.begin(Starting(journal, query.context, models, turn, detached))

    async def leave_for_server(self, query: Query) -> str:
        """A run for whichever server has this store; its id. Raises as start, and StoreFull."""
        started, _ = self._prepare(query, None)
        await self._journals.leave_for_others(started)
        return started.run_id

    async def go_on(self) -> None:
        """Takes over the runs that nobody holds, as many as there is room for: goes on with them, or says why not."""
        for found in await self._store.unfinished():
            if self.stopping or (found.detached and self.admission.is_full):
                return
            journal = await self._journals.take_over(found, self.observers.of_run())
            if journal is not None:
                await self._go_on_with(journal, found)

    def preview(self, query: Query) -> tuple[Message, ...]:
        """What a run would send to the root model first; nothing is sent. Raises InvalidRequest."""
        started, _ = self._prepare(query, None)
        return first_messages(self._tools, started, query.context)

    async def events(self, run_id: str, owner: str = "") -> Sequence[AnyEvent]:
        """Of a run, so far. Raises NotFound, also if it is another owner's."""
        return await self._journals.events(run_id, owner)

    async def newest_first(self, owner: str, before: int | None, most: int) -> list[Listed]:
        """The runs that are kept of that owner; `before`: that began before that time (ns since 1970)."""
        return await self._journals.newest_first(owner, before, most)

    async def expire(self) -> None:
        """Lets go of what is kept no longer: runs, contexts, templates."""
        self.underway.engines.expire()
        kept = self._settings.store
        await self._store.forget(kept)
        for each in self._settings.auth.tokens:
            own = min(kept.kept_bytes, each.max_kept_bytes)
            await self._store.forget(msgspec.structs.replace(kept, kept_bytes=own), each.name)
        await asyncio.to_thread(self.contexts.expire, await self._store.needed_contexts())

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
                contexts = self.contexts.of(started.owner) if started.owner else self.contexts
                context = contexts.get(started.context_id)
                models = self.pool.choose(started.root_model, started.sub_model)
                turn = self.admission.enter(self._claim(context))
                self.underway.begin(Starting(journal, context, models, turn, detached=True))
                return
        except RLMError as error:
            end = RunFinished(stopped="not_resumable", error=str(error))
        if not journal.finished:
            journal.write(end)
        await self._journals.end(journal)

    def _end_of(self, journal: Journal, found: Unfinished) -> RunFinished | None:
        """None if it is to be gone on with."""
        last = journal.events[-1]
        if isinstance(last, RunFinished):  # only the store had not heard of it
            return last
        if not found.detached:
            return LEFT
        return KEY_GONE if run_started(journal.events).own_key else None

    def _prepare(self, query: Query, wanted: WantedLimits | None) -> tuple[RunStarted, Models]:
        """Before a model is paid for it. Raises InvalidRequest, AboveCap, UnknownModel, Forbidden."""
        check(query, self._settings.server.query_chars)
        models = self._choose(query)
        started = self._first_event(query, self._allow(wanted or WantedLimits()), models)
        return started, models

    def _claim(self, context: Context) -> int:
        """Bytes that a run over it may take: its guest, as much for the states that it may go back to, its journal."""
        limits = self._settings.sandbox
        guest = min(limits.memory_bytes + extra_bytes(context, limits), LARGEST_MEMORY)
        return 2 * guest + self._settings.server.run_journal_bytes

    def _choose(self, query: Query) -> Models:
        """Raises UnknownModel, Forbidden, InvalidRequest."""
        if query.own is None:
            return self.pool.choose(query.root_model, query.sub_model)
        if query.root_model or query.sub_model:
            raise InvalidRequest("root_model, sub_model: they choose among this server's models, own keys bring others")
        return self._own_keys.models(query.own)

    def _first_event(self, query: Query, limits: RecordedRunLimits, models: Models) -> RunStarted:
        """The first event: all that the run depends on."""
        run_id = uuid.uuid4().hex
        cell = self._settings.sandbox
        return RunStarted(
            format=FORMAT,
            run_id=run_id,
            query=query.text,
            context_id=query.context.id,
            context_kind=query.context.kind,
            context_length=query.context.length,
            context_count=query.context.count,
            protocol=query.protocol or self._settings.protocol,
            output_limit=self._settings.output_limit,
            limits=limits,
            cell_limits=RecordedCellLimits(**{name: getattr(cell, name) for name in RecordedCellLimits.__struct_fields__}),
            seed=int.from_bytes(run_id.encode()[:8]),
            clock_start_ns=time.time_ns(),
            component_sha256=self._tools.engine.sha256,
            sub_prompt_chars=models.sub_prompt_chars,
            root_model=query.root_model,
            sub_model=query.sub_model,
            cache=query.cache,
            own_key=query.own is not None,
            owner=query.owner,
        )

    def _allow(self, wanted: WantedLimits) -> RecordedRunLimits:
        """The configured limits, lowered by what the caller wants. Raises AboveCap."""
        caps = {name: getattr(self._settings, name) for name in RecordedRunLimits.__struct_fields__}
        for name, value in msgspec.structs.asdict(wanted).items():
            if value is None:
                continue
            if value > caps[name]:
                raise AboveCap(f"{name}: {value} is above this server's {caps[name]}")
            caps[name] = value
        return RecordedRunLimits(**caps)
