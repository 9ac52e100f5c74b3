"""A run that waits long for models gives its guest up meanwhile, and its place among those that go on."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from orchestrator.journal.journal import Journal
from orchestrator.runs.admission import Admission, Turn

HELD_BYTES = 1 << 18  # of a parked run, beside its journal

T = TypeVar("T")


class Parking:
    """That of one run, which waits for one thing at a time."""

    def __init__(self, admission: Admission, turn: Turn, journal: Journal) -> None:
        self._admission = admission
        self._turn = turn
        self._journal = journal
        self._leaving: asyncio.Task[None] | None = None

    async def wait(self, reply: Awaitable[T], give_up: Callable[[], Awaitable[bool]]) -> T:
        """The reply, once the run has its place again. `give_up` is called if it takes long; it says whether it did."""
        timer = asyncio.get_running_loop().call_later(self._admission.park_seconds, self._begin_leaving, give_up)
        needs_its_place = True
        try:
            return await reply
        except asyncio.CancelledError:
            needs_its_place = False  # it is about to end
            if self._leaving is not None:
                self._leaving.cancel()
            raise
        finally:
            timer.cancel()
            if needs_its_place:
                await self._come_back()

    def _begin_leaving(self, give_up: Callable[[], Awaitable[bool]]) -> None:
        self._leaving = asyncio.create_task(self._leave(give_up))

    async def _leave(self, give_up: Callable[[], Awaitable[bool]]) -> None:
        if await give_up():
            self._admission.park(self._turn, HELD_BYTES + self._journal.size)

    async def _come_back(self) -> None:
        leaving, self._leaving = self._leaving, None
        if leaving is not None:
            await leaving
        if self._turn.parked:
            self._admission.come_back(self._turn)
            await self._turn.come
