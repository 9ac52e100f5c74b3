"""A run that waits for models gives its guest up meanwhile, and its place among those that go on: if it waits long, or, after
a moment, if others wait for a place.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from orchestrator.journal.journal import Journal
from orchestrator.runs.admission import Admission, Turn

HELD_BYTES = 1 << 18  # of a parked run, beside its journal
MOMENT = 0.02  # seconds: about what it costs to give a guest up and to bring it back

T = TypeVar("T")


class Parking:
    """That of one run, which waits for one thing at a time."""

    def __init__(self, admission: Admission, turn: Turn, journal: Journal) -> None:
        self._admission = admission
        self._turn = turn
        self._journal = journal
        self._leaving: asyncio.Task[None] | None = None

    async def wait(self, reply: Awaitable[T], give_up: Callable[[], Awaitable[bool]]) -> T:
        """The reply, once the run has its place again. `give_up` is called once at most; it says whether it did."""

        def leave() -> None:
            if self._leaving is None:
                self._leaving = asyncio.create_task(self._leave(give_up))

        loop = asyncio.get_running_loop()
        long = loop.call_later(self._admission.park_seconds, leave)
        short = loop.call_later(MOMENT, self._admission.may_leave, self._turn, leave)
        needs_its_place = True
        try:
            return await reply
        except asyncio.CancelledError:
            needs_its_place = False  # it is about to end
            if self._leaving is not None:
                self._leaving.cancel()
            raise
        finally:
            long.cancel()
            short.cancel()
            self._admission.stays(self._turn)
            if needs_its_place:
                await self._come_back()

    async def _leave(self, give_up: Callable[[], Awaitable[bool]]) -> None:
        if await give_up():
            self._admission.park(self._turn, HELD_BYTES + self._journal.size)
        else:
            self._admission.keeps(self._turn)

    async def _come_back(self) -> None:
        leaving, self._leaving = self._leaving, None
        if leaving is not None:
            await leaving
            self._admission.stays(self._turn)  # it may have kept its guest a moment ago
        if self._turn.parked:
            self._admission.come_back(self._turn)
            await self._turn.come
