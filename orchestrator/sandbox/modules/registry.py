"""Precompiled modules: named and pinned by a manifest, compiled once, each call in an instance of its own.

A module is untrusted like a guest: it has the memory that the sandbox's settings give a cell, what is left of the cell's
fuel and seconds, and the imports of imports.py. So has WebAssembly text that a model writes.
"""

import hashlib
import importlib.metadata
import platform
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import wasmtime
from msgspec import Meta
from wasmtime import FuncType, ValType

from orchestrator import shipped
from orchestrator.config import SandboxSettings
from orchestrator.dialogue.prompts import Function
from orchestrator.errors import ConfigError, ModuleError
from orchestrator.sandbox.build import cache
from orchestrator.sandbox.host_imports import entered
from orchestrator.sandbox.modules import imports, wat_compiler
from orchestrator.sandbox.modules.imports import Call, allocated, calling, why_stopped
from orchestrator.sandbox.modules.wat_compiler import compile_text, configured
from orchestrator.sandbox.ticks import watch

ABI = 1
MAX_WAT = 65_536  # characters
# Its text has the engine's whole configuration, which machine code must agree with.
_CONFIGURATION = Path(wat_compiler.__file__).read_text()

_I32 = ValType.i32
_RUN = FuncType([_I32(), _I32()], [_I32()])
_EXPORTS = {"alloc": FuncType([_I32()], [_I32()]), "rlm_abi_version": FuncType([], [_I32()])}


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One module of a manifest."""

    name: Annotated[str, Meta(pattern="^[a-z][a-z0-9_]*$")]
    file: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]+\.(wasm|wat)$")]
    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    functions: Annotated[tuple[str, ...], Meta(min_length=1)]
    summary: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    abi: Literal[1]
    module: tuple[Entry, ...]


class Modules:
    def __init__(self, settings: SandboxSettings, module_folder: str, progress: cache.Progress) -> None:
        """The shipped modules, and those of `module_folder`. Raises ConfigError, SandboxError."""
        self.engine = wasmtime.Engine(configured())
        self._memory_bytes = settings.memory_bytes
        self._linker = imports.link(self.engine)
        self._modules: dict[str, wasmtime.Module] = {}
        self._load(shipped.MODULES, progress)
        self._added = self._load(Path(module_folder), progress) if module_folder else ()

    def describe(self) -> tuple[Function, ...]:
        """The functions of the added modules; the guest itself describes those of the shipped ones."""
        return tuple(
            Function(f"modules.{name}", f"modules.{name}(text=None, **arguments)", entry.summary)
            for entry in self._added
            for name in (f"{entry.name}.{function}" for function in entry.functions)
        )

    def run(self, name: str, request: bytes, call: Call, fuel: int) -> bytes:
        """The JSON that the module answers with; call.fuel is what it took of `fuel`. Raises ModuleError."""
        module = self._modules.get(name)
        if module is None:
            raise ModuleError(f"there is no module {name[:50]!r}; there are: {', '.join(self._modules)}")
        return self._run(module, "run", request, call, fuel)

    def run_wat(self, wat: str, function: str, request: bytes, call: Call, fuel: int) -> bytes:
        """The same for a module in the text format; `function` takes the place of `run`. Raises ModuleError."""
        if len(wat) > MAX_WAT:
            raise ModuleError(f"the text has {len(wat)} characters; {MAX_WAT} is the limit")
        meter = entered.guest.meter
        try:
            code = compile_text(wat, lambda: not (meter.cancelled or meter.exceeded))
        except ValueError as error:
            raise ModuleError(f"it cannot be compiled: {error}") from None
        module = wasmtime.Module.deserialize(self.engine, code)
        if why := _outside_abi(module, function):
            raise ModuleError(why)
        return self._run(module, function, request, call, fuel)

    def _run(self, module: wasmtime.Module, function: str, request: bytes, call: Call, fuel: int) -> bytes:
        """On a guest's thread, which is inside `entering`."""
        store = wasmtime.Store(self.engine)
        store.set_limits(memory_size=self._memory_bytes, table_elements=100_000, instances=1, tables=4, memories=1)
        store.set_fuel(fuel)
        watch(store)
        try:
            with calling(call):
                status = self._answered(store, module, function, request)
        except (wasmtime.Trap, wasmtime.WasmtimeError) as trap:
            if call.failure is not None:
                raise call.failure from None
            out_of_fuel = "it used up the fuel of the cell" if store.get_fuel() == 0 else None
            raise ModuleError(out_of_fuel or _last_words(call) or why_stopped(trap)) from None
        finally:
            call.fuel = fuel - store.get_fuel()
        if status:
            raise ModuleError(_last_words(call) or f"it answered with the status {status}, without a reason")
        return bytes(call.emitted)

    def _answered(self, store: wasmtime.Store, module: wasmtime.Module, function: str, request: bytes) -> int:
        exports = self._linker.instantiate(store, module).exports(store)
        version = exports["rlm_abi_version"](store)  # type: ignore[operator]  # _outside_abi has seen what they are
        if version != ABI:
            raise ModuleError(f"it is for version {version} of the ABI; this is version {ABI}")
        address = allocated(exports["alloc"], store, len(request))
        memory = exports["memory"]
        if not isinstance(memory, wasmtime.Memory) or address + len(request) > memory.data_len(store):
            raise ModuleError("alloc gave room outside the memory")
        if request:
            memory.write(store, request, address)
        status: int = exports[function](store, address, len(request))  # type: ignore[operator]
        return status

    def _load(self, folder: Path, progress: cache.Progress) -> tuple[Entry, ...]:
        entries = _entries(folder)
        for entry in entries:
            if entry.name in self._modules:
                raise ConfigError(f"{folder / 'manifest.toml'}: there is a module named {entry.name} already")
            self._modules[entry.name] = self._loaded(folder, entry, progress)
        return entries

    def _loaded(self, folder: Path, entry: Entry, progress: cache.Progress) -> wasmtime.Module:
        path = folder / entry.file
        try:
            content = path.read_bytes()
        except OSError as error:
            raise ConfigError(f"{path}: {error.strerror}") from None
        found = hashlib.sha256(content).hexdigest()
        if found != entry.sha256:
            raise ConfigError(f"{path}: its sha256 is {found}, in the manifest {entry.sha256}")
        try:
            content = bytes(wasmtime.wat2wasm(content)) if path.suffix == ".wat" else content
            module = self._compiled(content, f"compiling the module {entry.name} (once)", progress)
        except wasmtime.WasmtimeError as error:
            raise ConfigError(f"{path}: it cannot be compiled: {error}") from None
        if why := _outside_abi(module, "run"):
            raise ConfigError(f"{path}: {why}")
        return module

    def _compiled(self, content: bytes, message: str, progress: cache.Progress) -> wasmtime.Module:
        def compile_it() -> bytes:
            progress(message)
            return bytes(wasmtime.Module(self.engine, content).serialize())

        sha256 = hashlib.sha256(content).hexdigest()
        key = cache.key(importlib.metadata.version("wasmtime"), platform.machine(), _CONFIGURATION, sha256)
        compiled = cache.made(cache.folder() / f"{sha256}-{key}.cwasm", compile_it)
        return wasmtime.Module.deserialize_file(self.engine, str(compiled))


def _entries(folder: Path) -> tuple[Entry, ...]:
    path = folder / "manifest.toml"
    try:
        return msgspec.toml.decode(path.read_bytes(), type=Manifest).module
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from None


def _outside_abi(module: wasmtime.Module, function: str) -> str | None:
    """Why it is not a module of this ABI, if it is not."""
    for each in module.imports:
        allowed = imports.IMPORTS.get(each.name or "") if each.module == "rlm" else None
        if allowed is None:
            names = ", ".join(imports.IMPORTS)
            imported = f"{each.module}.{each.name}"
            return f"it imports {imported[:100]}, which is not of the ABI (module rlm: {names})"
        if not isinstance(each.type, FuncType) or not _same(each.type, FuncType(allowed[0], allowed[1])):
            return f"it imports rlm.{each.name} with another type than the ABI's"
    exports = {each.name: each.type for each in module.exports}
    if not isinstance(exports.get("memory"), wasmtime.MemoryType):
        return "it does not export its memory as memory"
    for name, kind in (_EXPORTS | {function: _RUN}).items():
        found = exports.get(name)
        if not isinstance(found, FuncType) or not _same(found, kind):
            return f"it does not export the function {name[:100]!r} of the ABI: {_written(kind)}"
    return None


def _same(one: FuncType, other: FuncType) -> bool:
    return _written(one) == _written(other)


def _written(kind: FuncType) -> str:
    def names(types: list[ValType]) -> str:
        return ", ".join(map(str, types))

    return f"({names(kind.params)}) -> ({names(kind.results)})"


def _last_words(call: Call) -> str | None:
    """What the module says of why it has no result: {"error": message}."""
    try:
        found = msgspec.json.decode(bytes(call.emitted), type=dict[str, object])
    except (msgspec.DecodeError, UnicodeError):
        return None
    return str(found["error"])[:8000] if "error" in found else None
