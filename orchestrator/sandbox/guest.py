"""The one face of the sandbox: the Python guest of one run. Cells in, outcomes out, as messages.py has them.

A cell that is stopped is rolled back: it never was.
"""

import asyncio
import functools

import msgspec
import wasmtime

from orchestrator.contexts.context import Context
from orchestrator.errors import JournalError, NotWritten, SandboxError
from orchestrator.sandbox.bridge import Bridge, Owner
from orchestrator.sandbox.calls import Calls, GivenUp
from orchestrator.sandbox.engine import Engine
from orchestrator.sandbox.entered import entering
from orchestrator.sandbox.execution import Execution, Inputs, preparation
from orchestrator.sandbox.instance import Instance
from orchestrator.sandbox.limits import Meter, classify, within
from orchestrator.sandbox.messages import CellOutcome, CellRequest, Function, Line, Opening, Trap
from orchestrator.sandbox.running_line import running_line
from orchestrator.sandbox.state import State

PROBE_FUEL = 1_000_000_000
MAX_ANSWER = 10_000_000  # code points
MAX_ERROR = 10_000
MAX_LENGTH = 1 << 53  # of an output: what any reader of JSON can hold
_EXPORTS = {"python": "run-cell", "commands": "run-commands"}


class _GuestReport(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the guest itself says of a cell; the fields are those of CellOutcome."""

    head: str
    tail: str
    length: int
    error: str | None
    answer: str | None
    draft: str | None
    answer_is_json: bool = False


def _bounded(report: _GuestReport, output_chars: int) -> _GuestReport:
    """What is in it by our own count: a cell can replace the code that counts."""
    head, tail = report.head[:output_chars], report.tail[-output_chars:]
    error, answer = report.error, report.answer
    if answer is not None and len(answer) > MAX_ANSWER:
        error = error or f"ValueError: the answer has {len(answer)} characters, at most {MAX_ANSWER} are taken"
        answer = None
    if error is not None and len(error) > MAX_ERROR:
        error = f"{error[: MAX_ERROR // 2]}\n[... cut ...]\n{error[-MAX_ERROR // 2 :]}"
    return _GuestReport(
        head=head,
        tail=tail,
        length=max(len(head) + len(tail), min(report.length, MAX_LENGTH)),
        error=error,
        answer=answer,
        draft=None if report.draft is None else report.draft[:MAX_ANSWER],
        answer_is_json=report.answer_is_json,
    )


class _Stop(msgspec.Struct, frozen=True):
    """How a cell ended before its end: wasmtime's words, and where it was."""

    message: str
    line: Line | None = None


class Guest:
    """The interpreter of one run, which keeps its variables from cell to cell. Not for two tasks at once."""

    def __init__(self, engine: Engine, context: Context, opening: Opening, owner: Owner) -> None:
        self._engine = engine
        self._context = context
        self._limits = opening.limits
        self._inputs = Inputs(context, opening.seed, opening.clock_start_ns)
        self._bridge = Bridge(owner)
        self._state = State(engine, context, opening)
        self._running: asyncio.Future[CellOutcome | Trap | None] | None = None  # a cell, on its thread

    async def run(self, request: CellRequest) -> CellOutcome | Trap:
        """Run one cell; after a Trap the next one finds what was there before it.

        Raises SandboxError; JournalError if a recorded cell does not make the calls of its first execution.
        """
        # The clock did not stop it then, and must not stop it now, on a machine that may be slower.
        seconds = self._limits.seconds if request.recorded is None else float("inf")
        meter = Meter(seconds, self._engine.turns)
        calls = Calls(self._bridge.ask, self._bridge.report, request.recorded)
        try:
            while (outcome := await self._execute(request, meter, calls)) is None:
                calls.begin_again(await self._bridge.answer())
        except asyncio.CancelledError:
            # The thread is not waited for: the next tick stops what computes, the bridge what waits for an answer.
            meter.cancelled = True
            self._bridge.cancel()
            raise
        return outcome

    async def park(self) -> bool:
        """Gives memory and thread back, between two cells or while one waits for its run, until they are needed again.

        False if it keeps what it has.
        """
        if running := self._running:
            if not self._bridge.let_go():
                return False
            await asyncio.wait([running])
            if running.cancelled():
                return False
        try:
            parked: bool = await asyncio.wrap_future(self._engine.enter(self._state.park))
        except SandboxError:  # no thread to do it on
            return False
        return parked

    def begin_anew(self) -> None:
        """The next cell finds what the first one found: the state before the last one did not work either."""
        self._state.begin_anew()

    def close(self) -> None:
        """Ends the guest, on a thread of its own kind: giving its memory back takes a millisecond."""
        self._engine.enter(self._state.release)

    async def _execute(self, request: CellRequest, meter: Meter, calls: Calls) -> CellOutcome | Trap | None:
        """None if the cell was given up while it waited."""
        # What it works with holds all memory of the guest: nothing here keeps it, not even the traceback of a cancellation.
        execution = Execution(self._inputs, self._limits, meter, self._engine.modules, calls)
        running = self._engine.enter(functools.partial(self._run, request, execution))
        del execution
        self._running = asyncio.wrap_future(running)
        try:
            outcome = await self._running
        finally:
            self._running = None
        # What the run could not record did not happen: the outcome is not to be used.
        if self._bridge.failure is not None:
            self._bridge.cancel()
            raise self._bridge.failure
        return outcome

    def _run(self, request: CellRequest, execution: Execution) -> CellOutcome | Trap | None:
        """On a guest's thread."""
        with entering(execution):
            instance = self._state.enter(names_context=request.names_context)
            position = self._inputs.position
            fuel = min(request.fuel, self._limits.fuel)
            # Only from here on: making the instance ready took fuel and time of ours.
            execution.begin(instance.store, fuel)
            execution.meter.begin()
            try:
                with execution.meter.computing():
                    said = instance.call(_EXPORTS[request.kind], request.number, request.text)
                report = msgspec.json.decode(said, type=_GuestReport)
            except wasmtime.WasmtimeError as error:
                self._go_back(execution, position)
                if isinstance(execution.failure, GivenUp):
                    execution.meter.give_up()
                    return None
                line = running_line(self._engine.layout, instance.remains(), request)
                return self._trap(execution, fuel, _Stop(str(error), line))
            except (msgspec.DecodeError, UnicodeError):
                # The cell has replaced what reports: nothing that this instance says can be relied on.
                self._go_back(execution, position)
                return self._trap(execution, fuel, _Stop("no report"))
            execution.end()
            return CellOutcome(
                **msgspec.structs.asdict(_bounded(report, self._limits.output_chars)),
                fuel=fuel - execution.fuel_left,
                seconds=execution.meter.seconds,
                effects=execution.effects,
                loaded=self._state.loaded,
            )

    def _go_back(self, execution: Execution, position: tuple[int, int]) -> None:
        """The cell never was."""
        self._state.roll_back()
        # The clock and the random numbers are outside the instance, so they are set back here.
        self._inputs.position = position
        execution.clear_tracebacks()

    def _trap(self, execution: Execution, fuel: int, stop: _Stop) -> Trap:
        # An error of ours must not look like a limit; that a cancelled run's calls fail is no error.
        if execution.failure is not None and not execution.meter.cancelled:
            if isinstance(execution.failure, JournalError | NotWritten):
                raise execution.failure
            raise SandboxError("a host import failed") from execution.failure
        kind = classify(stop.message, execution.meter, execution.fuel_left)
        # A run that is over needs no state any more.
        lost = kind != "cancelled" and not self._still_works()
        if lost:
            self._state.begin_anew()
        return Trap(
            kind=kind,
            fuel=fuel - execution.fuel_left,
            seconds=execution.meter.seconds,
            lost=lost,
            effects=execution.effects,
            loaded=self._state.loaded,
            within=within(stop.message),
            line=stop.line,
        )

    def _still_works(self) -> bool:
        """Whether a cell that does nothing runs in a fork of the state before: an earlier cell may have broken it."""
        with entering(preparation(self._context, self._limits, self._engine.modules)):
            fork = self._state.fork()
            fork.store.set_fuel(PROBE_FUEL)
            try:
                msgspec.json.decode(fork.call("run-cell", 0, ""), type=_GuestReport)
            except (wasmtime.WasmtimeError, msgspec.DecodeError, UnicodeError):
                return False
            return True


async def describe(engine: Engine) -> tuple[Function, ...]:
    """What a cell can call, from the guest itself and the manifest of the added modules. Raises SandboxError."""
    described: tuple[Function, ...] = await asyncio.wrap_future(engine.enter(lambda: _describe(engine)))
    return described + engine.modules.describe()


def _describe(engine: Engine) -> tuple[Function, ...]:
    with entering(preparation(engine.nothing, engine.settings, engine.modules)):
        fork: Instance = engine.fork()
        return msgspec.json.decode(fork.call("describe"), type=tuple[Function, ...])
