"""What a cell does by habit and cannot have: an error that says what to do, where the real thing would end the guest."""

import _socket
import _sqlite3
import builtins
import contextlib
import errno
import functools
import io
import os
import select
import sys
import time
from typing import Any, NoReturn

from .parallel import waiting

_NO_KEYBOARD = "there is no keyboard input in a cell: work with `context`, ask a model with llm_query(prompt)"
_NO_NETWORK = "not available here: a cell has no network; ask a model with llm_query(prompt), many with llm_batch(prompts)"
_NO_FILES = "not available here: a cell has no files, sockets or pipes to wait for"


class _NoInput(io.TextIOBase):
    """Standard input: who reads it is told that there is none."""

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1) -> NoReturn:
        _no_input()

    def readline(self, size: int | None = -1) -> NoReturn:  # type: ignore[override]
        _no_input()


class _NoSocket(_socket.socket):
    """Who makes one is told that there is no network."""

    __slots__ = ()

    def __init__(self, *arguments: Any, **options: Any) -> None:
        raise OSError(errno.ENOTSUP, _NO_NETWORK)


def _no_input(prompt: object = "") -> NoReturn:
    """There is nobody to ask."""
    raise RuntimeError(_NO_KEYBOARD)


def _no_select(*arguments: Any) -> NoReturn:
    raise OSError(errno.ENOTSUP, _NO_FILES)


def _no_address(*arguments: Any, **options: Any) -> NoReturn:
    raise _socket.gaierror(_socket.EAI_FAIL, _NO_NETWORK)


_connect = _sqlite3.connect


@functools.wraps(_connect)
def _connect_in_memory(*arguments: Any, **options: Any) -> Any:
    connection = _connect(*arguments, **options)
    # What a large sort puts aside would go to a file.
    with contextlib.suppress(_sqlite3.Error):
        _sqlite3.Connection.execute(connection, "PRAGMA temp_store=MEMORY").close()
    return connection


def replace() -> None:
    """Called while the component is built; what these did before would trap."""
    builtins.input = _no_input
    time.sleep = waiting.sleep
    select.select = _no_select
    del select.poll  # without it subprocess, asyncio and others do with select
    _socket.socket = _NoSocket  # type: ignore[misc]
    _sqlite3.connect = _connect_in_memory
    for name in ("getaddrinfo", "gethostbyaddr", "gethostbyname", "gethostbyname_ex", "getnameinfo"):
        setattr(_socket, name, _no_address)
    sys.stdin = sys.__stdin__ = _NoInput()  # type: ignore[misc]
    sys.dont_write_bytecode = True


def start() -> None:
    """What the end of the build set back."""
    os.closerange(0, 3)  # a closed descriptor is an error; an open one would ask the host
    sys.argv = [""]  # as in an interactive Python


def use_output(stream: Any) -> None:
    """All output of a cell goes to `stream`: the real ones are closed."""
    sys.stdout = sys.stderr = sys.__stdout__ = sys.__stderr__ = stream  # type: ignore[misc]


def flush_output() -> None:
    """A cell may have put a buffer of its own before its output."""
    with contextlib.suppress(BaseException):
        sys.stdout.flush()
