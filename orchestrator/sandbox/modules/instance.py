"""One call of a module, in an instance of its own.

A module is untrusted like a guest: it has the memory of a cell, what is left of its cell's fuel and seconds, and the imports
of imports.py. So has WebAssembly text that a model writes.
"""

import msgspec
import wasmtime

from orchestrator.errors import ModuleError
from orchestrator.sandbox.limits import Meter
from orchestrator.sandbox.modules import abi
from orchestrator.sandbox.modules.imports import Call, allocated, calling, why_stopped
from orchestrator.sandbox.ticks import watch


class Request(msgspec.Struct, frozen=True):
    """`content` (JSON) for an exported function."""

    function: str
    content: bytes


class Allowance(msgspec.Struct, frozen=True):
    """What a module may use: what its cell has left."""

    fuel: int
    memory_bytes: int
    meter: Meter


class ModuleOutcome(msgspec.Struct, frozen=True):
    """The JSON that a module answered with, or why there is none; and the fuel that it took."""

    result: bytes | BaseException
    fuel: int


def run_module(
    linker: wasmtime.Linker, module: wasmtime.Module, request: Request, call: Call, allowance: Allowance
) -> ModuleOutcome:
    """On a guest's thread, which is inside `entering`."""
    store = wasmtime.Store(linker.engine)
    store.set_limits(memory_size=allowance.memory_bytes, table_elements=100_000, instances=1, tables=4, memories=1)
    store.set_fuel(allowance.fuel)
    watch(store)
    result: bytes | BaseException
    try:
        with calling(call):
            status = _enter(linker, store, module, request)
        result = bytes(call.emitted) if status == 0 else _refusal(call, status)
    except ModuleError as error:
        result = error
    except (wasmtime.Trap, wasmtime.WasmtimeError) as trap:
        out_of_fuel = "it used up the fuel of the cell" if store.get_fuel() == 0 else None
        result = call.failure or ModuleError(out_of_fuel or _last_words(call) or why_stopped(trap))
    return ModuleOutcome(result, allowance.fuel - store.get_fuel())


def _enter(linker: wasmtime.Linker, store: wasmtime.Store, module: wasmtime.Module, request: Request) -> int:
    """The status that the function returns."""
    exports = linker.instantiate(store, module).exports(store)
    version = exports["rlm_abi_version"](store)  # type: ignore[operator]  # abi.why_outside_abi has seen what they are
    if version != abi.VERSION:
        raise ModuleError(f"it is for version {version} of the ABI; this is version {abi.VERSION}")
    address = allocated(exports["alloc"], store, len(request.content))
    memory = exports["memory"]
    if not isinstance(memory, wasmtime.Memory) or address + len(request.content) > memory.data_len(store):
        raise ModuleError("alloc gave room outside the memory")
    if request.content:
        memory.write(store, request.content, address)
    status: int = exports[request.function](store, address, len(request.content))  # type: ignore[operator]
    return status


def _refusal(call: Call, status: int) -> ModuleError:
    return ModuleError(_last_words(call) or f"it answered with the status {status}, without a reason")


def _last_words(call: Call) -> str | None:
    """What the module says of why it has no result: {"error": message}."""
    try:
        found = msgspec.json.decode(bytes(call.emitted), type=dict[str, object])
    except (msgspec.DecodeError, UnicodeError):
        return None
    return str(found["error"])[:8000] if "error" in found else None
