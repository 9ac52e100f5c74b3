"""The Python guest of one run: cells in, outcomes out. A trap kills its instance; the next cell gets a new one."""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
import wasmtime

from orchestrator.contexts import Context
from orchestrator.errors import SandboxError
from orchestrator.prompts import Function
from orchestrator.sandbox.engine import Engine, Instance
from orchestrator.sandbox.host_imports import MAX_BATCH_CHARS, HostImports, SubReply, entered
from orchestrator.sandbox.limits import Meter, Trap, classify


class CellOutcome(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a cell did. `head` and `tail` are what was kept of an output of `length` code points.

    `answer` is the answer that stands after the cell, `draft` what `answer["content"]` holds meanwhile.
    """

    head: str
    tail: str
    length: int
    error: str | None
    answer: str | None
    draft: str | None
    fuel: int = 0
    seconds: float = 0.0


class Interpreter:
    """Not for two tasks at once."""

    def __init__(self, engine: Engine, imports: HostImports, context: Context, seed: int) -> None:
        self.imports = imports
        self.meter = Meter(engine.settings.seconds)
        self.limits = engine.settings
        self._engine = engine
        self._context = context
        self._seed = seed
        self._instance: Instance | None = None

    async def run_cell(self, number: int, code: str) -> CellOutcome | Trap:
        """Run the run's cell `number`; after a Trap the next one starts with no variables. Raises SandboxError."""
        return await self._awaited(lambda instance: instance.run_cell(instance.store, number, code))

    async def run_commands(self, number: int, commands: str) -> CellOutcome | Trap:
        """The same for a JSON array of commands."""
        return await self._awaited(lambda instance: instance.run_commands(instance.store, number, commands))

    async def _awaited(self, call: Callable[[Instance], str]) -> CellOutcome | Trap:
        self.meter = Meter(self._engine.settings.seconds)
        running = self._engine.enter(lambda: self._entered(self._run, call))
        try:
            return await asyncio.wrap_future(running)
        except asyncio.CancelledError:
            self.meter.cancelled = True
            self.imports.cancel()
            raise

    async def describe(self) -> tuple[Function, ...]:
        """What a cell can call. Raises SandboxError."""
        return await asyncio.wrap_future(self._engine.enter(lambda: self._entered(self._describe)))

    def _entered(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """On a guest's thread: host imports called meanwhile are this interpreter's."""
        entered.guest = self
        try:
            return function(*arguments)
        finally:
            entered.guest = None

    def _describe(self) -> tuple[Function, ...]:
        instance = self._engine.instantiate()
        return msgspec.json.decode(instance.describe(instance.store), type=tuple[Function, ...])

    def _run(self, call: Callable[[Instance], str]) -> CellOutcome | Trap:
        if self._instance is None:
            self._instance = self._started()
        instance = self._instance
        instance.store.set_fuel(self._engine.settings.fuel)
        try:
            report = call(instance)
        except wasmtime.WasmtimeError as error:
            return self._trap(instance, str(error))
        try:
            outcome = msgspec.json.decode(report, type=CellOutcome)
        except (msgspec.DecodeError, UnicodeError):
            # The cell has replaced what reports: nothing that this instance says can be relied on.
            return self._trap(instance, "no report")
        return msgspec.structs.replace(outcome, fuel=self._fuel_used(instance), seconds=self.meter.seconds)

    def _started(self) -> Instance:
        settings = self._engine.settings
        instance = self._engine.instantiate()
        context = self._context
        start = {
            "seed": self._seed,
            "output_chars": settings.output_chars,
            "max_batch_chars": MAX_BATCH_CHARS,
            "context": {
                "kind": context.kind,
                "lengths": context.lengths,
                "inline": context.guest_bytes <= settings.context_inline_limit,
            },
        }
        try:
            instance.start(instance.store, msgspec.json.encode(start).decode())
        except wasmtime.WasmtimeError as error:
            raise SandboxError(f"the guest does not start: {error}") from None
        return instance

    def _trap(self, instance: Instance, message: str) -> Trap:
        self._instance = None
        if self.imports.failure is not None and not self.meter.cancelled:
            raise SandboxError("a host import failed") from self.imports.failure
        kind = classify(message, self.meter, instance.store.get_fuel())
        return Trap(kind, self._fuel_used(instance), self.meter.seconds)

    def _fuel_used(self, instance: Instance) -> int:
        return self._engine.settings.fuel - instance.store.get_fuel()


async def describe(engine: Engine) -> tuple[Function, ...]:
    """What a cell can call, from the guest itself. Raises SandboxError."""
    nothing = Context("", "text", ("",))
    imports = HostImports(nothing, _no_sub_calls, asyncio.get_running_loop(), seed=0, clock_start_ns=0)
    return await Interpreter(engine, imports, nothing, seed=0).describe()


async def _no_sub_calls(prompts: list[str]) -> list[SubReply]:
    raise SandboxError("the guest called a model before its first cell")
