"""`asyncio`: an event loop that never waits.

If nothing else can go on, all sub-calls that wait go out together; then time passes.
"""

import asyncio
import contextlib
import contextvars
import errno
import functools
from asyncio import base_events, events, runners, threads
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn

from .. import queries
from . import waiting

_MOST_TURNS = 1000  # of a loop in which something is always ready, before what waits is sent all the same
_NO_PROCESSES = "not available here: a cell has no processes; work with Python alone"


class Loop(base_events.BaseEventLoop):
    """Its own selector, too."""

    def __init__(self) -> None:
        super().__init__()
        self._selector = self
        self._turns = 0

    def time(self) -> float:
        return waiting.clock()

    def select(self, timeout: float | None) -> list[Any]:
        """Called between the turns of the loop; 0 if something is ready, None if there are not even timers."""
        self._turns += 1
        if timeout == 0 and self._turns < _MOST_TURNS:
            return []
        self._turns = 0
        if not queries.send() and timeout != 0:
            if timeout is None:
                raise RuntimeError(f"{waiting.FOR_EVER}{_places(self)}")
            waiting.let_pass(timeout)
        return []

    def run_forever(self) -> None:
        with waiting.counting():
            super().run_forever()

    def _process_events(self, event_list: list[Any]) -> None:
        """There are none."""

    def _write_to_self(self) -> None:
        """There is no other thread to be woken by."""

    async def subprocess_exec(self, *_: Any, **__: Any) -> NoReturn:
        raise OSError(errno.ENOTSUP, _NO_PROCESSES)

    subprocess_shell = subprocess_exec


class _Policy(events._BaseDefaultEventLoopPolicy):  # type: ignore[name-defined, misc]
    """Outside a coroutine the loop is that of the cells."""

    _loop_factory = Loop

    def get_event_loop(self) -> Any:
        if self._local._loop is None:
            self.set_event_loop(_of_cells())
        return self._local._loop


class _Answer(asyncio.Future):  # type: ignore[type-arg]
    """Of a sub-call; what was cancelled is not sent."""

    def set_running_or_notify_cancel(self) -> bool:
        return not self.done() and not self.get_loop().is_closed()


async def answer(question: queries.Question) -> Any:
    """With those of all others that wait."""
    future = _Answer(loop=asyncio.get_running_loop())
    queries.ask_later(question, future)
    return await future


async def to_thread(func: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    """A sub-call waits with others; anything else runs at once."""
    call = functools.partial(func, *args, **kwargs)
    if queries.question(func, args, kwargs) is None:
        call = functools.partial(contextvars.copy_context().run, call)
    return await asyncio.get_running_loop().run_in_executor(None, call)


_loops: list[Loop] = []
_run = asyncio.run


def _of_cells() -> Loop:
    """The one in which cells await: its tasks go on from cell to cell."""
    if not _loops or _loops[-1].is_closed():
        _loops[:] = [Loop()]
    return _loops[-1]


def run_cell(cell: Coroutine[Any, Any, Any]) -> Any:
    """The value of a cell that awaits."""
    loop = _of_cells()
    task = loop.create_task(cell)
    try:
        return loop.run_until_complete(task)
    finally:
        if not task.done():
            task.cancel()
            with contextlib.suppress(BaseException):
                loop.run_until_complete(task)
        left = len(asyncio.all_tasks(loop))
        if left:
            waiting.remark(f"(asyncio tasks that are not finished: {left}; they go on in the next cell that awaits)")


def run(main: Any, **options: Any) -> Any:
    """As asyncio.run; what `gather` gave outside a coroutine is run too."""
    if isinstance(main, asyncio.Future) and main.get_loop() is _of_cells():
        return _of_cells().run_until_complete(main)
    return _run(main, **options)


def _places(loop: Loop) -> str:
    """Where the tasks of a loop wait, as far as it is in cells."""
    found = sorted(filter(None, map(_place, asyncio.all_tasks(loop))))
    return f" ({'; '.join(found[:3])})" if found else ""


def _place(task: Any) -> str:
    place, awaited = "", task.get_coro()
    while frame := getattr(awaited, "cr_frame", None):
        if frame.f_code.co_filename.startswith("<cell "):
            place = f"{frame.f_code.co_filename}, line {frame.f_lineno}"
        awaited = awaited.cr_await
    return place


def replace(module: Any) -> None:
    """Called when asyncio is imported."""
    module.events._event_loop_policy = _Policy()
    module.run = runners.run = run
    module.to_thread = threads.to_thread = to_thread
    module.SelectorEventLoop = module.EventLoop = Loop
