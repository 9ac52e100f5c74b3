"""`concurrent.futures`: calls run when they are submitted, one after another.

Those of llm_query go out together, when the result of one is asked for or the pool is left.
"""

import functools
import itertools
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import _base
from typing import Any

from .. import queries

_numbers = itertools.count()  # of pools
_submitted = itertools.count()


class Future(_base.Future):  # type: ignore[type-arg]
    """Who polls it waits for it."""

    def __init__(self) -> None:
        super().__init__()
        self.number = next(_submitted)

    def done(self) -> bool:
        if not super().done():
            queries.send()
        return super().done()


class Executor(_base.Executor):
    """ThreadPoolExecutor and ProcessPoolExecutor."""

    def __init__(
        self,
        max_workers: int | None = None,
        thread_name_prefix: Any = "",
        initializer: Callable[..., object] | None = None,
        initargs: tuple[Any, ...] = (),
        **_: Any,
    ) -> None:
        if max_workers is not None and max_workers <= 0:
            raise ValueError("max_workers must be greater than 0")
        if initializer is not None and not callable(initializer):
            raise TypeError("initializer must be a callable")
        self._max_workers = max_workers or 1
        prefix = thread_name_prefix if isinstance(thread_name_prefix, str) else ""
        self._name = f"{prefix or f'{type(self).__name__}-{next(_numbers)}'}_0"
        self._initialize = functools.partial(initializer, *initargs) if initializer else None
        self._is_shut = False
        self._waiting: list[Future] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future:
        if self._is_shut:
            raise RuntimeError("cannot schedule new futures after shutdown")
        future = Future()
        while isinstance(fn, functools.partial):
            fn, args, kwargs = fn.func, fn.args + args, fn.keywords | kwargs
        try:
            question = queries.question(fn, args, kwargs)
        except Exception as error:
            future.set_exception(error)
            return future
        if question:
            queries.ask_later(question, future)
            self._waiting.append(future)
        else:
            threading.Thread(target=self._run, args=(future, fn, args, kwargs), name=self._name).start()
        return future

    def _run(self, future: Future, fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        future.set_running_or_notify_cancel()
        try:
            if self._initialize:
                initialize, self._initialize = self._initialize, None
                initialize()
            result = fn(*args, **kwargs)
        except BaseException as error:
            future.set_exception(error)
        else:
            future.set_result(result)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self._is_shut = True
        if cancel_futures:
            for future in self._waiting:
                future.cancel()
        if wait and any(not _base.Future.done(future) for future in self._waiting):
            queries.send()
        self._waiting.clear()


class ThreadPoolExecutor(Executor):
    """Runs what is submitted at once."""


class ProcessPoolExecutor(Executor):
    """The same: a cell is one process."""


def as_completed(fs: Iterable[_base.Future[Any]], timeout: float | None = None) -> Iterator[_base.Future[Any]]:
    """In the order of submission: what failed because the sub-calls ran out comes behind what was answered."""
    waiting = []
    for future in sorted(set(fs), key=lambda each: getattr(each, "number", -1)):
        if future.done():
            yield future
        else:
            waiting.append(future)
    yield from _base.as_completed(waiting, timeout)


def replace(module: Any) -> None:
    """Called when concurrent.futures, or a part of it that has one of them, is imported."""
    module.ThreadPoolExecutor = module.InterpreterPoolExecutor = ThreadPoolExecutor
    module.ProcessPoolExecutor = ProcessPoolExecutor
    module.as_completed = as_completed
