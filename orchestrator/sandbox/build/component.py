"""The Python guest as machine code: compiled once from its component, and cached."""

import hashlib
import importlib.metadata
import platform

import msgspec
import wasmtime
from wasmtime.component import Component

from orchestrator.errors import SandboxError
from orchestrator.sandbox.build import cache, component_files
from orchestrator.sandbox.build.cache import Progress
from orchestrator.sandbox.build.soundness import make_sound


class Guest(msgspec.Struct, frozen=True):
    """A compiled component without data, the memory that it begins with, and the sha256 of the bytes of both."""

    component: Component
    memory: bytes
    sha256: str


def load(engine: wasmtime.Engine, configuration: str, progress: Progress, sha256: str | None = None) -> Guest:
    """The guest for new runs, built and compiled if it is not yet; or the one with that sha256. Raises SandboxError."""
    wasm = component_files.find(sha256) if sha256 else component_files.newest(progress)
    sound = make_sound(component_files.read(wasm))

    def compile_it() -> bytes:
        progress("compiling the Python guest (once, about 5 seconds)")
        try:
            return bytes(Component(engine, sound.component).serialize())
        except wasmtime.WasmtimeError as error:
            raise SandboxError(f"the component {wasm.stem} cannot be compiled: {str(error).splitlines()[0]}") from None

    code = hashlib.sha256(sound.component).hexdigest()
    key = cache.key(importlib.metadata.version("wasmtime"), platform.machine(), configuration, code)
    compiled = cache.made(wasm.with_name(f"{wasm.stem}-{key}.cwasm"), compile_it)
    try:
        return Guest(Component.deserialize_file(engine, str(compiled)), sound.memory, wasm.stem)
    except wasmtime.WasmtimeError:
        raise SandboxError(f"{compiled} cannot be loaded; delete it and start again") from None
