"""One wasmtime Engine for the process: its configuration, its ticker, the threads that enter guests, its instances."""

import ctypes
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import wasmtime
from wasmtime import _bindings
from wasmtime import _ffi as ffi
from wasmtime.component import Linker

from orchestrator.config import SandboxSettings
from orchestrator.contexts import Context
from orchestrator.errors import SandboxError
from orchestrator.sandbox import component, selftest, templates
from orchestrator.sandbox.host_imports import entered, entering, link
from orchestrator.sandbox.instance import Instance
from orchestrator.sandbox.limits import Meter
from orchestrator.sandbox.memory import Image, base_image, supply_memories, supplying
from orchestrator.sandbox.templates import Templates
from orchestrator.sandbox.threads import WASM_STACK, GuestThreads

TICK_SECONDS = 0.01
LARGEST_MEMORY = 4 << 30
EXPORTS = ("describe", "start", "seed", "load-context", "run-cell", "run-commands")

_CONFIGURATION = f"fuel epochs stack={WASM_STACK} memory-creator"

# Collections leave alone what is there from the beginning: to look at it would be to write to its pages.
_SETTLE = "import gc\ngc.collect()\ngc.freeze()\ndel gc"
NOTHING = Context("", "text", ("",))


class Engine:
    def __init__(
        self, settings: SandboxSettings, progress: component.Progress = lambda message: None, sha256: str | None = None
    ) -> None:
        """Builds and compiles the guest where that has not been done; `sha256`: takes that one. Raises SandboxError."""
        self.settings = settings
        self._engine = wasmtime.Engine(_configured())
        guest = component.load(self._engine, _CONFIGURATION, progress, sha256)
        self.sha256 = guest.sha256
        self._component = guest.component
        self.blank = base_image(guest.sha256, guest.memory)
        self._linker: Linker = link(self._engine, guest.component)
        self.templates = Templates(self)
        self._threads = GuestThreads()
        self._closing = threading.Event()
        self._ticker = threading.Thread(target=self._tick, name="ticker", daemon=True)
        self._ticker.start()
        self.enter(self._warm_up).result()

    def close(self) -> None:
        self._closing.set()
        self._ticker.join()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def enter(self, call: Callable[[], Any]) -> "Future[Any]":
        """Runs `call`, which enters a guest, on a thread whose stack is large enough."""
        return self._threads.submit(call)

    def fork(self, image: Image | None = None, extra_bytes: int = 0) -> Instance:
        """A guest in the state of an image, or a blank one. The one place where an instance gets its memory.

        `extra_bytes`: what it may use beside memory_bytes. Raises SandboxError.
        """
        image = image or self.blank
        limit = min(self.settings.memory_bytes + extra_bytes, LARGEST_MEMORY)
        if image.component != self.sha256:
            raise SandboxError(f"an image of the component {image.component} cannot be run by {self.sha256}")
        if image.size > limit:
            raise SandboxError(f"an image of {image.size} bytes is larger than the limit of {limit}")
        store = wasmtime.Store(self._engine)
        store.set_limits(memory_size=limit)
        store.set_fuel(self.settings.fuel)
        store.set_epoch_deadline(1)
        ffi.wasmtime_store_epoch_deadline_callback(store.ptr(), _on_tick, None, _NO_FINALIZER)
        with supplying(image) as made:
            try:
                instance = self._linker.instantiate(store, self._component)
            except wasmtime.WasmtimeError as error:
                raise SandboxError(f"a guest cannot be made: {error}") from None
        [memory] = made
        exports = {name: instance.get_func(store, name) for name in EXPORTS}
        return Instance(self.sha256, store, memory, exports)  # type: ignore[arg-type]  # the component's own world has them

    def _warm_up(self) -> None:
        """What the first cell of any guest sets up is done once. Raises SandboxError where forks cannot be relied on."""
        with entering(templates.Loader(NOTHING, self.settings.seconds)):
            original = self.fork()
            templates.start(original, NOTHING, self.settings)
            original.call("run-cell", 0, _SETTLE)
            self.blank = original.whole_image()
            selftest.make_state(original)
            selftest.check_fork(original, self.fork(original.snapshot()))

    def _tick(self) -> None:
        while not self._closing.wait(TICK_SECONDS):
            self._engine.increment_epoch()


def _configured() -> wasmtime.Config:
    config = wasmtime.Config()
    config.consume_fuel = True
    config.epoch_interruption = True
    # wasmtime refuses a max_wasm_stack above the size of an async stack, though none is used.
    ffi.wasmtime_config_async_stack_size_set(config.ptr(), WASM_STACK + (2 << 20))
    config.max_wasm_stack = WASM_STACK
    supply_memories(config)
    return config


_CALLBACK, _, _FINALIZER = _bindings._wasmtime_store_epoch_deadline_callback.argtypes[1:]
_NO_FINALIZER = _FINALIZER(0)


@_CALLBACK  # type: ignore[untyped-decorator]
def _on_tick(_context: Any, _data: Any, delta: Any, kind: Any) -> int:
    """Called in a running guest at every tick: goes on for one more, or traps."""
    meter: Meter = entered.guest.meter
    if meter.cancelled or meter.exceeded:
        error = wasmtime.WasmtimeError("stopped by the host")
        return ctypes.cast(error._consume(), ctypes.c_void_p).value or 0
    delta[0] = 1
    kind[0] = 0  # WASMTIME_UPDATE_DEADLINE_CONTINUE
    return 0
