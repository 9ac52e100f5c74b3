"""The wasmtime engine of the Python guest: its configuration, the threads that enter guests, its instances."""

import os
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import wasmtime
from wasmtime import _ffi as ffi
from wasmtime.component import Linker

from orchestrator.config import CellLimits, SandboxSettings
from orchestrator.contexts.store import ContextStore
from orchestrator.errors import SandboxError
from orchestrator.sandbox import templates
from orchestrator.sandbox.build import cache, component, selftest
from orchestrator.sandbox.build.cache import Progress
from orchestrator.sandbox.entered import entering
from orchestrator.sandbox.execution import preparation
from orchestrator.sandbox.instance import Instance
from orchestrator.sandbox.linker import link
from orchestrator.sandbox.memory.memory import Image, base_image, supply_memories, supplying
from orchestrator.sandbox.memory.spool import Spool
from orchestrator.sandbox.modules.registry import Modules
from orchestrator.sandbox.running_line import find_layout
from orchestrator.sandbox.templates import Templates
from orchestrator.sandbox.threads import WASM_STACK, GuestThreads
from orchestrator.sandbox.ticks import Ticker, watch
from orchestrator.sandbox.turns import Turns

LARGEST_MEMORY = 4 << 30
EXPORTS = ("describe", "start", "seed", "load-context", "run-cell", "run-commands")

_CONFIGURATION = f"fuel epochs stack={WASM_STACK} memory-creator"

# Collections leave alone what is there from the beginning: to look at it would be to write to its pages.
_SETTLE = "import gc\ngc.collect()\ngc.freeze()\ndel gc"
# What a run executed with other settings than its journal's must not see: the blank guest is the same under all of them.
_ANY_LIMITS = CellLimits()


class Engine:
    """What all guests share: one component, compiled once; its blank state; threads, ticks, templates, spool, modules."""

    def __init__(
        self,
        settings: SandboxSettings,
        progress: Progress = lambda message: None,
        sha256: str | None = None,
        module_folder: str = "",
    ) -> None:
        """Builds and compiles the guest if that has not been done; `sha256`: takes that one.

        `module_folder`: of modules beside the shipped ones. Raises ConfigError, SandboxError.
        """
        self.settings = settings
        self._progress = progress
        self._module_folder = module_folder
        self.nothing = ContextStore().add_text("")  # what our own code runs over
        # First: a mistake in a manifest should not wait for a build.
        self.modules = Modules(module_folder, progress)
        self._alive: weakref.WeakSet[Instance] = weakref.WeakSet()
        self._engine = wasmtime.Engine(_configure())
        guest = component.load(self._engine, _CONFIGURATION, progress, sha256)
        self.sha256 = guest.sha256
        self._component = guest.component
        self.blank = base_image(guest.sha256, guest.memory)
        self.layout = find_layout(guest.memory)
        self._linker: Linker = link(self._engine, guest.component)
        self.templates = Templates(self)
        self.spool = Spool(cache.folder)
        self._threads = GuestThreads()
        self.turns = Turns(os.cpu_count() or 1)
        self._ticker = Ticker((self._engine, self.modules.engine))
        self.enter(self._warm_up).result()

    @property
    def alive(self) -> int:
        """Guests that hold memory now, those of the engine's own calls included."""
        return len(self._alive)

    def close(self) -> None:
        # Cells of runs that were cancelled end at the next tick: without one they would compute until their fuel is used up.
        self._threads.shutdown()
        self._ticker.close()

    def of_component(self, sha256: str) -> "Engine":
        """One like this for another component. Raises SandboxError."""
        return Engine(self.settings, self._progress, sha256, self._module_folder)

    def enter(self, call: Callable[[], Any]) -> "Future[Any]":
        """Runs `call`, which enters a guest, on a thread whose stack is large enough."""
        return self._threads.submit(call)

    def fork(self, image: Image | None = None, limits: CellLimits | None = None, extra_bytes: int = 0) -> Instance:
        """A guest in the state of an image, or a blank one. The one place where an instance gets its memory.

        `limits`: of its run, the engine's own without one; `extra_bytes`: what it may use beside memory_bytes.
        Raises SandboxError.
        """
        limits = limits or self.settings
        image = image or self.blank
        limit = min(limits.memory_bytes + extra_bytes, LARGEST_MEMORY)
        if image.component != self.sha256:
            raise SandboxError(f"an image of the component {image.component} cannot be run by {self.sha256}")
        if image.size > limit:
            raise SandboxError(f"an image of {image.size} bytes is larger than the limit of {limit}")
        store = wasmtime.Store(self._engine)
        store.set_limits(memory_size=limit)
        store.set_fuel(limits.fuel)
        watch(store)
        with supplying(image) as made:
            try:
                instance = self._linker.instantiate(store, self._component)
            except wasmtime.WasmtimeError as error:
                raise SandboxError(f"a guest cannot be made: {error}") from None
        [memory] = made
        exports = {name: instance.get_func(store, name) for name in EXPORTS}
        guest = Instance(self.sha256, store, memory, exports)
        self._alive.add(guest)
        return guest

    def _warm_up(self) -> None:
        """What the first cell of any guest sets up is done once, however short a cell's seconds are.

        Raises SandboxError if forks cannot be relied on.
        """
        with entering(preparation(self.nothing, _ANY_LIMITS, self.modules)):
            original = self.fork()
            templates.start(original, self.nothing, _ANY_LIMITS)
            original.call("run-cell", 0, _SETTLE)
            self.blank = original.whole_image()
            selftest.make_state(original)
            selftest.check_fork(original, self.fork(original.snapshot()))


def _configure() -> wasmtime.Config:
    config = wasmtime.Config()
    config.consume_fuel = True
    config.epoch_interruption = True
    # wasmtime refuses a max_wasm_stack above the size of an async stack, though none is used.
    ffi.wasmtime_config_async_stack_size_set(config.ptr(), WASM_STACK + (2 << 20))
    config.max_wasm_stack = WASM_STACK
    supply_memories(config)
    return config
