"""Child runs: what each is asked and may spend, how it is begun or taken over, and what came of it.

A child is a run of its own, with a journal of its own. Its parent waits for it as for a sub-call, and is told of it as of one:
to execute the parent again takes neither the child's models nor its journal.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from orchestrator.contexts.context import Context
from orchestrator.contexts.store import ContextStore
from orchestrator.errors import InvalidRequest, JournalError
from orchestrator.journal import results
from orchestrator.journal.events import (
    Answer,
    AnyEvent,
    CellFinished,
    CellRolledBack,
    ChildFinished,
    RunFinished,
    RunStarted,
    run_started,
)
from orchestrator.journal.journal import Journal
from orchestrator.journal.limits import RecordedRunLimits
from orchestrator.journal.parts import Spent
from orchestrator.journal.usage import own, spent_by_model
from orchestrator.providers.needs import check_prices
from orchestrator.providers.pool import Models, Pool
from orchestrator.runs import schemas
from orchestrator.runs.admission import Admission
from orchestrator.runs.handles import RunHandle, Starting
from orchestrator.runs.observers import Observers
from orchestrator.runs.query import EMPTY
from orchestrator.sandbox.messages import ChildQuery, Manner, Prompt
from orchestrator.sandbox.questions import MAX_BATCH_CHARS
from orchestrator.store.journals import Journals
from orchestrator.store.runs import RunStore

LONGEST_PROMPT = 100_000  # characters, where nobody says what a sub-model reads


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """What a child run is asked, over which context."""

    query: str
    context: Context
    schema: dict[str, Any] | None = None
    model: str | None = None
    max_iterations: int | None = None


class Noted(msgspec.Struct, frozen=True):
    """A prompt that stands for a task, and why it does."""

    prompt: Prompt
    note: str


class Came(msgspec.Struct, frozen=True):
    """What came of a child run: an answer, or an error and what there was of one."""

    answer: str | None
    error: str | None
    sub_calls: int
    fuel: int
    spent: tuple[Spent, ...]


class Means(msgspec.Struct, frozen=True):
    """What runs are executed with; `claim`: of the budget of bytes, for one; `most_children`: of one, at once."""

    claim: Callable[[Context], int]
    forget_template: Callable[[Context], None]
    store: RunStore
    journals: Journals
    contexts: ContextStore
    admission: Admission
    observers: Observers
    pool: Pool
    most_children: int


class Children:
    """Those of one run."""

    def __init__(self, means: Means, parent: Starting, begin: Callable[[Starting], RunHandle]) -> None:
        """`begin` executes one."""
        self._means = means
        self._begin = begin
        self._parent = parent
        self._started = run_started(parent.journal.events)
        self._slots = asyncio.Semaphore(means.most_children)

    async def prepare(self, queries: Sequence[ChildQuery]) -> list[Task | Noted]:
        """What each comes to: at the last depth, a prompt. Raises InvalidRequest, UnknownModel, Unpriced, NoRoom."""
        wanted = {msgspec.json.encode(each.schema): each.schema for each in queries if each.schema is not None}
        for schema in wanted.values():
            await asyncio.to_thread(schemas.check, schema, "schema")
        for name in {each.model for each in queries}:
            models = self._models(name)
            check_prices((*models.root, *models.sub), self._started.limits.max_cost)
        if not all(each.query.strip() for each in queries):
            raise InvalidRequest("rlm_query: the query is empty")
        contexts = await asyncio.to_thread(lambda: [self._make_context(each) for each in queries])
        tasks = [
            Task(query=each.query, context=context, schema=each.schema, model=each.model, max_iterations=each.max_iterations)
            for each, context in zip(queries, contexts, strict=True)
        ]
        return list(tasks) if self._started.depth < self._started.limits.max_depth else self._as_prompts(tasks)

    async def execute(self, run_id: str, task: Task, limits: RecordedRunLimits, *, resumed: bool) -> Came:
        """The child to its end. `resumed`: it was begun by an earlier attempt at its parent.

        Raises RequestError if it cannot begin.
        """
        async with self._slots:
            journal = await self._take_over(run_id) if resumed else None
            if journal is None:
                started = self._first_event(run_id, task, limits)
                journal = self._means.journals.begin(started, self._means.observers.of_run(), detached=self._parent.detached)
            if journal.finished:
                return _came(journal.events)
            return _came(await self._wait(journal, task))

    async def _wait(self, journal: Journal, task: Task) -> Sequence[AnyEvent]:
        means = self._means
        turn = means.admission.enter_child(means.claim(task.context))
        handle = self._begin(Starting(journal, task.context, self._models(task.model), turn, self._parent.detached))
        try:
            await asyncio.wait([handle.task])
        except asyncio.CancelledError:
            if self._parent.journal.left:
                handle.leave()  # it is gone on with as its parent is
            else:
                handle.cancel()
            await asyncio.wait([handle.task])
            raise
        finally:
            # Hundreds of them would push out what other runs are over.
            if task.context.id != self._parent.context.id:
                means.forget_template(task.context)
        return handle.events

    async def _take_over(self, run_id: str) -> Journal | None:
        """What there is of it, if anything; of one that has ended, for reading. Raises JournalError."""
        events = await self._means.store.events(run_id, self._started.owner)
        if not events:
            return None
        if isinstance(events[-1], RunFinished):
            return Journal(run_id, events=events)
        found = await self._means.store.find_unfinished(run_id)
        journal = None if found is None else await self._means.journals.take_over(found, self._means.observers.of_run())
        if journal is None:
            raise JournalError(f"the child run {run_id} is executed by another process")
        return journal

    def _first_event(self, run_id: str, task: Task, limits: RecordedRunLimits) -> RunStarted:
        now, context = time.time_ns(), task.context
        models = self._models(task.model)
        return msgspec.structs.replace(
            self._started,
            run_id=run_id,
            query=task.query,
            context_id=context.id,
            context_kind=context.kind,
            context_length=context.length,
            context_count=context.count,
            limits=limits,
            seed=int.from_bytes(run_id.encode()[:8]),
            clock_start_ns=now,
            began_ns=now,
            sub_prompt_chars=models.sub_prompt_chars,
            root_model=task.model or self._started.root_model,
            answer_schema=task.schema,
            session_id=None,
            forked_from=None,
            copied=0,
            earlier=(),
            earlier_cells=0,
            parent=self._started.run_id,
            depth=self._started.depth + 1,
            at=0.0,
        )

    def _models(self, name: str | None) -> Models:
        """Raises UnknownModel."""
        return self._parent.models if name is None else self._means.pool.choose_child(name, self._parent.models)

    def _make_context(self, query: ChildQuery) -> Context:
        """Raises InvalidRequest, NoRoom."""
        owner, whole = self._started.owner, self._parent.context
        contexts = self._means.contexts.of(owner) if owner else self._means.contexts
        made = whole
        if query.text is not None:
            made = contexts.add_text(query.text)
        elif query.texts is not None:
            made = contexts.add_documents(query.texts)
        elif query.value is not msgspec.UNSET:
            made = contexts.add_json("json", query.value)
        elif query.part is not None:
            made = contexts.add_part(whole, range(whole.length)[slice(*query.part)])
        elif query.documents is not None:
            made = contexts.add_chosen(whole, _numbers(whole, query.documents))
        if made.is_empty:
            raise InvalidRequest(f"rlm_query: {EMPTY[made.kind]}")
        return made

    def _as_prompts(self, tasks: Sequence[Task]) -> list[Task | Noted]:
        """Raises InvalidRequest: they are more than sub-models are asked at once."""
        longest = self._started.sub_prompt_chars or LONGEST_PROMPT
        characters = sum(min(longest, len(each.query) + each.context.length) for each in tasks)
        if characters > MAX_BATCH_CHARS:
            raise InvalidRequest(
                f"rlm_query: at the last depth each is a prompt, and these have {characters} characters in all; "
                f"{MAX_BATCH_CHARS} at once is the limit"
            )
        return [self._as_prompt(each, longest) for each in tasks]

    def _as_prompt(self, task: Task, longest: int) -> Noted:
        most = longest - len(task.query)
        text = task.context.read_all(0, max(0, most))
        length, depth = task.context.length, self._started.limits.max_depth
        cut = f" over the first {len(text)} of {length} characters" if len(text) < length else ""
        note = f"max_depth ({depth}) is reached: a sub-model was asked once{cut}"
        return Noted(Prompt(f"{task.query}\n\n{text}", Manner(schema=task.schema, model=task.model)), note)


def _numbers(context: Context, chosen: Sequence[int | str]) -> list[int]:
    """Of documents that are named by number or name. Raises InvalidRequest."""
    if context.kind != "documents":
        raise InvalidRequest("rlm_query: documents: the context is not documents")
    named: dict[str | None, int] = {}
    if any(isinstance(each, str) for each in chosen):
        for number, name in enumerate(context.names):
            named.setdefault(name, number)
    found: dict[int, None] = {}
    for each in chosen:
        number = named.get(each, -1) if isinstance(each, str) else each
        if not 0 <= number < context.count:
            raise InvalidRequest(f"rlm_query: there is no document {each!r:.100}: {_there_are(context)}")
        if number in found:
            raise InvalidRequest(f"rlm_query: the document {each!r:.100} is named twice")
        found[number] = None
    return list(found)


def _there_are(context: Context) -> str:
    names = [name for name, _ in context.documents(0, 1) if name is not None]
    named = f" and names, as {names[0]!r:.100}" if names else ""
    return f"they have the numbers 0 to {context.count - 1}{named}"


def _why(found: results.RunResult) -> str:
    """The error of a limit names it."""
    error = found.error or ""
    return error if error.startswith(found.stopped) else f"{found.stopped}: {error}"


def _came(events: Sequence[AnyEvent]) -> Came:
    found = results.result(events)
    answers = [event.text for event in events if isinstance(event, Answer)]
    below = [event for event in own(events) if isinstance(event, ChildFinished)]
    cells = [event for event in events if isinstance(event, CellFinished | CellRolledBack)]
    return Came(
        answer=answers[-1] if answers else None,
        error=None if found.success else f"the child run {found.run_id} did not answer: {_why(found)}",
        sub_calls=found.sub_calls + sum(each.sub_calls for each in below),
        fuel=sum(each.fuel for each in cells) + sum(each.fuel for each in below),
        spent=spent_by_model(own(events)),
    )
