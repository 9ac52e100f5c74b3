"""What a cell waits for, in one thread: sub-calls that go out together, timers, and time, which passes at once."""

import contextlib
import heapq
import itertools
import time
from collections.abc import Callable, Iterator

from .. import queries

FOR_EVER = "this would wait for ever: a cell has one thread"
_ALONE = (
    "({} llm_query calls in threads or coroutines went out one after another; llm_batch(prompts), map_reduce or "
    "`await llm_query(prompt)` sends them together)"
)

_passed = 0.0
_monotonic = time.monotonic
_numbers = itertools.count()
_timers: list[tuple[float, int, Callable[[], None]]] = []
_remarks: list[str] = []
_depth = 0
_alone = 0


def clock() -> float:
    """The monotonic clock, and beside it the time that was waited."""
    return _monotonic() + _passed


def until(is_over: Callable[[], bool], timeout: float | None = None) -> bool:
    """Whether it came about; what can happen meanwhile does. Raises RuntimeError for what would wait for ever."""
    if timeout is not None and timeout <= 0:
        return is_over()
    end = None if timeout is None else clock() + timeout
    while not is_over():
        within = None if end is None else end - clock()
        if not queries.send() and not _fire(within):
            if within is None:
                raise RuntimeError(FOR_EVER)
            let_pass(within)
            return is_over()
    return True


def let_pass(seconds: float) -> None:
    """That much time is waited; timers that are due go off."""
    global _passed
    end = clock() + seconds
    while _fire(end - clock()):
        pass
    _passed += max(0.0, end - clock())


def sleep(seconds: float) -> None:
    """In the place of time.sleep: it takes no time."""
    let_pass(seconds)


def call_later(seconds: float, call: Callable[[], None]) -> None:
    """When somebody waits so long, at the latest at the end of the cell."""
    heapq.heappush(_timers, (clock() + seconds, next(_numbers), call))


def _fire(within: float | None) -> bool:
    """The next timer goes off, if it is due so soon."""
    global _passed
    if not _timers or (within is not None and _timers[0][0] > clock() + within):
        return False
    due, _, call = heapq.heappop(_timers)
    _passed += max(0.0, due - clock())
    call()
    return True


def start_cell() -> None:
    """Nothing is remarked yet."""
    global _alone
    _alone = 0
    _remarks.clear()


def finish_cell() -> None:
    """What the cell left goes on to its end, as it would beside the next cell; then the remarks are printed."""
    for _ in range(len(_timers)):  # those that these start are the next cell's
        _fire(None)
    while queries.send():
        pass
    if _alone > 1:
        print(_ALONE.format(_alone))
    for each in _remarks:
        print(each)


def remark(text: str) -> None:
    """To be printed at the end of the cell."""
    _remarks.append(text)


@contextlib.contextmanager
def counting() -> Iterator[None]:
    """The calls that llm_query sends by themselves meanwhile could have gone out together."""
    global _depth, _alone
    before = queries.alone
    _depth += 1
    try:
        yield
    finally:
        _depth -= 1
        if not _depth:
            _alone += queries.alone - before
