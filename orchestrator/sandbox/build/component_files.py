"""The components on this machine, each in a file named by its sha256: what new runs use, and what kept journals name."""

import hashlib
import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from orchestrator import shipped
from orchestrator.errors import SandboxError
from orchestrator.sandbox.build import cache
from orchestrator.sandbox.build.cache import Progress
from orchestrator.sandbox.build.componentize import componentize
from orchestrator.sandbox.build.soundness import make_sound


def every() -> list[Path]:
    """The oldest first."""
    return sorted(_folder().glob("*.wasm"), key=lambda wasm: wasm.stat().st_mtime)


def find(sha256: str) -> Path:
    """Raises SandboxError where it is not here."""
    if re.fullmatch("[0-9a-f]{64}", sha256) is None:
        raise SandboxError(f"{sha256[:100]!r} is not the sha256 of a component")
    wasm = _folder() / f"{sha256}.wasm"
    if not wasm.exists():
        raise SandboxError(
            f"the component {sha256} is not on this machine; run `rlm guest export {sha256} FILE` where it is, "
            "and `rlm guest import FILE` here"
        )
    return wasm


def newest(progress: Progress) -> Path:
    """The one for new runs, built first where a checkout has none for its sources. Raises SandboxError."""
    if wasm := current():
        return wasm
    with cache.locked(_folder()):
        return current() or _built(progress)  # another process may have built it meanwhile


def current() -> Path | None:
    """The same, where it is here: carried by the wheel, or built from the sources of the checkout. Raises SandboxError."""
    folder = _folder()
    if carried := shipped.component():
        return folder / carried.name
    try:
        named = _name_of_built()
    except PackageNotFoundError:
        return None
    if not named.exists():
        return None
    wasm = folder / f"{named.read_text()}.wasm"
    return wasm if wasm.exists() else None


def read(wasm: Path) -> bytes:
    """Raises SandboxError where its bytes are not those of its name."""
    content = wasm.read_bytes()
    if hashlib.sha256(content).hexdigest() != wasm.stem:
        raise SandboxError(f"{wasm} is damaged; delete it and start again")
    return content


def keep(content: bytes) -> Path:
    """A component, built or from elsewhere. Raises SandboxError where it could not be forked."""
    make_sound(content)
    wasm = _folder() / f"{hashlib.sha256(content).hexdigest()}.wasm"
    cache.write(wasm, content)
    return wasm


def _folder() -> Path:
    """The cache folder. A wheel's component is put there, to be found when another version of the wheel is installed."""
    folder = cache.folder()
    carried = shipped.component()
    if carried and not (folder / carried.name).exists():
        cache.write(folder / carried.name, read(carried))
    return folder


def _built(progress: Progress) -> Path:
    try:
        named = _name_of_built()
    except PackageNotFoundError:
        raise SandboxError(
            "building the Python guest needs componentize-py and tzdata; run: pip install componentize-py tzdata"
        ) from None
    progress("building the Python guest (once, about 15 seconds)")
    wasm = keep(componentize(shipped.GUEST_SOURCES))
    cache.write(named, wasm.stem.encode())
    return wasm


def _name_of_built() -> Path:
    """The file with the sha256 of the component of today's sources. Raises PackageNotFoundError without what builds it."""
    sdk = shipped.GUEST_SOURCES
    sources = sorted(path for part in ("wit", "python") for path in (sdk / part).rglob("*") if path.suffix in (".py", ".wit"))
    versions = (version("componentize-py"), version("tzdata"))
    key = cache.key(*versions, *(f"{path.relative_to(sdk)}\n{path.read_text()}" for path in sources))
    return cache.folder() / f"{key}.sha256"
