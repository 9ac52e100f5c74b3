"""Which runs go on and which wait: so many at once, all within one budget of bytes. A run waits before its first cell only."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Protocol

import msgspec

from orchestrator.errors import Busy


class Limits(msgspec.Struct, frozen=True):
    """The bytes of all together, how many go on at once, and how many may wait for that."""

    budget: int
    most: int
    most_waiting: int


class Templates(Protocol):
    """Loaded contexts: they hold so much, and can be told to hold less."""

    @property
    def held_bytes(self) -> int: ...

    def shrink(self, to: int) -> None: ...


class Admission:
    """Lets in runs, in their order. One that is larger than the whole budget goes on alone."""

    def __init__(self, limits: Limits, templates: Templates, others: Callable[[], int]) -> None:
        """`others`: bytes of the budget that are neither runs nor templates."""
        self._limits = limits
        self._templates = templates
        self._others = others
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()
        self.claimed = 0  # bytes of those that go on
        self.running = 0

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def check(self, claim: int) -> None:
        """Raises Busy if one more would have to wait, and too many do."""
        if len(self._waiting) >= self._limits.most_waiting and (self._waiting or not self._fits(claim)):
            limit = self._limits.most_waiting
            raise Busy(f"{self.running} runs go on and {limit} wait (server.max_queued_runs): ask again later")

    @asynccontextmanager
    async def admitted(self, claim: int) -> AsyncIterator[None]:
        """Waits for its turn; inside, `claim` bytes are its own."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = (claim, turn)
        self._waiting.append(entry)
        self._serve()
        try:
            await turn
            yield
        finally:
            if turn.done() and not turn.cancelled():
                self.claimed -= claim
                self.running -= 1
            elif entry in self._waiting:
                self._waiting.remove(entry)
            self._serve()

    def _serve(self) -> None:
        """In their order: one that needs much is not passed for ever by those that need little."""
        while self._waiting and self._fits(self._waiting[0][0]):
            claim, turn = self._waiting.popleft()
            if turn.done():  # cancelled
                continue
            self.claimed += claim
            self.running += 1
            turn.set_result(None)

    def _fits(self, claim: int) -> bool:
        if not self.running:
            return True
        left = self._limits.budget - self.claimed - claim - self._others()
        if self.running >= self._limits.most or left < 0:
            return False
        if self._templates.held_bytes > left:
            self._templates.shrink(left)
        return True
