"""The sub-calls of a run: reserved in its budget, sent all at once, written to its journal."""

import asyncio
import itertools
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Protocol

import msgspec

from orchestrator.budget import Budget
from orchestrator.errors import BudgetExceeded, ProviderError
from orchestrator.journal.events import AnyEvent, SubcallFinished, SubcallReused, SubcallStarted
from orchestrator.journal.recording import SubcallEvent
from orchestrator.runs.sources import Source
from orchestrator.sandbox.messages import SubReply


class Writer(Protocol):
    """Where the events of a run go."""

    def write(self, event: AnyEvent) -> None: ...


class _PaidReply(msgspec.Struct, frozen=True):
    """The answer that sub-call `number` brought."""

    number: int
    prompt: str
    text: str


class SubCalls:
    """What a rolled-back cell has paid for is not paid again: the same prompt gets the same answer."""

    def __init__(self, source: Source, budget: Budget, journal: Writer) -> None:
        self._source = source
        self._budget = budget
        self._journal = journal
        self._turn = 0
        self._cell = 0
        self._answered: list[_PaidReply] = []  # in this cell
        self._paid: dict[str, deque[_PaidReply]] = {}  # by rolled-back cells

    def begin_cell(self, turn: int, cell: int) -> None:
        """The next sub-calls are those of this cell."""
        self._turn, self._cell = turn, cell
        self._answered = []

    def roll_back(self) -> int:
        """The cell never was, but its answers are paid and wait to be asked for again: returns how many they are."""
        for each in self._answered:
            self._paid.setdefault(each.prompt, deque()).append(each)
        count, self._answered = len(self._answered), []
        return count

    def recall(self, events: Iterable[SubcallEvent]) -> None:
        """This cell made these sub-calls when it was executed before: they count, and are not made."""
        prompts: dict[int, str] = {}
        for event in events:
            match event:
                case SubcallStarted():
                    self._budget.reserve_sub_calls(1)
                    prompts[event.subcall] = event.prompt
                case SubcallFinished() if event.reply is not None and event.error is None:
                    self._answered.append(_PaidReply(event.subcall, prompts[event.subcall], event.reply.text))
                case SubcallReused():
                    self._answered.append(self._take_number(event.subcall))

    async def ask(self, prompts: Sequence[str]) -> tuple[SubReply, ...]:
        """One reply for each prompt, in order. Raises BudgetExceeded before anything is sent."""
        paid = [self._take(prompt) for prompt in prompts]
        try:
            first = self._budget.reserve_sub_calls(paid.count(None))
        except BudgetExceeded:
            self._answered += filter(None, paid)
            raise
        numbers = itertools.count(first)
        calls = (
            self._reuse(each) if each else self._send(next(numbers), prompt) for each, prompt in zip(paid, prompts, strict=True)
        )
        return tuple(await asyncio.gather(*calls))

    def _take(self, prompt: str) -> _PaidReply | None:
        waiting = self._paid.get(prompt)
        return waiting.popleft() if waiting else None

    def _take_number(self, number: int) -> _PaidReply:
        found = next(each for waiting in self._paid.values() for each in waiting if each.number == number)
        self._paid[found.prompt].remove(found)
        return found

    async def _reuse(self, paid: _PaidReply) -> SubReply:
        self._journal.write(SubcallReused(turn=self._turn, cell=self._cell, subcall=paid.number))
        self._answered.append(paid)
        return SubReply(text=paid.text)

    async def _send(self, number: int, prompt: str) -> SubReply:
        turn, cell = self._turn, self._cell
        self._journal.write(SubcallStarted(turn=turn, cell=cell, subcall=number, prompt=prompt))
        reply, error = None, None
        try:
            reply = await self._source.sub_reply(number, prompt)
            if not reply.text.strip():
                error = f"{reply.provider}: the reply is empty"
        except ProviderError as failure:
            error = str(failure)
        self._journal.write(SubcallFinished(turn=turn, cell=cell, subcall=number, reply=reply, error=error))
        if error or reply is None:
            return SubReply(error=error)
        self._answered.append(_PaidReply(number, prompt, reply.text))
        return SubReply(text=reply.text)
