"""The calls that wait for a provider: in turn between runs, each given to the provider with the most room."""

import asyncio
import contextlib
import heapq
import itertools
import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence

from orchestrator.providers.backend import Backend

Candidates = tuple[Backend, ...]
Call = asyncio.Future[Backend]


class AllDown(Exception):
    """None of the candidates is asked at present: the circuits of all are open, or their rate limits outlast the run."""


class _Waiting:
    """The calls of one run, in their order. `turn`: whose is lower is served before; `until` the run has time."""

    def __init__(self, turn: int, until: float) -> None:
        self.turn = turn
        self.until = until
        self.calls: OrderedDict[Call, None] = OrderedDict()


class _Line:
    """All who wait for the same candidates; the run that is served next comes first."""

    def __init__(self) -> None:
        self.runs: OrderedDict[str, _Waiting] = OrderedDict()

    def first(self) -> _Waiting | None:
        """Whose turn it is; None if nobody waits."""
        for run_id, run in list(self.runs.items()):
            while run.calls and next(iter(run.calls)).done():
                run.calls.popitem(last=False)
            if run.calls:
                return run
            del self.runs[run_id]
        return None

    def pop(self, turn: int) -> Call:
        """The first call of the first run, which is served next at `turn`."""
        run_id, run = self.runs.popitem(last=False)
        call, _ = run.calls.popitem(last=False)
        if run.calls:
            run.turn = turn
            self.runs[run_id] = run
        return call

    def calls(self) -> Iterator[Call]:
        """Those that still wait."""
        return (each for run in self.runs.values() for each in run.calls if not each.done())


class Queue:
    """Gives each call one of its candidates, with a slot taken; a run with many calls does not hold up one with few."""

    def __init__(self) -> None:
        # By their candidates, of which there are few kinds however many runs wait: who is served is found without all of them.
        self._lines: dict[Candidates, _Line] = {}
        self._turns = itertools.count()
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
        return sum(1 for line in self._lines.values() for _ in line.calls())

    def waiting_for(self, backend: Backend) -> int:
        """The calls that wait, and may go to this one."""
        return sum(1 for candidates, line in self._lines.items() if backend in candidates for _ in line.calls())

    async def take(self, run_id: str, candidates: Candidates, until: float = float("inf")) -> Backend:
        """Waits for a free slot and for the end of rate limits; `until` the run has time. Raises AllDown."""
        call: Call = asyncio.get_running_loop().create_future()
        line = self._lines.setdefault(candidates, _Line())
        run = line.runs.setdefault(run_id, _Waiting(next(self._turns), until))
        run.calls[call] = None
        # Nothing has become free: there may be something for this line alone.
        self._serve([candidates])
        try:
            return await call
        except asyncio.CancelledError:
            run.calls.pop(call, None)
            if not run.calls and line.runs.get(run_id) is run:
                del line.runs[run_id]
            if call.done() and not call.cancelled() and call.exception() is None:
                self.give_back(call.result())
            raise

    def give_back(self, backend: Backend) -> None:
        """The call is over."""
        backend.end()
        self.serve()

    def serve(self) -> None:
        """Gives what is free to who waits. Whatever makes a provider free, or takes it away, calls this."""
        self._serve(list(self._lines))

    def _serve(self, lines: Sequence[Candidates]) -> None:
        turns: list[tuple[int, int]] = []  # of the first run of each line, and which line that is
        for number, candidates in enumerate(lines):
            self._note_turn(turns, number, candidates)
        while turns:
            _, number = heapq.heappop(turns)
            if self._serve_one(lines[number]):
                self._note_turn(turns, number, lines[number])
        self._wake_in_time()

    def _note_turn(self, turns: list[tuple[int, int]], number: int, candidates: Candidates) -> None:
        run = self._lines[candidates].first()
        if run is None:
            del self._lines[candidates]
        else:
            heapq.heappush(turns, (run.turn, number))

    def _serve_one(self, candidates: Candidates) -> bool:
        """Whether a call of this line got an answer: its provider, or that there is none."""
        line = self._lines[candidates]
        if all(each.circuit.state == "open" for each in candidates):
            line.pop(next(self._turns)).set_exception(AllDown())
            return True
        backend = _choose(candidates)
        if backend is None:
            _send_away(line, min(each.held_until for each in candidates))
            return False
        backend.begin()
        line.pop(next(self._turns)).set_result(backend)
        return True

    def _wake_in_time(self) -> None:
        """Rate limits end, circuits half-open and doubts pass, while nothing happens."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
        now = time.monotonic()
        held = {each for candidates in self._lines for each in candidates}
        times = [moment for each in held for moment in (each.held_until, each.doubted_until) if moment > now]
        if times:
            self._timer = asyncio.get_running_loop().call_later(min(times) - now, self.serve)


def _choose(candidates: Sequence[Backend]) -> Backend | None:
    """The free one with the most room for its weight; the first among equals."""
    trusted = [each for each in candidates if not each.doubted] or candidates
    return min((each for each in trusted if each.free), key=lambda each: each.load, default=None)


def _send_away(line: _Line, moment: float) -> None:
    """Runs that are over before any of their candidates can be asked: they would wait in vain."""
    if moment <= time.monotonic():
        return  # one of them is only busy
    for run in line.runs.values():
        if run.until < moment:
            for call in run.calls:
                if not call.done():
                    call.set_exception(AllDown())
            run.calls.clear()
