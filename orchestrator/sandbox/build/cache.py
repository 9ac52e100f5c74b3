"""The folder where what was built and compiled is kept. Whoever can write there can run anything here."""

import contextlib
import fcntl
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestrator.errors import SandboxError

_SCRATCH = "writing-"
LEFT_SECONDS = 3600

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
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=_SCRATCH) as scratch:
            partial = Path(scratch) / path.name
            partial.write_bytes(content)
            partial.replace(path)
    except OSError as error:
        raise _unusable(path.parent, error) from None


def made(path: Path, make: Callable[[], bytes]) -> Path:
    """The file, made if it is missing or not as it was written. A folder that has it needs no writing: it may be read-only.

    Machine code that a full disk cut, or a crash left as zeros, would end the process when it is run. Raises SandboxError.
    """
    if not _is_whole(path):
        with locked(path.parent):
            if not _is_whole(path):  # another process may have made it meanwhile
                _tidy(path.parent)
                content = make()
                write(path, content)
                write(_digest_path(path), hashlib.sha256(content).hexdigest().encode())
    return path


def _digest_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")


def _is_whole(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == _digest_path(path).read_text()
    except (OSError, UnicodeDecodeError):
        return False


def _tidy(path: Path) -> None:
    """Takes away what processes left that were killed while they wrote. Nobody writes for an hour."""
    for left in path.glob(f"{_SCRATCH}*"):
        with contextlib.suppress(FileNotFoundError):
            if time.time() - left.stat().st_mtime > LEFT_SECONDS:
                shutil.rmtree(left, ignore_errors=True)


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
