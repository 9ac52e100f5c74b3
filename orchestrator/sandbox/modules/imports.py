"""THE TRUST BOUNDARY of modules: the four functions of ABI version 1 (guest_sdk/README.md) are all that one can call.

Every number is hostile: wasm's integers are read as unsigned, and every range is checked against the memory here.
wasmtime-py keeps the last exception of a host function in one global for all threads, so these functions are bound to
the C API directly: an exception of ours stays with its call.
"""

import ctypes
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import wasmtime
from wasmtime import FuncType, ValType
from wasmtime import _ffi as ffi

from orchestrator.errors import ModuleError
from orchestrator.sandbox.memory import mappings

MAX_READ_BYTES = 16 << 20  # of one context_read
MAX_PROMPTS_BYTES = 16 << 20  # of all prompts of one llm_query
MAX_RESULT_BYTES = 16 << 20  # of all that one call emits; it is kept in the journal


class Source(Protocol):
    """What a module works on, as UTF-8."""

    @property
    def length(self) -> int: ...

    def read_into(self, room: memoryview, start: int) -> int:
        """Fills `room` with what begins at byte `start`, which is within `length`: how many bytes it was."""


class Call:
    """One call of a module. `ask` sends prompts (a JSON array) to sub-models and gives their replies, as JSON."""

    def __init__(self, source: Source, ask: Callable[[bytes], bytes]) -> None:
        self._source = source
        self._ask = ask
        self.emitted = bytearray()
        self.failure: BaseException | None = None
        self.allocating = False

    def context_len(self, _module: "_Module") -> int:
        return self._source.length

    def context_read(self, module: "_Module", offset: int, length: int, destination: int) -> int:
        """How many bytes were written: fewer than `length` at the end."""
        if length > MAX_READ_BYTES:
            raise ModuleError(f"context_read: at most {MAX_READ_BYTES} bytes at once")
        # Right into its memory: a copy on the way took a twentieth of the time of a search for a literal.
        with module.room(destination, max(0, min(length, self._source.length - offset))) as room:
            return self._source.read_into(room, offset)

    def llm_query(self, module: "_Module", address: int, length: int) -> int:
        """The address of the replies times 2^32, plus their length; the module gave the room for them."""
        if length > MAX_PROMPTS_BYTES:
            raise ModuleError(f"llm_query: at most {MAX_PROMPTS_BYTES >> 20} MiB of prompts at once")
        replies = self._ask(module.read(address, length))
        # Code of the module runs inside its own host call; if that called the host in turn, there would be no end to it.
        self.allocating = True
        room = module.alloc(len(replies))
        self.allocating = False
        module.write(room, replies)
        return room << 32 | len(replies)

    def emit(self, module: "_Module", address: int, length: int) -> None:
        if len(self.emitted) + length > MAX_RESULT_BYTES:
            raise ModuleError(f"the result has more than {MAX_RESULT_BYTES >> 20} MiB: ask for less (limit, columns)")
        self.emitted += module.read(address, length)


class _Module:
    """The module that called."""

    def __init__(self, caller: wasmtime.Caller) -> None:
        self._caller = caller
        memory = caller.get("memory")
        if not isinstance(memory, wasmtime.Memory):
            raise ModuleError("it exports no memory")
        self._memory = memory

    def read(self, address: int, length: int) -> bytes:
        return ctypes.string_at(self._place(address, length), length)

    def write(self, address: int, content: bytes) -> None:
        ctypes.memmove(self._place(address, len(content)), content, len(content))

    def room(self, address: int, length: int) -> memoryview:
        """A part of its memory, to be released before the module goes on: then the memory may move."""
        return mappings.view(self._place(address, length), length)

    def alloc(self, length: int) -> int:
        try:
            return allocated(self._caller.get("alloc"), self._caller, length)
        except (wasmtime.Trap, wasmtime.WasmtimeError) as trap:
            raise ModuleError(why_stopped(trap)) from None

    def _place(self, address: int, length: int) -> int:
        # Asked anew for each use: alloc may have grown the memory in between.
        size = self._memory.data_len(self._caller)
        if address + length > size:
            raise ModuleError(f"it named the bytes {address} to {address + length} of a memory of {size}")
        start: int = ctypes.cast(self._memory.data_ptr(self._caller), ctypes.c_void_p).value or 0
        return start + address


def allocated(alloc: Any, store: Any, length: int) -> int:
    """The address of the room that the module's own `alloc` gives."""
    address: int = alloc(store, length)
    return address & 0xFFFFFFFF


def why_stopped(trap: wasmtime.Trap | wasmtime.WasmtimeError) -> str:
    """wasmtime's own reason, of the lines and numbers of its message the last."""
    message = trap.message if isinstance(trap, wasmtime.Trap) else str(trap)
    last = message.strip().splitlines()[-1].strip()
    return f"it was stopped: {re.sub('^[0-9]+: ', '', last)[:500]}"


class _Running(threading.local):
    """The call that this thread is in: the functions are linked once for all calls, and wasmtime passes on only an index."""

    call: Call


_running = _Running()


@contextmanager
def calling(call: Call) -> Iterator[None]:
    """A module that is entered inside, on this thread, makes its calls to this one. Modules do not call modules."""
    _running.call = call
    try:
        yield
    finally:
        del _running.call


_I32, _I64 = ValType.i32, ValType.i64
# Of each import: its parameters, its results, what answers.
IMPORTS: dict[str, tuple[list[ValType], list[ValType], Callable[..., Any]]] = {
    "context_len": ([], [_I64()], Call.context_len),
    "context_read": ([_I64(), _I32(), _I32()], [_I32()], Call.context_read),
    "llm_query": ([_I32(), _I32()], [_I64()], Call.llm_query),
    "emit": ([_I32(), _I32()], [], Call.emit),
}
_FUNCTIONS = [(parameters, results, function) for parameters, results, function in IMPORTS.values()]


def link(engine: wasmtime.Engine) -> wasmtime.Linker:
    """The imports, for every module of this engine."""
    linker = wasmtime.Linker(engine)
    for index, (name, (parameters, results, _)) in enumerate(IMPORTS.items()):
        kind = FuncType(parameters, results)
        error = ffi.wasmtime_linker_define_func(
            linker.ptr(), b"rlm", 3, name.encode(), len(name), kind.ptr(), _called, index, _NO_FINALIZER
        )
        if error:
            raise wasmtime.WasmtimeError._from_ptr(error)
    return linker


_NO_FINALIZER = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(0)


@ffi.wasmtime_func_callback_t  # type: ignore[untyped-decorator]
def _called(index: Any, caller_pointer: Any, arguments: Any, _count: int, outcome: Any, _outcomes: int) -> int:
    call = _running.call
    caller = wasmtime.Caller(caller_pointer)
    try:
        if call.allocating:
            raise ModuleError("alloc must not call the host")
        # The index comes as a pointer, and ctypes makes None of 0.
        parameters, results, function = _FUNCTIONS[index or 0]
        values = [_unsigned(arguments[each], kind) for each, kind in enumerate(parameters)]
        value = function(call, _Module(caller), *values)
        for kind in results:
            _set(outcome[0], kind, value)
    except BaseException as error:  # noqa: BLE001  (nothing may leave into wasmtime; Call.failure has it)
        # The first one is the reason of those that follow.
        call.failure = call.failure or error
        # Consumed: wasmtime frees it.
        return ctypes.cast(wasmtime.Trap("stopped by the host")._consume(), ctypes.c_void_p).value or 0
    else:
        return 0
    finally:
        # What it points to ends with this call; who kept it gets an error, not somebody else's memory.
        caller._invalidate()


def _unsigned(value: Any, kind: ValType) -> int:
    return int(value.of.i64) & 0xFFFFFFFFFFFFFFFF if kind == _I64() else int(value.of.i32) & 0xFFFFFFFF


def _set(value: Any, kind: ValType, number: int) -> None:
    if kind == _I64():
        value.kind, value.of.i64 = ffi.WASMTIME_I64.value, ctypes.c_int64(number).value
    else:
        value.kind, value.of.i32 = ffi.WASMTIME_I32.value, ctypes.c_int32(number).value
