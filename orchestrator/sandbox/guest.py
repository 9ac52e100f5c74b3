"""The Python guest of one run: cells in, outcomes out. A cell that is stopped is rolled back: it never was."""

import asyncio
import re

import msgspec
import wasmtime

from orchestrator.contexts.context import Context
from orchestrator.dialogue.prompts import Function
from orchestrator.errors import SandboxError
from orchestrator.sandbox.engine import NOTHING, Engine
from orchestrator.sandbox.host_imports import HostImports, entering
from orchestrator.sandbox.instance import Instance
from orchestrator.sandbox.limits import Meter, Trap, classify
from orchestrator.sandbox.memory.memory import Image
from orchestrator.sandbox.modules.registry import Modules
from orchestrator.sandbox.templates import Loader, begin, extra_bytes

PROBE_FUEL = 1_000_000_000
_CONTEXT = re.compile(r"\bcontext\b")  # as in the guest's runner


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

    def __init__(
        self, engine: Engine, imports: HostImports, context: Context, seed: int, *, loaded: bool | None = None
    ) -> None:
        """`loaded`: whether the first cell begins with the context loaded; where it is not said, the cell decides."""
        self.loaded = loaded
        self.imports = imports
        self.meter = Meter(engine.settings.seconds)
        self.limits = engine.settings
        self.fuel = engine.settings.fuel  # of the next cell
        self._engine = engine
        self._context = context
        self._seed = seed
        self._instance: Instance | None = None
        # The state before the last cell, which the next one goes on from where that was stopped; None before the first.
        self._image: Image | None = None
        # What the first cell begins with: the context's template, or None for a blank guest.
        self._origin: Image | None = None
        self._began = False

    async def run_cell(self, number: int, code: str) -> CellOutcome | Trap:
        """Run the run's cell `number`; after a Trap the next one finds what was there before it. Raises SandboxError."""
        return await self._awaited("run-cell", number, code, names_context=_CONTEXT.search(code) is not None)

    async def run_commands(self, number: int, commands: str, *, names_context: bool = True) -> CellOutcome | Trap:
        """The same for a JSON array of commands; `names_context`: whether they are better begun with it loaded."""
        return await self._awaited("run-commands", number, commands, names_context=names_context)

    @property
    def modules(self) -> Modules:
        """What its cells can call."""
        return self._engine.modules

    @property
    def fuel_left(self) -> int:
        """Of the cell that is running."""
        return self._instance.store.get_fuel() if self._instance else 0

    @fuel_left.setter
    def fuel_left(self, fuel: int) -> None:
        if self._instance:
            self._instance.store.set_fuel(max(0, fuel))

    def close(self) -> None:
        """Ends the guest, on a thread of its own kind: giving its memory back takes a millisecond."""
        self._engine.enter(self._let_go)

    def _let_go(self) -> None:
        self._instance = self._image = self._origin = None

    async def _awaited(self, export: str, number: int, text: str, *, names_context: bool) -> CellOutcome | Trap:
        self.meter = Meter(self._engine.settings.seconds)
        running = self._engine.enter(lambda: self._run(export, number, text, names_context=names_context))
        try:
            return await asyncio.wrap_future(running)
        except asyncio.CancelledError:
            self.meter.cancelled = True
            self.imports.cancel()
            raise

    def _run(self, export: str, number: int, text: str, *, names_context: bool) -> CellOutcome | Trap:
        """On a guest's thread."""
        with entering(self):
            if not self._began:
                self._began, self._origin = True, self._first_image(names_context=names_context)
            elif self._instance is not None:
                self._image = self._instance.snapshot()
            instance = self._instance = self._instance or self._forked()
            position = self.imports.position
            self.imports.begin_cell()
            instance.store.set_fuel(self.fuel)
            self.meter.begin()
            try:
                report = instance.call(export, number, text)
                outcome = msgspec.json.decode(report, type=CellOutcome)
            except wasmtime.WasmtimeError as error:
                return self._rolled_back(instance, str(error), position)
            except (msgspec.DecodeError, UnicodeError):
                # The cell has replaced what reports: nothing that this instance says can be relied on.
                return self._rolled_back(instance, "no report", position)
            return msgspec.structs.replace(outcome, fuel=self._fuel_used(instance), seconds=self.meter.seconds)

    def _first_image(self, *, names_context: bool) -> Image | None:
        templates = self._engine.templates
        wanted = names_context if self.loaded is None else self.loaded
        image = templates.image(self._context) if wanted else None
        if image is None and self.loaded is None:
            image = templates.held(self._context)
        self.loaded = image is not None
        return image

    def _forked(self) -> Instance:
        """The run's guest as it was before the last cell."""
        if self._image is None:
            return begin(self._engine, self._context, self._origin, self._seed)
        return self._engine.fork(self._image, extra_bytes(self._context, self._engine.settings))

    def _rolled_back(self, instance: Instance, message: str, position: tuple[int, int]) -> Trap:
        self._instance = None
        self.imports.position = position
        if self.imports.failure is not None and not self.meter.cancelled:
            raise SandboxError("a host import failed") from self.imports.failure
        kind = classify(message, self.meter, instance.store.get_fuel())
        # A run that is over needs no state any more.
        lost = kind != "cancelled" and not self._still_works()
        trap = Trap(kind, self._fuel_used(instance), self.meter.seconds, lost)
        if trap.lost:
            self.begin_anew()
        return trap

    def begin_anew(self) -> None:
        """The next cell finds what the first one found."""
        self._image = None

    def _still_works(self) -> bool:
        """Whether a cell that does nothing runs in a fork of the state before: an earlier cell may have broken it."""
        with entering(Loader(self._context, self._engine.settings.seconds)):
            fork = self._forked()
            fork.store.set_fuel(PROBE_FUEL)
            try:
                msgspec.json.decode(fork.call("run-cell", 0, ""), type=CellOutcome)
            except (wasmtime.WasmtimeError, msgspec.DecodeError, UnicodeError):
                return False
            return True

    def _fuel_used(self, instance: Instance) -> int:
        return self.fuel - instance.store.get_fuel()


async def describe(engine: Engine) -> tuple[Function, ...]:
    """What a cell can call, from the guest itself and the manifest of the added modules. Raises SandboxError."""
    described: tuple[Function, ...] = await asyncio.wrap_future(engine.enter(lambda: _described(engine)))
    return described + engine.modules.describe()


def _described(engine: Engine) -> tuple[Function, ...]:
    with entering(Loader(NOTHING, engine.settings.seconds)):
        return msgspec.json.decode(engine.fork().call("describe"), type=tuple[Function, ...])
