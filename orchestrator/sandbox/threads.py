"""The threads that enter guests: their stack is larger than what a guest may use, and is given back after a deep cell."""

import ctypes
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from orchestrator.errors import SandboxError
from orchestrator.sandbox.instance import allow_guests_here
from orchestrator.sandbox.memory import mappings

WASM_STACK = 32 << 20
# wasmtime counts from where a guest is entered and does not know the thread's own stack: too small is a SIGSEGV.
THREAD_STACK = WASM_STACK + (32 << 20)
# Every waiting cell holds a thread; an idle one costs a few pages.
MAX_THREADS = 1024
IDLE_SECONDS = 10.0
ENDING_SECONDS = 5.0
KEPT_STACK = 2 << 20  # what ordinary cells use again and again

_libc = ctypes.CDLL(None)


class GuestThreads:
    """The engine's own threads: as many as there are calls at once; one that has nothing to do for some seconds ends."""

    _creating = threading.Lock()

    def __init__(self, idle_seconds: float = IDLE_SECONDS) -> None:
        self._idle_seconds = idle_seconds
        self._calls: deque[_Call] = deque()
        self._changed = threading.Condition()
        self._idle = 0
        self._closed = False
        self.count = 0

    def submit(self, function: Callable[[], Any]) -> "Future[Any]":
        """Raises SandboxError if no thread can be had, RuntimeError after the end."""
        call = _Call(function, Future())
        with self._changed:
            if self._closed:
                raise RuntimeError("the threads of guests have ended")
            if self._idle <= len(self._calls) and self.count < MAX_THREADS:
                self._begin_thread()
            self._calls.append(call)
            self._changed.notify()
        return call.future

    def shutdown(self) -> None:
        """Calls that are going on end by themselves, and have some seconds to do so; those that wait are cancelled."""
        with self._changed:
            self._closed = True
            for call in self._calls:
                call.future.cancel()
            self._calls.clear()
            self._changed.notify_all()
            self._changed.wait_for(lambda: self.count == 0, ENDING_SECONDS)

    def _begin_thread(self) -> None:
        # A thread gets the stack size that is set while it is created.
        with self._creating:
            previous = threading.stack_size(THREAD_STACK)
            try:
                threading.Thread(target=self._work, name="guest").start()
            except RuntimeError as error:
                raise SandboxError(f"no thread for another guest: {error}") from error
            finally:
                threading.stack_size(previous)
        self.count += 1

    def _work(self) -> None:
        _begin()
        while call := self._next():
            call.run()
            # Nothing of it may stay while this thread waits: its result can hold all memory of a guest.
            del call

    def _next(self) -> "_Call | None":
        with self._changed:
            while not self._calls:
                self._idle += 1
                woken = not self._closed and self._changed.wait(self._idle_seconds)
                self._idle -= 1
                if not woken and not self._calls:
                    self.count -= 1
                    self._changed.notify_all()
                    return None
            return self._calls.popleft()


class _Call:
    """What a thread is to do, and where its result goes."""

    def __init__(self, function: Callable[[], Any], future: "Future[Any]") -> None:
        self._function = function
        self.future = future

    def run(self) -> None:
        if not self.future.set_running_or_notify_cancel():
            return
        try:
            self.future.set_result(_tidily(self._function))
        except BaseException as error:  # noqa: BLE001  (whoever waits for the result gets it)
            self.future.set_exception(error)
            del self._function, self.future


class _OwnStack(threading.local):
    """This thread's stack. `deep`: the part of it that only deep cells use, (address, length)."""

    deep: tuple[int, int] | None = None


_own_stack = _OwnStack()


def _begin() -> None:
    allow_guests_here()
    _own_stack.deep = _deep_stack()


def _tidily(function: Callable[[], Any]) -> Any:
    try:
        return function()
    finally:
        if _own_stack.deep is not None:
            mappings.forget(*_own_stack.deep)


def _deep_stack() -> tuple[int, int] | None:
    """Below what is in use between two cells; None if the system does not tell where a stack is (macOS)."""
    if not mappings.MAPPABLE or not hasattr(_libc, "pthread_getattr_np"):
        return None
    attributes = ctypes.create_string_buffer(256)  # a pthread_attr_t, which is smaller
    address, length = ctypes.c_void_p(), ctypes.c_size_t()
    _libc.pthread_self.restype = ctypes.c_ulong
    if _libc.pthread_getattr_np(ctypes.c_ulong(_libc.pthread_self()), attributes):
        return None
    _libc.pthread_attr_getstack(attributes, ctypes.byref(address), ctypes.byref(length))
    _libc.pthread_attr_destroy(attributes)
    start = -(-(address.value or 0) // mappings.PAGE) * mappings.PAGE
    return start, (length.value - KEPT_STACK) // mappings.PAGE * mappings.PAGE
