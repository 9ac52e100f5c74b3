"""The sub-calls of a run: reserved in its budget, sent all at once, written to its journal."""

import asyncio
import hashlib
import traceback
from collections import Counter, deque
from collections.abc import Coroutine, Iterable, Sequence
from typing import Any, Protocol

import msgspec

from orchestrator.budget import Budget, Hold
from orchestrator.errors import BudgetExceeded, ProviderError
from orchestrator.journal.events import AnyEvent, SubcallFinished, SubcallReused, SubcallStarted
from orchestrator.journal.recording import SubcallEvent
from orchestrator.runs.sources import Sending, Source
from orchestrator.runs.spending import reserve_sub_calls, settle
from orchestrator.sandbox.messages import PLAIN, Prompt, SubReply


class Writer(Protocol):
    """Where the events of a run go."""

    def write(self, event: AnyEvent) -> None: ...

    async def settle(self) -> None:
        """What was written outlives this process. Raises StoreFull, Superseded."""
        ...


Key = tuple[str, bytes]  # a prompt, and how it is asked: the same for what may be given the same answer


def _key(prompt: Prompt) -> Key:
    manner = prompt.manner
    return prompt.text, b"" if manner == PLAIN else hashlib.sha256(msgspec.json.encode(manner)).digest()


class _PaidReply(msgspec.Struct, frozen=True):
    """The answer that sub-call `number` brought."""

    number: int
    key: Key
    text: str


async def _together(calls: Iterable[Coroutine[Any, Any, SubReply]]) -> tuple[SubReply, ...]:
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
            if not isinstance(event, SubcallFinished) and event.batch != self._batches:
                self._end_batch(failed=failed)
                self._batches, failed = event.batch, False
            match event:
                case SubcallStarted():
                    self._budget.reserve_sub_calls(1)
                    keys[event.subcall] = _key(Prompt(event.prompt, event.manner))
                    self._sent[keys[event.subcall]] += 1
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
        paid = [self._take(_key(each)) for each in prompts]
        try:
            sent = await self._reserve([prompt for prompt, each in zip(prompts, paid, strict=True) if each is None])
        except BudgetExceeded:
            self._lose(each for each in paid if each)
            raise
        self._batches += 1
        going = iter(sent)
        replies = await _together(self._reuse(each) if each else self._send(*next(going)) for each in paid)
        self._end_batch(failed=any(reply.error is not None for reply in replies))
        return replies

    async def _reserve(self, prompts: Sequence[Prompt]) -> list[tuple[Sending, Hold | None]]:
        """Raises BudgetExceeded."""
        first = self._budget.reserve_sub_calls(len(prompts))
        seen: Counter[Key] = Counter()
        sendings = []
        for number, prompt in enumerate(prompts, first):
            key = _key(prompt)
            sendings.append(Sending(number, prompt, self._sent[key] + seen[key]))
            seen[key] += 1
        try:
            holds = await reserve_sub_calls(self._budget, self._source, sendings)
        except BudgetExceeded:
            self._budget.give_back_sub_calls(len(prompts))
            raise
        self._sent += seen
        return list(zip(sendings, holds, strict=True))

    def _end_batch(self, *, failed: bool) -> None:
        ended, self._batch = self._batch, []
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
