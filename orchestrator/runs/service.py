"""The one way to runs: start, follow, wait for, cancel. Each has its journal, and its one line in the log."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Callable, Sequence

import msgspec

from orchestrator import logs
from orchestrator.config import Protocol, Settings
from orchestrator.contexts.context import Context
from orchestrator.contexts.store import ContextStore
from orchestrator.errors import AboveCap, Cancelled, InvalidRequest, Stopping
from orchestrator.journal import history
from orchestrator.journal.events import FORMAT, AnyEvent, RecordedCellLimits, RecordedRunLimits, RunStarted, run_started
from orchestrator.journal.journal import Journal
from orchestrator.journal.kept import Journals
from orchestrator.providers.messages import Message, OwnModels
from orchestrator.providers.own_keys import OwnKeys
from orchestrator.providers.pool import Models, Pool
from orchestrator.runs.admission import Admission, Bodies, Limits
from orchestrator.runs.execute import Tools, execute, first_messages
from orchestrator.runs.machine import share
from orchestrator.runs.observers import Observers
from orchestrator.runs.run import CANCELLED
from orchestrator.runs.sources import Live
from orchestrator.sandbox.engine import LARGEST_MEMORY
from orchestrator.sandbox.templates import extra_bytes
from orchestrator.server_settings import ServerSettings


class Query(msgspec.Struct, frozen=True):
    """What the caller asks; the language that the root model is taught, and the models (None: those that are configured).

    `own`: models of the caller's, instead of the configured ones.
    `cache`: sub-calls may be answered by replies that were paid for before, and theirs are kept. `owner`: who alone may see it.
    """

    text: str
    context: Context
    protocol: Protocol | None = None
    root_model: str | None = None
    sub_model: str | None = None
    cache: bool = True
    own: OwnModels | None = None
    owner: str = ""


class WantedLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What the caller sets lower than the configuration; None: as configured."""

    max_iterations: int | None = None
    max_sub_calls: int | None = None


EMPTY = {
    "text": "context: it is empty",
    "documents": "documents: there is none, or all are empty",
    "json": 'context: null, "", [] and {} are empty',
    "messages": "messages: there is none, or all are empty",
}


def _check(query: Query, most_chars: int) -> None:
    """Before a model is paid for it. Raises InvalidRequest, AboveCap."""
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
    if query.context.is_empty:
        raise InvalidRequest(EMPTY[query.context.kind])


def _limits(server: ServerSettings) -> Limits:
    return Limits(server.budget_bytes or share(), server.max_runs, server.max_queued_runs)


class RunHandle:
    """A run that goes on by itself, whoever waits for it."""

    def __init__(self, journal: Journal, task: "asyncio.Task[int]", is_stopping: Callable[[], bool]) -> None:
        self._journal = journal
        self._task = task
        self._is_stopping = is_stopping

    @property
    def run_id(self) -> str:
        return self._journal.run_id

    def follow(self, from_event: int = 0) -> AsyncIterator[AnyEvent]:
        """Its events from that one on, also those to come."""
        return self._journal.follow(from_event)

    async def wait(self) -> Sequence[AnyEvent]:
        """All its events, at its end, also if the server's stopping ended it. Who stops waiting does not stop it.

        Raises Cancelled, SandboxError.
        """
        await asyncio.wait([self._task])
        if not self._task.cancelled():
            self._task.result()
        elif not (self._is_stopping() and self._journal.finished):
            raise Cancelled("the run was cancelled: the caller went away, or the server is stopping")
        return self._journal.events

    def cancel(self) -> None:
        """Ends it: its cell, its model calls. Nothing happens to one that has ended."""
        self._task.cancel()


class RunService:
    """All runs of one server, and the contexts that they are over."""

    def __init__(self, settings: Settings, tools: Tools, pool: Pool, contexts: ContextStore) -> None:
        self.contexts = contexts
        self.pool = pool
        self.observers = Observers()
        self._settings = settings
        self._tools = tools
        self._own_keys = OwnKeys(settings.own_keys, pool.prices)
        self._journals = Journals(settings.server.kept_journal_bytes, settings.server.run_journal_bytes)
        limits = _limits(settings.server)
        self.bodies = Bodies(limits.budget // 4)
        self.admission = Admission(limits, tools.engine.templates, self._held_bytes)
        self._running: set[asyncio.Task[int]] = set()
        self.stopping = False

    def start(self, query: Query, wanted: WantedLimits | None = None) -> RunHandle:
        """A run that has begun. Raises Stopping, InvalidRequest, AboveCap, UnknownModel, NotScripted, Busy if there is none."""
        if self.stopping:
            raise Stopping("the server is stopping: no new runs")
        _check(query, self._settings.server.query_chars)
        models = self._choose(query)
        started = self._first_event(query, self._allow(wanted or WantedLimits()), models)
        self.pool.check(query.text, models)
        turn = self.admission.enter(self._claim(query.context))
        logs.bind_run(started.run_id)
        journal = self._journals.open(started.run_id, self.observers.of_run(), started.owner)
        journal.write(started)

        async def begin() -> int:
            await turn.come  # its seconds begin then
            source = Live(self.pool, models, journal, started.limits.max_seconds, cache=started.cache)
            return await execute(self._tools, started, query.context, source, journal)

        task = asyncio.create_task(begin())
        # The loop itself holds tasks weakly.
        self._running.add(task)
        task.add_done_callback(lambda task: self._end(task, journal))
        task.add_done_callback(lambda _task: self.admission.leave(turn))
        return RunHandle(journal, task, lambda: self.stopping)

    def preview(self, query: Query) -> tuple[Message, ...]:
        """What a run would send to the root model first; nothing is sent. Raises InvalidRequest."""
        _check(query, self._settings.server.query_chars)
        models = self._choose(query)
        return first_messages(self._tools, self._first_event(query, self._allow(WantedLimits()), models), query.context)

    def journal(self, run_id: str, owner: str = "") -> Journal:
        """Raises NotFound, also if it is another owner's."""
        return self._journals.get(run_id, owner)

    def journals(self, owner: str = "", before: int | None = None) -> list[Journal]:
        """Of all runs that are kept of that owner, the newest first; `before`: those before its run of that number."""
        return self._journals.newest_first(owner, before)

    async def stop(self, seconds: float) -> None:
        """No new runs; those that run have so many seconds, and then end with what they have, which is given to who waits."""
        self.stopping = True
        if self._running:
            await asyncio.wait(self._running, timeout=seconds)
        await self.close()

    async def close(self) -> None:
        """Cancels what still runs."""
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _claim(self, context: Context) -> int:
        """Bytes that a run over it may take: its guest, as much for the states that it may go back to, its journal."""
        limits = self._settings.sandbox
        guest = min(limits.memory_bytes + extra_bytes(context, limits), LARGEST_MEMORY)
        return 2 * guest + self._settings.server.run_journal_bytes

    def _held_bytes(self) -> int:
        """What takes of the budget beside runs and loaded contexts."""
        return self._journals.held_bytes + self.bodies.held_bytes

    def _choose(self, query: Query) -> Models:
        """Raises UnknownModel, Forbidden, InvalidRequest."""
        if query.own is None:
            return self.pool.choose(query.root_model, query.sub_model)
        if query.root_model or query.sub_model:
            raise InvalidRequest("root_model, sub_model: they choose among this server's models, own keys bring others")
        return self._own_keys.models(query.own)

    def _end(self, task: "asyncio.Task[int]", journal: Journal) -> None:
        self._running.discard(task)
        if task.cancelled() and not journal.finished:  # its turn had not come
            journal.write(CANCELLED)
        self._journals.let_go()
        if journal.finished:
            logs.run_finished(history.result(journal.events), run_started(journal.events).context_id)

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
