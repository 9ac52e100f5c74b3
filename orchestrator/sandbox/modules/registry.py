"""The modules of an engine: precompiled ones, named and pinned by a manifest; and those that a model writes."""

import hashlib
import importlib.metadata
import platform
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import wasmtime
from msgspec import Meta

from orchestrator import shipped
from orchestrator.errors import ConfigError, ModuleError
from orchestrator.sandbox.build import cache
from orchestrator.sandbox.messages import Function
from orchestrator.sandbox.modules import imports, wat_compiler
from orchestrator.sandbox.modules.abi import why_outside_abi
from orchestrator.sandbox.modules.imports import Call
from orchestrator.sandbox.modules.instance import Allowance, ModuleOutcome, Request, run_module
from orchestrator.sandbox.modules.wat_compiler import compile_text, configure

MAX_WAT = 65_536  # characters
# Its text has the engine's whole configuration, which machine code must agree with.
_CONFIGURATION = Path(wat_compiler.__file__).read_text()


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One module of a manifest."""

    name: Annotated[str, Meta(pattern="^[a-z][a-z0-9_]*$")]
    file: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]+\.(wasm|wat)$")]
    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    functions: Annotated[tuple[str, ...], Meta(min_length=1)]
    summary: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A folder of modules: what a manifest.toml says."""

    abi: Literal[1]
    module: tuple[Entry, ...]


class Modules:
    """All precompiled modules of an engine, by name; runs those that a model writes, too."""

    def __init__(self, module_folder: str, progress: cache.Progress) -> None:
        """The shipped modules, and those of `module_folder`. Raises ConfigError, SandboxError."""
        self.engine = wasmtime.Engine(configure())
        self._linker = imports.link(self.engine)
        self._modules: dict[str, wasmtime.Module] = {}
        self._load_folder(shipped.MODULES, progress)
        self._added = self._load_folder(Path(module_folder), progress) if module_folder else ()

    def describe(self) -> tuple[Function, ...]:
        """The functions of the added modules; the guest itself describes those of the shipped ones."""
        return tuple(
            Function(f"modules.{name}", f"modules.{name}(text=None, **arguments)", entry.summary)
            for entry in self._added
            for name in (f"{entry.name}.{function}" for function in entry.functions)
        )

    def run(self, name: str, request: bytes, call: Call, allowance: Allowance) -> ModuleOutcome:
        """What the module named so answers to a request."""
        module = self._modules.get(name)
        if module is None:
            names = ", ".join(self._modules)
            return ModuleOutcome(ModuleError(f"there is no module {name[:50]!r}; there are: {names}"), fuel=0)
        return run_module(self._linker, module, Request("run", request), call, allowance)

    def run_wat(self, wat: str, request: Request, call: Call, allowance: Allowance) -> ModuleOutcome:
        """What a module in the text format answers to a request."""
        if len(wat) > MAX_WAT:
            return ModuleOutcome(ModuleError(f"the text has {len(wat)} characters; {MAX_WAT} is the limit"), fuel=0)
        try:
            code = compile_text(wat, allowance.meter)
        except ValueError as error:
            return ModuleOutcome(ModuleError(f"it cannot be compiled: {error}"), fuel=0)
        module = wasmtime.Module.deserialize(self.engine, code)
        if why := why_outside_abi(module, request.function):
            return ModuleOutcome(ModuleError(why), fuel=0)
        return run_module(self._linker, module, request, call, allowance)

    def _load_folder(self, folder: Path, progress: cache.Progress) -> tuple[Entry, ...]:
        entries = _read_manifest(folder)
        for entry in entries:
            if entry.name in self._modules:
                raise ConfigError(f"{folder / 'manifest.toml'}: there is a module named {entry.name} already")
            self._modules[entry.name] = self._load_module(folder, entry, progress)
        return entries

    def _load_module(self, folder: Path, entry: Entry, progress: cache.Progress) -> wasmtime.Module:
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
            module = self._compile(content, f"compiling the module {entry.name} (once)", progress)
        except wasmtime.WasmtimeError as error:
            raise ConfigError(f"{path}: it cannot be compiled: {error}") from None
        if why := why_outside_abi(module, "run"):
            raise ConfigError(f"{path}: {why}")
        return module

    def _compile(self, content: bytes, message: str, progress: cache.Progress) -> wasmtime.Module:
        def compile_it() -> bytes:
            progress(message)
            return bytes(wasmtime.Module(self.engine, content).serialize())

        sha256 = hashlib.sha256(content).hexdigest()
        key = cache.key(importlib.metadata.version("wasmtime"), platform.machine(), _CONFIGURATION, sha256)
        compiled = cache.made(cache.folder() / f"{sha256}-{key}.cwasm", compile_it)
        return wasmtime.Module.deserialize_file(self.engine, str(compiled))


def _read_manifest(folder: Path) -> tuple[Entry, ...]:
    path = folder / "manifest.toml"
    try:
        return msgspec.toml.decode(path.read_bytes(), type=Manifest).module
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from None
