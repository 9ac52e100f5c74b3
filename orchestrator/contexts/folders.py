"""The files of a folder: which are taken, by which names, and why others are left out."""

import os
import stat
from collections.abc import Iterator

import msgspec

from orchestrator.errors import InvalidRequest


class Found(msgspec.Struct, frozen=True):
    """A file below a folder, by its path from there; or what is left out, and why."""

    name: str
    path: str
    left_out: str = ""


def walk(folder: str, contexts: str) -> Iterator[Found]:
    """All files, the names of each folder in order; none of the folder `contexts`, which holds what is made of them.

    Raises InvalidRequest if the folder itself cannot be read.
    """
    root, kept = os.path.realpath(folder), os.stat(contexts)
    waiting = _list(folder, "")
    while waiting:
        name = waiting.pop()
        path = os.path.join(folder, name)
        try:
            status, path = _look(path, root)
            if stat.S_ISDIR(status.st_mode):
                if os.path.samestat(status, kept):
                    raise InvalidRequest("the folder of contexts")
                waiting += _list(path, f"{name}/")
            else:
                yield Found(name, path)
        except InvalidRequest as error:
            yield Found(name, path, str(error))


def open_found(path: str) -> int:
    """A descriptor. Raises InvalidRequest if it is no ordinary file any more."""
    try:
        # It may have been replaced since it was looked at: a pipe would hold who opens it.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        raise unreadable(error) from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise InvalidRequest("no file")
    return descriptor


def unreadable(error: OSError | ValueError) -> InvalidRequest:
    """As the system says it."""
    return InvalidRequest(getattr(error, "strerror", None) or str(error))


def _list(folder: str, prefix: str) -> list[str]:
    """The first name last, as they are taken from the end."""
    try:
        return [f"{prefix}{name}" for name in sorted(os.listdir(folder), reverse=True)]
    except OSError as error:
        raise unreadable(error) from None


def _look(path: str, root: str) -> tuple[os.stat_result, str]:
    """The status of a file or folder, and where it is. Raises InvalidRequest if it is left out."""
    if os.path.basename(path).startswith("."):
        raise InvalidRequest("hidden")
    try:
        status = os.lstat(path)
        if stat.S_ISLNK(status.st_mode):
            path = os.path.realpath(path, strict=True)
            status = os.stat(path)
            # What it leads to is found by its own name, if it is in here.
            if stat.S_ISDIR(status.st_mode):
                raise InvalidRequest("a link to a folder")
            if os.path.commonpath((root, path)) != root:
                raise InvalidRequest("a link out of the folder")
    except OSError as error:
        raise unreadable(error) from None
    if not stat.S_ISDIR(status.st_mode) and not stat.S_ISREG(status.st_mode):
        raise InvalidRequest("no file")
    return status, path
