"""One cell while it runs: what the host imports that it calls work with. Passed on to each of them."""

import hashlib
import traceback
from typing import NoReturn

import wasmtime

from orchestrator.config import CellLimits
from orchestrator.contexts.context import Context
from orchestrator.errors import SandboxError
from orchestrator.sandbox.calls import Calls
from orchestrator.sandbox.limits import Meter
from orchestrator.sandbox.messages import FUEL_PER_SECOND, CallRecord, Effects, HostCall, HostResult
from orchestrator.sandbox.modules.registry import Modules

CLOCK_STEP_NS = 1  # every reading of the clock is later than the one before
FUEL_PER_NS = FUEL_PER_SECOND // 10**9


class Inputs:
    """What one guest perceives of the outside: its context, its own clock, its own random numbers."""

    def __init__(self, context: Context, seed: int, clock_ns: int) -> None:
        self.context = context
        self._seed = seed
        self._clock_ns = clock_ns
        self._draws = 0

    @property
    def position(self) -> tuple[int, int]:
        """How far clock (ns) and randomness (draws) are; set back when a cell is rolled back."""
        return self._clock_ns, self._draws

    @position.setter
    def position(self, position: tuple[int, int]) -> None:
        self._clock_ns, self._draws = position

    def advance_clock(self, time_ns: int) -> int:
        """To that time, if it is not there yet; returns the time that it is."""
        self._clock_ns = max(self._clock_ns, time_ns)
        return self._clock_ns

    def draw(self, length: int) -> bytes:
        """The next bytes of the run's own sequence."""
        self._draws += 1
        return hashlib.shake_256(f"{self._seed} {self._draws}".encode()).digest(length)


class Execution:
    """What one cell works with, and what it has done so far.

    `failure`: an error of ours inside a host import. It kills the instance, but is no doing of the cell.
    """

    def __init__(
        self,
        inputs: Inputs,
        limits: CellLimits,
        meter: Meter,
        modules: Modules,
        calls: Calls,
    ) -> None:
        self.inputs = inputs
        self.limits = limits
        self.meter = meter
        self.modules = modules
        self.calls = calls
        self.failure: BaseException | None = None
        self._stop: wasmtime.WasmtimeError | None = None
        self._store: wasmtime.Store | None = None
        self._fuel = 0  # at its beginning
        self._began_ns = inputs.position[0]
        self._reads = 0
        self._reads_digest = hashlib.sha256()

    def begin(self, store: wasmtime.Store, fuel: int) -> None:
        """From here on the cell's fuel is that of the instance in `store`."""
        self._store = store
        self._fuel = self.fuel_left = fuel
        self._began_ns = self.inputs.position[0]

    def fail(self, failure: BaseException) -> wasmtime.WasmtimeError:
        """An error of ours: returns the one that ends the instance."""
        self.failure = failure
        self._stop = wasmtime.WasmtimeError("host import failed")
        return self._stop

    def clear_tracebacks(self) -> None:
        """Errors and their frames hold each other: only the collector of cycles would free what the cell handed over."""
        for error in (self.failure, self._stop):
            if error is not None:
                traceback.clear_frames(error.__traceback__)

    @property
    def fuel_left(self) -> int:
        """Of the cell; 0 for our own code before it."""
        return self._store.get_fuel() if self._store else 0

    @fuel_left.setter
    def fuel_left(self, fuel: int) -> None:
        if self._store:
            self._store.set_fuel(max(0, fuel))

    def read_clock(self) -> int:
        """Nanoseconds of the run's own clock: its start, and the work of its cells since."""
        now = self.inputs.position[0] + CLOCK_STEP_NS
        return self.inputs.advance_clock(max(now, self._time_ns))

    def end(self) -> None:
        """The cell is over: the next one's time begins where its own ended."""
        self.inputs.advance_clock(self._time_ns)

    @property
    def _time_ns(self) -> int:
        return self._began_ns + (self._fuel - self.fuel_left) // FUEL_PER_NS

    @property
    def effects(self) -> Effects:
        """So far."""
        return Effects(self._reads, self._reads_digest.hexdigest(), *self.inputs.position)

    def note_read(self, document: int, start: int, length: int) -> None:
        """A read of the context: counted, and part of a digest."""
        self._reads += 1
        self._reads_digest.update(f"{document} {start} {length};".encode())

    def ask(self, call: HostCall, *, repeatable: bool) -> HostResult:
        """The run's answer; `repeatable`: to come so far once more costs no more than what the cell has computed."""
        if (answer := self.calls.awaited(call)) is not None:
            self.meter.go_on()
            return answer
        with self.meter.waiting():
            return self.calls.ask(call, repeatable=repeatable and self.meter.repeatable)

    def report(self, record: CallRecord) -> None:
        """Tells the run of a call that was answered, and takes the fuel of a module from the cell's."""
        self.calls.report(record)
        if record.fuel:
            self.fuel_left -= record.fuel


def preparation(context: Context, limits: CellLimits, modules: Modules) -> Execution:
    """Stands for a cell while our own code runs in a guest: before its first cell, or in a probe."""
    return Execution(Inputs(context, seed=0, clock_ns=0), limits, Meter(limits.seconds), modules, Calls(_refuse, _refuse))


def _refuse(call: object, *, repeatable: bool = False) -> NoReturn:
    raise SandboxError("a guest called its run outside a cell")
