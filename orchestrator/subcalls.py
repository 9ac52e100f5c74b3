"""The sub-calls of a run: reserved in its budget, sent to the pool all at once, written to its journal."""

import asyncio

from orchestrator.budget import Budget
from orchestrator.errors import BudgetExceeded, ProviderError
from orchestrator.events import HostCall, SubcallFinished, SubcallStarted
from orchestrator.journal import Journal
from orchestrator.pool import Pool
from orchestrator.providers.base import Message
from orchestrator.sandbox.host_imports import SubReply


class SubCalls:
    """`turn` and `cell` say where the next ones come from."""

    def __init__(self, pool: Pool, budget: Budget, journal: Journal) -> None:
        self._pool = pool
        self._budget = budget
        self._journal = journal
        self.turn = 0
        self.cell = 0

    async def ask(self, prompts: list[str]) -> list[SubReply]:
        """One reply for each prompt, in order. Raises BudgetExceeded before anything is sent."""
        first = self._budget.sub_calls + 1
        try:
            self._budget.reserve_sub_calls(len(prompts))
        except BudgetExceeded as error:
            self._write_call(str(error))
            raise
        self._write_call(None)
        return await asyncio.gather(*(self._one(first + index, prompt) for index, prompt in enumerate(prompts)))

    def _write_call(self, error: str | None) -> None:
        self._journal.write(HostCall(turn=self.turn, cell=self.cell, name="llm_query", error=error))

    async def _one(self, number: int, prompt: str) -> SubReply:
        turn, cell = self.turn, self.cell
        self._journal.write(SubcallStarted(turn=turn, cell=cell, subcall=number, prompt=prompt))
        reply, error = None, None
        try:
            reply = await self._pool.complete("sub", (Message("user", prompt),))
            if not reply.text.strip():
                error = f"{reply.provider}: the reply is empty"
        except ProviderError as failure:
            error = str(failure)
        self._journal.write(SubcallFinished(turn=turn, cell=cell, subcall=number, reply=reply, error=error))
        return SubReply(error=error) if error or reply is None else SubReply(text=reply.text)
