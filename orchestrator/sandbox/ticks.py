"""The clock of running guests and modules: at every tick each asks its cell's meter whether it may go on."""

import ctypes
import threading
from collections.abc import Sequence
from typing import Any

import wasmtime
from wasmtime import _bindings
from wasmtime import _ffi as ffi

from orchestrator.sandbox.entered import entered

TICK_SECONDS = 0.01


class Ticker:
    """Ticks for all stores of these engines."""

    def __init__(self, engines: Sequence[wasmtime.Engine]) -> None:
        self._engines = engines
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._tick, name="ticker", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._closing.set()
        self._thread.join()

    def _tick(self) -> None:
        while not self._closing.wait(TICK_SECONDS):
            for engine in self._engines:
                engine.increment_epoch()


def watch(store: wasmtime.Store) -> None:
    """What runs in this store is stopped if the cell that was entered on its thread may not go on."""
    store.set_epoch_deadline(1)
    ffi.wasmtime_store_epoch_deadline_callback(store.ptr(), _on_tick, None, _NO_FINALIZER)


_CALLBACK, _, _FINALIZER = _bindings._wasmtime_store_epoch_deadline_callback.argtypes[1:]
_NO_FINALIZER = _FINALIZER(0)


@_CALLBACK  # type: ignore[untyped-decorator]
def _on_tick(_context: Any, _data: Any, delta: Any, kind: Any) -> int:
    """Goes on for one more tick, or traps."""
    meter = entered().meter
    if meter.cancelled or meter.exceeded:
        error = wasmtime.WasmtimeError("stopped by the host")
        return ctypes.cast(error._consume(), ctypes.c_void_p).value or 0
    meter.give_way()
    delta[0] = 1
    kind[0] = 0  # WASMTIME_UPDATE_DEADLINE_CONTINUE
    return 0
