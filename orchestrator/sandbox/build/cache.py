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
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    path = Path(base) / "rlm"
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = path.stat(follow_symlinks=False)
    except OSError as error:
        raise SandboxError(f"the cache folder {path} cannot be used: {error.strerror}") from None
    if status.st_uid != os.geteuid() or status.st_mode & 0o022 or path.is_symlink():
        raise SandboxError(f"others can write to the cache folder {path}, which holds compiled code; run: chmod 700 {path}")
    return path


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """One process at a time builds and compiles."""
    with open(path / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def write(path: Path, content: bytes) -> None:
    """Whole or not at all: another process may be reading."""
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as partial:
        partial.write(content)
    os.replace(partial.name, path)


def key(*parts: str) -> str:
    """A name for what follows from these."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
