"""The Python guest as a component: built from guest_sdk/ once, kept by its hash, its compiled code cached.

Builds are not reproducible: a component is known by its sha256.
"""

import hashlib
import importlib.metadata
import importlib.resources
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec
import wasmtime
from wasmtime.component import Component

from orchestrator.errors import SandboxError
from orchestrator.sandbox.build import cache
from orchestrator.sandbox.build.cache import Progress
from orchestrator.sandbox.build.soundness import make_sound

SDK = Path(__file__).parents[3] / "guest_sdk"
WORLD = "interpreter"


class Guest(msgspec.Struct, frozen=True):
    """A compiled component without data, the memory that it begins with, and the sha256 of the bytes of both."""

    component: Component
    memory: bytes
    sha256: str


def load(engine: wasmtime.Engine, configuration: str, progress: Progress, sha256: str | None = None) -> Guest:
    """The guest, built and compiled where the cache does not have it yet; or the one with that sha256. Raises SandboxError."""
    folder = cache.folder()
    with cache.locked(folder):
        wasm = _known(folder, sha256) if sha256 else _built(folder, progress)
        sound = make_sound(_intact(wasm))
        code = hashlib.sha256(sound.component).hexdigest()
        key = cache.key(importlib.metadata.version("wasmtime"), platform.machine(), configuration, code)
        compiled = folder / f"{wasm.stem}-{key}.cwasm"
        if not compiled.exists():
            progress("compiling the Python guest (once, about 5 seconds)")
            cache.write(compiled, bytes(Component(engine, sound.component).serialize()))
    try:
        return Guest(Component.deserialize_file(engine, str(compiled)), sound.memory, wasm.stem)
    except wasmtime.WasmtimeError:
        raise SandboxError(f"{compiled} cannot be loaded; delete it and start again") from None


def _built(folder: Path, progress: Progress) -> Path:
    """The component for today's sources, named by its sha256."""
    sources = sorted(path for part in ("wit", "python") for path in (SDK / part).rglob("*") if path.suffix in (".py", ".wit"))
    contents = [f"{path.relative_to(SDK)}\n{path.read_text()}" for path in sources]
    versions = [importlib.metadata.version(package) for package in ("componentize-py", "tzdata")]
    name = folder / f"{cache.key(*versions, *contents)}.sha256"
    if name.exists():
        wasm = folder / f"{name.read_text()}.wasm"
        if wasm.exists():
            return wasm
    progress("building the Python guest (once, about 15 seconds)")
    content = _build()
    make_sound(content)
    wasm = folder / f"{hashlib.sha256(content).hexdigest()}.wasm"
    cache.write(wasm, content)
    cache.write(name, wasm.stem.encode())
    return wasm


def _known(folder: Path, sha256: str) -> Path:
    wasm = folder / f"{sha256}.wasm"
    if re.fullmatch("[0-9a-f]{64}", sha256) is None or not wasm.exists():
        raise SandboxError(f"the component {sha256} is not at hand: it is kept as {folder}/SHA256.wasm where it was built")
    return wasm


def _intact(wasm: Path) -> bytes:
    """Its bytes. Raises SandboxError where they are not those of its name."""
    content = wasm.read_bytes()
    if hashlib.sha256(content).hexdigest() != wasm.stem:
        raise SandboxError(f"{wasm} is damaged; delete it and start again")
    return content


def _build() -> bytes:
    with tempfile.TemporaryDirectory(prefix="rlm-guest-") as scratch:
        output = Path(scratch) / "guest.wasm"
        command = [
            sys.executable,
            "-c",
            "import componentize_py; componentize_py.script()",
            "--quiet",
            "-d",
            str(SDK / "wit"),
            "-w",
            WORLD,
        ]
        # The time zones beside the guest's own code, without anything else that is installed here.
        packages = Path(scratch) / "packages"
        shutil.copytree(str(importlib.resources.files("tzdata")), packages / "tzdata")
        command += ["componentize", "app", "-p", str(SDK / "python"), "-p", str(packages), "-o", str(output)]
        done = subprocess.run(command, cwd=scratch, capture_output=True, text=True, check=False)
        if done.returncode or not output.exists():
            raise SandboxError(
                f"the Python guest cannot be built: {done.stderr.strip()[-2000:] or done.stdout.strip()[-2000:]}"
            )
        return output.read_bytes()
