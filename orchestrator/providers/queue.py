"""The calls that wait for a provider: in turn between runs, each given to the provider with the most room."""

import asyncio
import contextlib
import time
from collections import OrderedDict, deque
from collections.abc import Iterable, Sequence

from orchestrator.providers.backend import Backend

Candidates = tuple[Backend, ...]


class AllDown(Exception):
    """None of the candidates is asked at present: the circuits of all are open."""


class Queue:
    """Gives each call one of its candidates, with a slot taken; a run with many calls does not hold up one with few."""

    def __init__(self) -> None:
        # The calls of a run with the same candidates, in their order; the run that is served next comes first.
        self._waiting: OrderedDict[tuple[str, Candidates], deque[asyncio.Future[Backend]]] = OrderedDict()
        self._timer: asyncio.TimerHandle | None = None
        self._back = asyncio.Event()

    async def pause(self, seconds: float) -> None:
        """Waits so long, or until a provider is back."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._back.wait()

    def wake(self) -> None:
        """A provider is back."""
        self._back.set()
        self._back = asyncio.Event()

    def __len__(self) -> int:
        return sum(not each.done() for calls in self._waiting.values() for each in calls)

    def waiting_for(self, backend: Backend) -> int:
        """The calls that wait, and may go to this one."""
        return sum(not each.done() for key, calls in self._waiting.items() if backend in key[1] for each in calls)

    async def take(self, run_id: str, candidates: Candidates) -> Backend:
        """Waits for a free slot and for the end of rate limits. Raises AllDown."""
        call: asyncio.Future[Backend] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault((run_id, candidates), deque()).append(call)
        self.serve()
        try:
            return await call
        except asyncio.CancelledError:
            if call.done() and not call.cancelled() and call.exception() is None:
                self.give_back(call.result())
            raise

    def give_back(self, backend: Backend) -> None:
        """The call is over."""
        backend.end()
        self.serve()

    def serve(self) -> None:
        """Gives what is free to who waits. Whatever makes a provider free, or takes it away, calls this."""
        served = True
        while served:
            # Those with the same candidates as one that got nothing will get nothing either.
            nothing_for: set[Candidates] = set()
            served = sum(self._serve_one(key, nothing_for) for key in list(self._waiting)) > 0
        self._wake_in_time()

    def _serve_one(self, key: tuple[str, Candidates], nothing_for: set[Candidates]) -> bool:
        """Whether the first call of a run got an answer: its provider, or that there is none."""
        candidates = key[1]
        calls = self._waiting[key]
        while calls and calls[0].done():
            calls.popleft()
        if not calls:
            del self._waiting[key]
            return False
        if candidates in nothing_for:
            return False
        if all(each.circuit.state == "open" for each in candidates):
            calls.popleft().set_exception(AllDown())
            return True
        backend = _choose(candidates)
        if backend is None:
            nothing_for.add(candidates)
            return False
        backend.begin()
        calls.popleft().set_result(backend)
        self._waiting.move_to_end(key)
        return True

    def _wake_in_time(self) -> None:
        """Rate limits end, and circuits half-open, while nothing happens."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
        times = [each for _, candidates in self._waiting for each in _times(candidates)]
        if times:
            self._timer = asyncio.get_running_loop().call_later(max(0.0, min(times) - time.monotonic()), self.serve)


def _choose(candidates: Sequence[Backend]) -> Backend | None:
    """The free one with the most room for its weight; the first among equals."""
    trusted = [each for each in candidates if not each.doubted] or candidates
    return min((each for each in trusted if each.free), key=lambda each: each.load, default=None)


def _times(candidates: Iterable[Backend]) -> Iterable[float]:
    """When each that is held back now is no longer."""
    now = time.monotonic()
    for each in candidates:
        ready = max(each.limited_until, each.circuit.open_until)
        if ready > now:
            yield ready
