"""How the time of a cell is measured, and which limit stopped it."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from orchestrator.sandbox.messages import TrapKind

_IN_RE = re.compile(r"!sre_ucs[124]_\w+$", re.MULTILINE)


class Meter:
    """The seconds that one cell took; waiting for sub-models is not counted."""

    def __init__(self, seconds: float) -> None:
        self._limit = seconds
        self._started = time.monotonic()
        self._waited = 0.0
        self.cancelled = False

    def begin(self) -> None:
        """What was before is not counted: the guest was being made ready."""
        self._started = time.monotonic()
        self._waited = 0.0

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._started - self._waited

    @property
    def exceeded(self) -> bool:
        return self.seconds > self._limit

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Time inside is not the cell's."""
        started = time.monotonic()
        try:
            yield
        finally:
            self._waited += time.monotonic() - started


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
