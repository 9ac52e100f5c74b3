"""The Python guest as a component: built from guest_sdk/ once, kept by its hash, its compiled code cached.

Compiled code is machine code: whoever can write it can run anything here. So it lives in a folder that only
this user can write to, and is refused elsewhere. Builds are not reproducible: a component is known by its sha256.
"""

import fcntl
import hashlib
import importlib.metadata
import os
import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import wasmtime
from wasmtime.component import Component

from orchestrator.errors import SandboxError
from orchestrator.sandbox.soundness import make_sound

SDK = Path(__file__).parents[2] / "guest_sdk"
WORLD = "interpreter"

Progress = Callable[[str], None]


class Guest(msgspec.Struct, frozen=True):
    """A compiled component without data, the memory that it begins with, and the sha256 of the bytes of both."""

    component: Component
    memory: bytes
    sha256: str


def load(engine: wasmtime.Engine, configuration: str, progress: Progress, sha256: str | None = None) -> Guest:
    """The guest, built and compiled where the cache does not have it yet; or the one with that sha256. Raises SandboxError."""
    folder = cache_folder()
    with _locked(folder):
        wasm = _known(folder, sha256) if sha256 else _built(folder, progress)
        sound = make_sound(_intact(wasm))
        code = hashlib.sha256(sound.component).hexdigest()
        key = _key(importlib.metadata.version("wasmtime"), platform.machine(), configuration, code)
        compiled = folder / f"{wasm.stem}-{key}.cwasm"
        if not compiled.exists():
            progress("compiling the Python guest (once, about 5 seconds)")
            _write(compiled, bytes(Component(engine, sound.component).serialize()))
    try:
        return Guest(Component.deserialize_file(engine, str(compiled)), sound.memory, wasm.stem)
    except wasmtime.WasmtimeError:
        raise SandboxError(f"{compiled} cannot be loaded; delete it and start again") from None


def cache_folder() -> Path:
    """The user's cache folder for this program. Raises SandboxError where others could write to it."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(base) / "rlm"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.stat(follow_symlinks=False)
    except OSError as error:
        raise SandboxError(f"the cache folder {folder} cannot be used: {error.strerror}") from None
    if status.st_uid != os.geteuid() or status.st_mode & 0o022 or folder.is_symlink():
        raise SandboxError(f"others can write to the cache folder {folder}, which holds compiled code; run: chmod 700 {folder}")
    return folder


def _built(folder: Path, progress: Progress) -> Path:
    """The component for today's sources, named by its sha256."""
    sources = sorted(path for part in ("wit", "python") for path in (SDK / part).rglob("*") if path.suffix in (".py", ".wit"))
    contents = [f"{path.relative_to(SDK)}\n{path.read_text()}" for path in sources]
    name = folder / f"{_key(importlib.metadata.version('componentize-py'), *contents)}.sha256"
    if name.exists():
        wasm = folder / f"{name.read_text()}.wasm"
        if wasm.exists():
            return wasm
    progress("building the Python guest (once, about 10 seconds)")
    content = _build()
    make_sound(content)
    wasm = folder / f"{hashlib.sha256(content).hexdigest()}.wasm"
    _write(wasm, content)
    _write(name, wasm.stem.encode())
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
        command += ["componentize", "app", "-p", str(SDK / "python"), "-o", str(output)]
        done = subprocess.run(command, cwd=scratch, capture_output=True, text=True, check=False)
        if done.returncode or not output.exists():
            raise SandboxError(
                f"the Python guest cannot be built: {done.stderr.strip()[-2000:] or done.stdout.strip()[-2000:]}"
            )
        return output.read_bytes()


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all: another process may be reading."""
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as partial:
        partial.write(content)
    os.replace(partial.name, path)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _key(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
