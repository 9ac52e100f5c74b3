"""The one bridge between a guest's thread and the event loop: what a cell asks of its run goes over it."""

import asyncio
import threading
from concurrent.futures import Future
from typing import Protocol

from orchestrator.errors import SandboxError
from orchestrator.sandbox.calls import GivenUp
from orchestrator.sandbox.messages import CallRecord, HostCall, HostResult


class Owner(Protocol):
    """The run that a guest belongs to. Called in the event loop, one after the other."""

    async def answer(self, call: HostCall) -> HostResult:
        """What a cell is given for a call."""
        ...

    def record(self, record: CallRecord) -> None:
        """A call of the cell was answered; nothing that follows from it has been shown yet."""


class Bridge:
    """Carries the calls of one guest to its run. `failure`: what the owner raised when it was to record a call."""

    def __init__(self, owner: Owner) -> None:
        """In the event loop that `owner` lives in."""
        self._owner = owner
        self._loop = asyncio.get_running_loop()
        self._pending: Future[HostResult] | None = None
        self._wake: threading.Event | None = None  # of a thread that may be let go
        self._cancelled = False
        self.failure: Exception | None = None

    def ask(self, call: HostCall, *, repeatable: bool) -> HostResult:
        """On a guest's thread: waits for the owner's answer. Raises GivenUp if the thread is let go meanwhile."""
        # First pending, then the look at `cancelled`, against cancel(), which does both the other way round: one of the two
        # always sees the other, so that no thread waits for a run that is over.
        wake = threading.Event()
        self._wake = wake if repeatable else None
        answer = self._pending = asyncio.run_coroutine_threadsafe(self._answer(call), self._loop)
        answer.add_done_callback(lambda _answer: wake.set())
        if self._cancelled:
            answer.cancel()
        wake.wait()
        self._wake = None
        if not answer.done():
            raise GivenUp
        self._pending = None
        return answer.result()

    def let_go(self) -> bool:
        """In the loop, while a cell waits: its thread goes. False if the cell cannot begin again."""
        wake = self._wake
        if wake is not None:
            wake.set()
        return wake is not None

    async def answer(self) -> HostResult:
        """In the loop: what the cell is given that was given up."""
        if self._pending is None:
            raise SandboxError("no cell was given up")
        try:
            return await asyncio.wrap_future(self._pending)
        finally:
            self._pending = None

    def report(self, record: CallRecord) -> None:
        """On a guest's thread: does not wait. The loop keeps the order, so the owner knows of it before all that follows."""
        # The end of a cell comes to the loop in the same way (wrap_future), so behind all its reports.
        self._loop.call_soon_threadsafe(self._record, record)

    def cancel(self) -> None:
        """In the loop: ends what is being answered, and lets nothing more begin."""
        self._cancelled = True
        if pending := self._pending:
            pending.cancel()

    async def _answer(self, call: HostCall) -> HostResult:
        return await self._owner.answer(call)

    def _record(self, record: CallRecord) -> None:
        try:
            self._owner.record(record)
        except Exception as error:  # noqa: BLE001  (raised where the cell ends, not in the loop)
            # The first one is the reason; what follows from it may be anything.
            self.failure = self.failure or error
