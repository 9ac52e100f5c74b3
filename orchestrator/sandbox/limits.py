"""How the time of a cell is measured, and which limit stopped it."""

import re
import time
from typing import Literal

from orchestrator.sandbox.messages import TrapKind
from orchestrator.sandbox.turns import Turn, Turns

REPEATED_SECONDS = 1.0  # that a cell may compute once more because it was given up; else it keeps its guest while it waits

_IN_RE = re.compile(r"!sre_ucs[124]_\w+$", re.MULTILINE)


class Meter(Turn):
    """The seconds of CPU that one cell took, on the thread that runs it: neither waiting counts, nor what neighbours compute.

    It is read on that thread alone; only `cancelled` is set from elsewhere. What a cell computes once more, because it was
    given up, is not counted: it was counted before.
    """

    def __init__(self, seconds: float, turns: Turns | None = None) -> None:
        super().__init__(turns)
        self._limit = seconds
        self._started: float | None = None
        self._charged = 0.0
        self._before = 0.0  # on other threads
        self._repeats = False
        self._repeated = 0.0
        self.cancelled = False

    def begin(self) -> None:
        """What was before is not counted: the guest was being made ready."""
        self._started = time.thread_time()
        self._charged = 0.0

    def give_up(self) -> None:
        """The cell will begin again, perhaps on another thread."""
        self._before = self.seconds
        self._repeated += self._before
        self._repeats = True

    def go_on(self) -> None:
        """The cell has come to where it was given up."""
        self._repeats = False
        self.begin()

    @property
    def repeatable(self) -> bool:
        """Whether it may be given up: all that a cell computes once more is within its limit, too."""
        return self.seconds <= REPEATED_SECONDS and self._repeated + self.seconds <= self._limit

    def charge(self, seconds: float) -> None:
        """Of a process that worked for the cell."""
        self._charged += seconds

    @property
    def seconds(self) -> float:
        if self._repeats:
            return self._before
        if self._started is None:
            self._started = time.thread_time()
        return self._before + time.thread_time() - self._started + self._charged

    @property
    def left(self) -> float:
        return max(0.0, self._limit - self.seconds)

    @property
    def exceeded(self) -> bool:
        return self.seconds > self._limit


def within(message: str) -> Literal["re"] | None:
    """What a cell was in when it was stopped, by the frames that wasmtime names."""
    return "re" if _IN_RE.search(message) else None


def classify(message: str, meter: Meter, fuel_left: int) -> TrapKind:
    """Which limit ended a cell: from our own counters first, from wasmtime's words last."""
    if meter.cancelled:
        return "cancelled"
    if meter.exceeded:
        return "seconds"
    if "call stack exhausted" in message:
        return "stack"
    if "all fuel consumed" in message or fuel_left == 0:
        return "fuel"
    if "fuel allocated for hostcalls" in message:
        return "transfer"
    return "aborted"
