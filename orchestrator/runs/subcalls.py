"""The sub-calls of a run: reserved in its budget, sent all at once, written to its journal."""

import asyncio
import hashlib
import traceback
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from typing import Any, Protocol, TypeVar

import msgspec

from orchestrator.budget import Budget, Hold
from orchestrator.errors import BudgetExceeded, ProviderError, RequestError
from orchestrator.journal.events import AnyEvent, ChildFinished, ChildStarted, SubcallFinished, SubcallReused, SubcallStarted
from orchestrator.journal.limits import RecordedRunLimits
from orchestrator.journal.recording import SubcallEvent
from orchestrator.runs.children import Came, Noted, Task
from orchestrator.runs.sources import Sending, Source
from orchestrator.runs.spending import reserve_sub_calls, settle, settle_child
from orchestrator.sandbox.messages import PLAIN, ChildQuery, Prompt, SubReply


class Writer(Protocol):
    """Where the events of a run go."""

    def write(self, event: AnyEvent) -> None: ...

    async def settle(self) -> None:
        """What was written outlives this process. Raises StoreFull, Superseded."""
        ...


Asked = TypeVar("Asked", Prompt, Task)
Call = Coroutine[Any, Any, SubReply]
Key = tuple[str, bytes]  # a prompt, and how it is asked: the same for what may be given the same answer


def _key(asked: Prompt | Task) -> Key:
    if isinstance(asked, Task):
        return _child_key(asked.query, asked.context.id, asked.schema, asked.model)
    manner = asked.manner
    return asked.text, b"" if manner == PLAIN else hashlib.sha256(msgspec.json.encode(manner)).digest()


def _child_key(query: str, *about: object) -> Key:
    """`about`: its context, the schema of its answer, its model."""
    return query, hashlib.sha256(msgspec.json.encode(about)).digest()


def _lowered(share: dict[str, Any], task: Task) -> RecordedRunLimits:
    """With as many turns as the task may have."""
    turns = share["max_iterations"]
    return RecordedRunLimits(**(share | {"max_iterations": min(turns, task.max_iterations or turns)}))


class _PaidReply(msgspec.Struct, frozen=True):
    """The answer that sub-call `number` brought."""

    number: int
    key: Key
    text: str


async def _together(calls: Iterable[Call]) -> tuple[SubReply, ...]:
    """All their replies; if one cannot be written down, the others end."""
    sent = [asyncio.ensure_future(each) for each in calls]
    try:
        return tuple(await asyncio.gather(*sent))
    finally:
        for each in sent:
            # The traceback of what failed, beside the first, would keep its prompt.
            if not each.cancel() and not each.cancelled() and (error := each.exception()):
                traceback.clear_frames(error.__traceback__)


class SubCalls:
    """What was paid for and lost is not paid again: the same prompt gets the same answer.

    Lost are the answers to a cell that was rolled back, and those of a batch in which others failed.
    """

    def __init__(self, source: Source, budget: Budget, journal: Writer) -> None:
        self._source = source
        self._budget = budget
        self._journal = journal
        self._turn = 0
        self._cell = 0
        self._batches = 0
        self._batch: list[_PaidReply] = []  # answered, of the calls that are going on
        self._answered: list[_PaidReply] = []  # in this cell
        self._paid: dict[Key, deque[_PaidReply]] = {}  # and lost
        self._sent: Counter[Key] = Counter()  # how often each was
        self._ended: list[ChildFinished] = []  # of the calls that are going on

    def begin_cell(self, turn: int, cell: int) -> None:
        """The next sub-calls are those of this cell."""
        self._turn, self._cell = turn, cell
        self._answered = []

    def roll_back(self) -> int:
        """The cell never was, but its answers are paid and wait to be asked for again: returns how many they are."""
        lost, self._answered = self._answered + self._batch, []
        self._batch = []
        self._lose(lost)
        return len(lost)

    def recall(self, events: Iterable[SubcallEvent]) -> None:
        """This cell made these sub-calls when it was executed before: they count, and are not made."""
        keys: dict[int, Key] = {}
        failed = False
        for event in events:
            if not isinstance(event, SubcallFinished | ChildFinished) and event.batch != self._batches:
                self._end_batch(failed=failed)
                self._batches, failed = event.batch, False
            match event:
                case SubcallStarted():
                    self._budget.reserve_sub_calls(1)
                    keys[event.subcall] = _key(Prompt(event.prompt, event.manner))
                    self._sent[keys[event.subcall]] += 1
                case ChildStarted():
                    self._budget.reserve_sub_calls(1)
                    keys[event.subcall] = _child_key(event.query, event.context_id, event.schema, event.model)
                case ChildFinished():
                    self._ended.append(event)
                    if event.error is None:
                        self._batch.append(_PaidReply(event.subcall, keys[event.subcall], event.answer or ""))
                    else:
                        failed = True
                case SubcallFinished() if event.reply is not None and event.error is None:
                    settle(self._budget, event.turn, event.reply, None)
                    self._batch.append(_PaidReply(event.subcall, keys[event.subcall], event.reply.text))
                case SubcallFinished():
                    settle(self._budget, event.turn, event.reply, None)
                    failed = True
                case SubcallReused():
                    self._batch.append(self._take_number(event.subcall))
        self._end_batch(failed=failed)

    async def ask(self, prompts: Sequence[Prompt]) -> tuple[SubReply, ...]:
        """One reply for each, in order. Raises BudgetExceeded, InvalidRequest, UnknownModel before anything is sent."""
        for manner in {id(each.manner): each.manner for each in prompts}.values():
            await self._source.check(manner)
        return await self._ask(prompts, self._send_all)

    async def begin_children(self, queries: Sequence[ChildQuery]) -> tuple[SubReply, ...]:
        """One reply for each, in order. Raises BudgetExceeded, RequestError before anything is begun."""
        prepared = await self._source.prepare(queries)
        if noted := [each for each in prepared if isinstance(each, Noted)]:
            replies = await self.ask([each.prompt for each in noted])
            return tuple(msgspec.structs.replace(reply, note=each.note) for reply, each in zip(replies, noted, strict=True))
        try:
            return await self._ask([each for each in prepared if isinstance(each, Task)], self._begin_all)
        finally:
            self._budget.take_back()

    async def _ask(
        self, asked: Sequence[Asked], reserve: Callable[[Sequence[Asked]], Awaitable[list[Call]]]
    ) -> tuple[SubReply, ...]:
        """`reserve`: all of these, or none; what each call then is. Raises BudgetExceeded."""
        paid = [self._take(_key(each)) for each in asked]
        try:
            sent = await reserve([each for each, old in zip(asked, paid, strict=True) if old is None])
        except BudgetExceeded:
            self._lose(each for each in paid if each)
            raise
        self._batches += 1
        going = iter(sent)
        replies = await _together(self._reuse(each) if each else next(going) for each in paid)
        self._end_batch(failed=any(reply.error is not None for reply in replies))
        return replies

    async def _send_all(self, prompts: Sequence[Prompt]) -> list[Call]:
        """Raises BudgetExceeded."""
        return [self._send(*each) for each in await self._reserve(prompts)]

    async def _begin_all(self, tasks: Sequence[Task]) -> list[Call]:
        """Each with its share of what is left. Raises BudgetExceeded."""
        with self._budget.reserving_sub_calls(len(tasks)) as first:
            share = msgspec.structs.asdict(self._budget.share(max(1, len(tasks))))
        return [self._begin_child(number, each, _lowered(share, each)) for number, each in enumerate(tasks, first)]

    async def _reserve(self, prompts: Sequence[Prompt]) -> list[tuple[Sending, Hold | None]]:
        """Raises BudgetExceeded."""
        seen: Counter[Key] = Counter()
        sendings = []
        with self._budget.reserving_sub_calls(len(prompts)) as first:
            for number, prompt in enumerate(prompts, first):
                key = _key(prompt)
                sendings.append(Sending(number, prompt, self._sent[key] + seen[key]))
                seen[key] += 1
            holds = await reserve_sub_calls(self._budget, self._source, sendings)
        self._sent += seen
        return list(zip(sendings, holds, strict=True))

    def _end_batch(self, *, failed: bool) -> None:
        ended, self._batch = self._batch, []
        # At the end of all: what is left does not hang on which of them ended first.
        for each in self._ended:
            settle_child(self._budget, each)
        self._ended = []
        if failed:
            self._lose(ended)
        else:
            self._answered += ended

    def _lose(self, replies: Iterable[_PaidReply]) -> None:
        for each in replies:
            self._paid.setdefault(each.key, deque()).append(each)

    def _take(self, key: Key) -> _PaidReply | None:
        waiting = self._paid.get(key)
        return waiting.popleft() if waiting else None

    def _take_number(self, number: int) -> _PaidReply:
        found = next(each for waiting in self._paid.values() for each in waiting if each.number == number)
        self._paid[found.key].remove(found)
        return found

    async def _reuse(self, paid: _PaidReply) -> SubReply:
        self._journal.write(SubcallReused(turn=self._turn, cell=self._cell, subcall=paid.number, batch=self._batches))
        self._batch.append(paid)
        return SubReply(text=paid.text)

    async def _send(self, sending: Sending, hold: Hold | None) -> SubReply:
        turn, cell, number, prompt = self._turn, self._cell, sending.number, sending.prompt
        self._journal.write(
            SubcallStarted(turn=turn, cell=cell, subcall=number, prompt=prompt.text, batch=self._batches, manner=prompt.manner)
        )
        reply, error = None, None
        try:
            reply = await self._source.sub_reply(sending, hold)
            if not reply.text.strip():
                error = f"{reply.provider}: the reply is empty"
        except ProviderError as failure:
            reply, error = failure.reply, str(failure)
        settle(self._budget, turn, reply, hold)
        self._journal.write(SubcallFinished(turn=turn, cell=cell, subcall=number, reply=reply, error=error))
        await self._journal.settle()  # it is paid: it lasts before it is used
        if error or reply is None:
            return SubReply(error=error)
        self._batch.append(_PaidReply(number, _key(prompt), reply.text))
        return SubReply(text=reply.text)

    async def _begin_child(self, number: int, task: Task, limits: RecordedRunLimits) -> SubReply:
        turn, cell, run_id = self._turn, self._cell, self._source.child_id(number)
        self._journal.write(
            ChildStarted(
                turn=turn,
                cell=cell,
                subcall=number,
                batch=self._batches,
                run_id=run_id,
                query=task.query,
                context_id=task.context.id,
                context_length=task.context.length,
                limits=limits,
                model=task.model,
                schema=task.schema,
            )
        )
        try:
            came = await self._source.child(number, task, run_id, limits)
        except RequestError as error:
            came = Came(answer=None, error=str(error), sub_calls=0, fuel=0, spent=())
        ended = ChildFinished(turn=turn, cell=cell, subcall=number, run_id=run_id, **msgspec.structs.asdict(came))
        self._journal.write(ended)
        await self._journal.settle()  # it is paid: it lasts before it is used
        self._ended.append(ended)
        if came.error is not None:
            return SubReply(error=came.error, partial=came.answer)
        self._batch.append(_PaidReply(number, _key(task), came.answer or ""))
        return SubReply(text=came.answer)
