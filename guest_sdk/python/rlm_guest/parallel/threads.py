"""`threading` in one thread: a thread's target runs when it is started; what would wait for ever is an error."""

import _threading_local
import contextlib
import itertools
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

from ..rounds import Waiting
from . import waiting

_MAIN = threading.get_ident()
_numbers = itertools.count(_MAIN + 1)
_running: list[int] = []  # threads, each started by the one before
_show_exception = threading.excepthook


class Lock:
    """A lock that nobody can wait for: who has it is below on the same stack."""

    def __init__(self) -> None:
        self._is_locked = False

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        if timeout < 0 and timeout != -1:
            raise ValueError("timeout value must be a non-negative number")
        if not blocking and timeout != -1:
            raise ValueError("can't specify a timeout for a non-blocking call")
        within = 0 if not blocking else None if timeout == -1 else timeout
        if self._is_locked and not waiting.until(lambda: not self._is_locked, within):
            return False
        self._is_locked = True
        return True

    def release(self) -> None:
        if not self._is_locked:
            raise RuntimeError("release unlocked lock")
        self._is_locked = False

    def locked(self) -> bool:
        return self._is_locked

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()

    def _at_fork_reinit(self) -> None:
        self._is_locked = False


class _Handle:
    """What a Thread knows of the thread below it."""

    def __init__(self) -> None:
        self.ident = 0
        self._is_done = False

    def is_done(self) -> bool:
        return self._is_done

    def _set_done(self) -> None:
        self._is_done = True

    def join(self, timeout: float | None = None) -> None:
        waiting.until(self.is_done, None if timeout is None or timeout < 0 else timeout)


class Timer(threading.Timer):
    """Goes off when somebody waits so long, at the latest at the end of the cell."""

    _is_set = False

    def start(self) -> None:
        if self._is_set:
            raise RuntimeError("threads can only be started once")
        self._is_set = True
        waiting.call_later(self.interval, self._go_off)

    def _go_off(self) -> None:
        if not self.finished.is_set():
            super().start()

    def run(self) -> None:
        self.function(*self.args, **self.kwargs)
        self.finished.set()

    def is_alive(self) -> bool:
        return self._is_set and not self.finished.is_set()

    def join(self, timeout: float | None = None) -> None:
        if not self._is_set:
            raise RuntimeError("cannot join thread before it is started")
        waiting.until(lambda: not self.is_alive(), timeout)


def get_ident() -> int:
    """Of the thread that is running."""
    return _running[-1] if _running else _MAIN


def _start(function: Callable[[], object], handle: _Handle | None = None, daemon: bool = True) -> None:
    handle = handle or _Handle()
    handle.ident = next(_numbers)
    _running.append(handle.ident)
    try:
        with waiting.counting(), _without_loop():
            function()
    finally:
        _running.pop()
        handle._set_done()


@contextlib.contextmanager
def _without_loop() -> Iterator[None]:
    """In a new thread no event loop is running yet."""
    of_thread: Any = sys.modules.get("_asyncio")
    loop = of_thread and of_thread._get_running_loop()
    if not loop:
        yield
        return
    task = of_thread._swap_current_task(loop, None)
    of_thread._set_running_loop(None)
    try:
        yield
    finally:
        of_thread._set_running_loop(loop)
        of_thread._swap_current_task(loop, task)


def _show(arguments: Any) -> None:
    """An exception that ends a thread is printed; what map_reduce waits with goes through."""
    if isinstance(arguments.exc_value, Waiting):
        raise arguments.exc_value
    _show_exception(arguments)


def replace() -> None:
    """Called while the component is built."""
    changed: Any = threading
    changed.Lock = changed._allocate_lock = Lock
    changed._CRLock = None  # RLock() is then the one in Python, which knows these threads
    changed._ThreadHandle = _Handle
    changed._start_joinable_thread = _start
    changed.get_ident = get_ident
    changed.local = _threading_local.local
    changed.excepthook = _show
    changed.Timer = Timer
    changed._time = waiting.clock
    # The names of the modules below stay what they were: importing stands on them.
