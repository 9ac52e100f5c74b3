"""What one cell may use, how it is measured, and which limit stopped it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import msgspec

# fuel, seconds: a limit of the cell; stack: nested too deeply in C; cancelled: the run is over;
# aborted: the interpreter ended itself, or its report was not one
TrapKind = Literal["fuel", "seconds", "stack", "transfer", "cancelled", "aborted"]


class Trap(msgspec.Struct, frozen=True):
    """The cell was stopped and rolled back. `lost`: the state before it does not work either, so the run begins anew."""

    kind: TrapKind
    fuel: int
    seconds: float
    lost: bool = False


class Effects(msgspec.Struct, frozen=True):
    """What a cell asked of the host beside calls: reads of the context, and how far clock and randomness are after it."""

    context_reads: int
    reads_sha256: str
    clock_ns: int
    random_draws: int


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
