"""The folder where what was built and compiled is kept. Whoever can write there can run anything here."""

import fcntl
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestrator.errors import SandboxError

Progress = Callable[[str], None]  # is told what takes long


def folder() -> Path:
    """The user's cache folder for this program. Raises SandboxError where others could write to it."""
    path = _users_own() / "rlm"
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = path.stat(follow_symlinks=False)
    except OSError as error:
        raise _unusable(path, error) from None
    if status.st_uid != os.geteuid() or path.is_symlink():
        raise SandboxError(f"the cache folder {path} is a link, or another user's; set XDG_CACHE_HOME to another")
    if status.st_mode & 0o022:
        raise SandboxError(f"others can write to the cache folder {path}, which holds compiled code; run: chmod 700 {path}")
    return path


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """One process at a time builds and compiles. Raises SandboxError."""
    try:
        lock = open(path / "lock", "w")  # noqa: SIM115  (it is closed below; an error of the body is not one of opening it)
    except OSError as error:
        raise _unusable(path, error) from None
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def write(path: Path, content: bytes) -> None:
    """Whole or not at all: another process may be reading. Raises SandboxError."""
    try:
        with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
            partial = Path(scratch) / path.name
            partial.write_bytes(content)
            partial.replace(path)
    except OSError as error:
        raise _unusable(path.parent, error) from None


def made(path: Path, make: Callable[[], bytes]) -> Path:
    """The file, made where it is missing. A folder that has it needs no writing: it may be read-only. Raises SandboxError."""
    if not path.exists():
        with locked(path.parent):
            if not path.exists():  # another process may have made it meanwhile
                write(path, make())
    return path


def _users_own() -> Path:
    if base := os.environ.get("XDG_CACHE_HOME"):
        return Path(base)
    try:
        return Path.home() / ".cache"
    except RuntimeError:
        raise SandboxError("this user has no home folder to keep compiled code in; set XDG_CACHE_HOME to a folder") from None


def _unusable(path: Path, error: OSError) -> SandboxError:
    return SandboxError(f"the cache folder {path} cannot be used: {error.strerror}; set XDG_CACHE_HOME to another")


def key(*parts: str) -> str:
    """A name for what follows from these."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
