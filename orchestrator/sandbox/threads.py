"""The threads that enter guests: their stack is larger than what a guest may use, and is given back after a deep cell."""

import ctypes
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from orchestrator.sandbox.instance import allow_guests_here
from orchestrator.sandbox.memory import mappings

WASM_STACK = 32 << 20
# wasmtime counts from where a guest is entered and does not know the thread's own stack: too small is a SIGSEGV.
THREAD_STACK = WASM_STACK + (32 << 20)
# Every waiting cell holds a thread; an idle one costs a few pages.
MAX_THREADS = 1024
KEPT_STACK = 2 << 20  # what ordinary cells use again and again

_libc = ctypes.CDLL(None)


class GuestThreads(ThreadPoolExecutor):
    """The engine's own threads."""

    _creating = threading.Lock()

    def __init__(self) -> None:
        super().__init__(MAX_THREADS, thread_name_prefix="guest", initializer=_begin)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        """A thread gets the stack size that is set while it is created, here."""
        with self._creating:
            previous = threading.stack_size(THREAD_STACK)
            try:
                return super().submit(_tidily, fn, *args, **kwargs)
            finally:
                threading.stack_size(previous)


class _OwnStack(threading.local):
    """This thread's stack. `deep`: the part of it that only deep cells use, (address, length)."""

    deep: tuple[int, int] | None = None


_own_stack = _OwnStack()


def _begin() -> None:
    allow_guests_here()
    _own_stack.deep = _deep_stack()


def _tidily(function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    try:
        return function(*arguments, **named)
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
