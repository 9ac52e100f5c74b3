"""What is let in: runs, so many at once, and bodies, all within one budget of bytes.

A run waits for its turn before its first cell, and after it was parked; never in the middle of either. While one waits for
its turn, those that wait for models are asked to be parked, the first of them first.

A child run is never refused: its parent has been let in, and says how many go on at once. A cell that has computed long keeps
its guest while it waits. If all that go on do, a child goes on beyond the limits: they may wait for that one.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

import msgspec

from orchestrator.errors import Busy


class Limits(msgspec.Struct, frozen=True):
    """The bytes of all together, how many go on at once, how many may wait for that; after how many seconds one is parked."""

    budget: int
    most: int
    most_waiting: int
    park_seconds: float = float("inf")


class Turn:
    """That of one run: await `come`, and `claim` bytes are its own. `parked`: it was given back, for the time being."""

    def __init__(self, claim: int, *, is_child: bool = False) -> None:
        self.claim = claim
        self.is_child = is_child
        self.come: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.parked = False
        self.held = 0  # bytes, since it is parked


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
        self._returning: deque[Turn] = deque()
        self._waiting: deque[Turn] = deque()
        self._idle: dict[Turn, Callable[[], None]] = {}
        self._asked: set[Turn] = set()  # to be parked
        self._kept: set[Turn] = set()  # by runs that wait with their guests
        self.park_seconds = limits.park_seconds
        self.claimed = 0  # bytes of those that go on, and of the parked
        self.running = 0

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    @property
    def is_full(self) -> bool:
        """Whether one more may be refused."""
        return sum(not each.is_child for each in self._waiting) >= self._limits.most_waiting

    def enter(self, claim: int) -> Turn:
        """A turn, to be given back by `leave` whatever happens. Raises Busy if it had to wait, and too many do."""
        if self.is_full and (self._waiting or self._returning or not self._fits(claim)):
            limit = self._limits.most_waiting
            raise Busy(f"{self.running} runs go on and {limit} wait (server.max_queued_runs): ask again later")
        return self._queue(Turn(claim))

    def enter_child(self, claim: int) -> Turn:
        """The same for a child run."""
        return self._queue(Turn(claim, is_child=True))

    def may_leave(self, turn: Turn, leave: Callable[[], None]) -> None:
        """Its run waits for models. `leave` is called if others need its place; then `park` or `stays` is to follow."""
        self._idle[turn] = leave
        self._serve()

    def stays(self, turn: Turn) -> None:
        """Its run waits no longer."""
        self._idle.pop(turn, None)
        self._kept.discard(turn)
        if turn in self._asked:
            self._asked.discard(turn)
            self._serve()

    def keeps(self, turn: Turn) -> None:
        """Its run goes on waiting, and keeps its guest."""
        self._idle.pop(turn, None)
        self._asked.discard(turn)
        self._kept.add(turn)
        self._serve()

    def park(self, turn: Turn, held: int) -> None:
        """Its run waits without a guest: `held` bytes are all that it needs meanwhile."""
        self._idle.pop(turn, None)
        self._asked.discard(turn)
        if not turn.come.done() or turn.parked:
            return
        turn.parked, turn.held = True, held
        self.claimed += held - turn.claim
        self.running -= 1
        self._serve()

    def come_back(self, turn: Turn) -> None:
        """Await `come` again: before all runs that have not begun."""
        turn.come = asyncio.get_running_loop().create_future()
        self._returning.append(turn)
        self._serve()

    def leave(self, turn: Turn) -> None:
        """The run has ended, or will never begin."""
        self._kept.discard(turn)
        if turn in self._waiting:
            self._waiting.remove(turn)
        elif turn.parked:
            self.claimed -= turn.held
            if turn in self._returning:
                self._returning.remove(turn)
        else:
            self.claimed -= turn.claim
            self.running -= 1
        self._serve()

    def _queue(self, turn: Turn) -> Turn:
        self._waiting.append(turn)
        self._serve()
        return turn

    def _serve(self) -> None:
        """In their order: one that needs much is not passed for ever by those that need little."""
        for queue in (self._returning, self._waiting):
            while queue:
                if not self._fits(queue[0].claim):
                    self._ask_for_places()
                    self._free_the_stuck()
                    return
                self._begin(queue.popleft())

    def _free_the_stuck(self) -> None:
        """None that goes on can give its place up before one of their children has ended."""
        if self.running > len(self._kept):
            return
        for queue in (self._returning, self._waiting):
            if child := next((each for each in queue if each.is_child), None):
                queue.remove(child)
                self._begin(child)
                return

    def _ask_for_places(self) -> None:
        """One for each that waits for its turn."""
        while self._idle and len(self._asked) < len(self._returning) + len(self._waiting):
            turn = next(iter(self._idle))
            self._asked.add(turn)
            self._idle.pop(turn)()

    def _begin(self, turn: Turn) -> None:
        self.claimed += turn.claim - turn.held
        self.running += 1
        turn.parked, turn.held = False, 0
        if not turn.come.done():  # else it was cancelled, and is about to leave
            turn.come.set_result(None)

    def _fits(self, claim: int) -> bool:
        if not self.running:
            return True
        left = self._limits.budget - self.claimed - claim - self._others()
        if self.running >= self._limits.most or left < 0:
            return False
        if self._templates.held_bytes > left:
            self._templates.shrink(left)
        return True


class Bodies:
    """JSON bodies that arrive, or are being read: all within a share of the budget."""

    def __init__(self, share: int) -> None:
        self._share = share
        self.readers = asyncio.Semaphore(2)  # processes that read large ones, each with the memory that this takes
        self.held_bytes = 0

    @contextmanager
    def taking(self) -> Iterator[Callable[[int], None]]:
        """Yields what takes the bytes of one, which raises Busy; they are given back at the end."""
        own = 0

        def take(size: int) -> None:
            nonlocal own
            if self.held_bytes + size > self._share:
                raise Busy(f"all bodies that arrive have {self._share} bytes at once (server.budget_bytes): send it later")
            own += size
            self.held_bytes += size

        try:
            yield take
        finally:
            self.held_bytes -= own
