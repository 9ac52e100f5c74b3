"""The sub-calls of a run: reserved in its budget, sent to the pool all at once, written to its journal."""

import asyncio
import itertools
from collections import deque

import msgspec

from orchestrator.budget import Budget
from orchestrator.errors import BudgetExceeded, ProviderError
from orchestrator.journal.events import SubcallFinished, SubcallReused, SubcallStarted
from orchestrator.journal.journal import Journal
from orchestrator.providers.messages import Message
from orchestrator.providers.pool import Pool
from orchestrator.sandbox.host_imports import SubReply


class SubCalls:
    """What a rolled-back cell has paid for is not paid again: the same prompt gets the same answer."""

    def __init__(self, pool: Pool, budget: Budget, journal: Journal) -> None:
        self._pool = pool
        self._budget = budget
        self._journal = journal
        self._turn = 0
        self._cell = 0
        self._answered: list[_Paid] = []  # in this cell
        self._paid: dict[str, deque[_Paid]] = {}

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

    async def ask(self, prompts: list[str]) -> list[SubReply]:
        """One reply for each prompt, in order. Raises BudgetExceeded before anything is sent."""
        paid = [self._take(prompt) for prompt in prompts]
        new = paid.count(None)
        first = self._budget.sub_calls + 1
        try:
            self._budget.reserve_sub_calls(new)
        except BudgetExceeded:
            self._answered += filter(None, paid)
            raise
        numbers = itertools.count(first)
        return await asyncio.gather(
            *(
                self._again(each) if each else self._one(next(numbers), prompt)
                for each, prompt in zip(paid, prompts, strict=True)
            )
        )

    def _take(self, prompt: str) -> "_Paid | None":
        waiting = self._paid.get(prompt)
        return waiting.popleft() if waiting else None

    async def _again(self, paid: "_Paid") -> SubReply:
        self._journal.write(SubcallReused(turn=self._turn, cell=self._cell, subcall=paid.number))
        self._answered.append(paid)
        return SubReply(text=paid.text)

    async def _one(self, number: int, prompt: str) -> SubReply:
        turn, cell = self._turn, self._cell
        self._journal.write(SubcallStarted(turn=turn, cell=cell, subcall=number, prompt=prompt))
        reply, error = None, None
        try:
            reply = await self._pool.complete("sub", (Message("user", prompt),))
            if not reply.text.strip():
                error = f"{reply.provider}: the reply is empty"
        except ProviderError as failure:
            error = str(failure)
        self._journal.write(SubcallFinished(turn=turn, cell=cell, subcall=number, reply=reply, error=error))
        if error or reply is None:
            return SubReply(error=error)
        self._answered.append(_Paid(number, prompt, reply.text))
        return SubReply(text=reply.text)


class _Paid(msgspec.Struct, frozen=True):
    """The answer that sub-call `number` brought."""

    number: int
    prompt: str
    text: str
