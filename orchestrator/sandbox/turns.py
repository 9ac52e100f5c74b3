"""Which cells compute: a few at once, and of those that wait the one that has computed least. So none holds up a short one."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

POLL_SECONDS = 0.05  # after which who waits looks whether its run is over


class Turns:
    """Entered by the threads of cells; left while a cell waits for a model or a compiler."""

    def __init__(self, slots: int) -> None:
        self._free = slots
        self._changed = threading.Condition()
        self._waiting: list[tuple[float, int]] = []  # (seconds computed so far, order of coming)
        self._came = 0

    def enter(self, seconds: float, *, cancelled: "Cancelled") -> None:
        """Waits for a turn; a cell that is cancelled goes on at once, to its end at the next tick."""
        with self._changed:
            self._came += 1
            own = (seconds, self._came)
            self._waiting.append(own)
            while not cancelled.cancelled and not (self._free > 0 and min(self._waiting) == own):
                self._changed.wait(POLL_SECONDS)
            self._waiting.remove(own)
            self._free -= 1
            if self._free > 0:
                self._changed.notify_all()

    def leave(self) -> None:
        with self._changed:
            self._free += 1
            if self._waiting:
                self._changed.notify_all()

    def wanted_by_less(self, seconds: float) -> bool:
        """Whether a cell waits that has computed less than so much."""
        # Without the lock, at every tick of every cell: a glance that comes too early is made again at the next one.
        return any(computed < seconds for computed, _ in tuple(self._waiting))


class Cancelled:
    """What says whether a cell's run is over."""

    cancelled = False


class Turn(Cancelled):
    """That of one cell. Used on its thread alone."""

    def __init__(self, turns: Turns | None = None) -> None:
        """Without turns, our own code: it never waits."""
        self._turns = turns
        self._has = False

    @contextmanager
    def computing(self) -> Iterator[None]:
        self._take()
        try:
            yield
        finally:
            self._give_back()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Another computes meanwhile."""
        had = self._has
        self._give_back()
        try:
            yield
        finally:
            if had:
                self._take()

    def give_way(self) -> None:
        """At a tick: to who has computed less."""
        if self._has and self._turns and self._turns.wanted_by_less(self.seconds):
            with self.waiting():
                pass

    @property
    def seconds(self) -> float:
        """Computed so far."""
        return 0.0

    def _take(self) -> None:
        if self._turns and not self._has:
            self._turns.enter(self.seconds, cancelled=self)
            self._has = True

    def _give_back(self) -> None:
        if self._turns and self._has:
            self._has = False
            self._turns.leave()
