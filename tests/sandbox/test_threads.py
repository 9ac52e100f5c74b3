"""The threads that enter guests: a deep cell's stack is given back."""

import asyncio
import contextlib
import functools
import gc
import re
import threading
import time
import weakref
from pathlib import Path

import pytest

from orchestrator.config import SandboxSettings
from orchestrator.errors import SandboxError
from orchestrator.sandbox.engine import Engine
from orchestrator.sandbox.memory import mappings
from orchestrator.sandbox.threads import THREAD_STACK, WASM_STACK, GuestThreads


def stack_resident(threads):
    """KB of the pool's one thread's stack that are in memory."""

    def here():
        address = id_of_local()
        for block in re.split(r"(?m)^(?=[0-9a-f]+-[0-9a-f]+ )", Path("/proc/self/smaps").read_text()):
            found = re.match(r"([0-9a-f]+)-([0-9a-f]+) ", block)
            if found and int(found[1], 16) <= address < int(found[2], 16):
                return int(re.search(r"Rss:\s+(\d+)", block)[1])
        return None

    return threads.submit(here).result()


def id_of_local():
    """An address on this thread's stack: that of its C frames lies near."""
    import ctypes  # noqa: PLC0415

    value = ctypes.c_int()
    libc = ctypes.CDLL(None)
    libc.pthread_self.restype = ctypes.c_ulong
    del value
    return libc.pthread_self() - 4096


@pytest.mark.skipif(not mappings.MAPPABLE, reason="this system does not tell where a stack is")
def test_the_stack_of_a_deep_cell_is_given_back():
    """24 MB of it are touched; afterwards what ordinary cells use is kept."""
    threads = GuestThreads()
    touched = []

    def deep():
        start, length = threads_stack()
        mappings.view(start + length - (24 << 20), 24 << 20)[::4096] = bytes((24 << 20) // 4096)
        touched.append(True)

    threads.submit(deep).result()
    assert touched == [True]
    assert stack_resident(threads) < 4096
    threads.shutdown()


def until(true, seconds=5):
    """Waits for it."""
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.01)
    return true()


def test_threads_are_released_when_they_are_idle():
    """Forty at once, none after a while, and one again for the next call."""
    threads = GuestThreads(idle_seconds=0.05)
    go_on = threading.Event()
    calls = [threads.submit(go_on.wait) for _ in range(40)]
    assert until(lambda: threads.count == 40)
    go_on.set()
    assert [call.result() for call in calls] == [True] * 40
    assert until(lambda: threads.count == 0)
    assert threads.submit(lambda: "again").result() == "again"
    threads.shutdown()


def test_idle_threads_are_used_again():
    """One after the other, a hundred calls need no second thread; what one of them raises ends no thread."""
    threads = GuestThreads()
    for number in range(100):
        with pytest.raises(ZeroDivisionError) if number % 2 else contextlib.nullcontext():
            threads.submit(lambda number=number: 1 / (1 - number % 2)).result()
        assert until(lambda: threads._idle == 1)
    assert threads.count == 1
    threads.shutdown()


def test_nothing_of_a_call_stays_in_an_idle_thread():
    """Neither its function, nor its result, nor what it raised."""

    class Large:
        pass

    def use(large, *, fails):
        if fails:
            raise ValueError(large)
        return large

    threads = GuestThreads()
    gc.disable()
    try:
        for fails in (False, True):
            large = Large()
            seen = weakref.ref(large)
            call = threads.submit(functools.partial(use, large, fails=fails))
            call.exception()
            del large, call
            assert until(lambda seen=seen: seen() is None)
    finally:
        gc.enable()
        threads.shutdown()


def test_without_threads_a_call_is_a_typed_error(monkeypatch):
    """Of the sandbox; and the next one that can have a thread works."""
    threads = GuestThreads()

    def none_left(_thread):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", none_left)
        with pytest.raises(SandboxError) as error:
            threads.submit(str)
    assert str(error.value) == "no thread for another guest: can't start new thread"
    assert threads.submit(str).result() == ""
    threads.shutdown()


def threads_stack():
    from orchestrator.sandbox.threads import _own_stack  # noqa: PLC0415

    return _own_stack.deep


def test_a_thread_has_the_stack_that_a_guest_may_use():
    """And more; other threads of the process keep the usual size."""
    before = threading.stack_size()
    threads = GuestThreads()
    assert threads.submit(threads_stack).result()[1] > WASM_STACK
    assert threading.stack_size() == before
    assert THREAD_STACK > WASM_STACK
    threads.shutdown()


async def test_an_engine_that_is_closed_ends_what_was_cancelled(new_notebook):
    """Its clock ticks until then: nothing computes on."""
    engine = Engine(SandboxSettings(memory_bytes=256 << 20))
    spinning = [asyncio.create_task(new_notebook(engine=engine).run_cell(1, "while True: pass")) for _ in range(4)]
    await asyncio.sleep(0.5)
    for each in spinning:
        each.cancel()
    await asyncio.wait(spinning)
    engine.close()
    assert engine._threads.count == 0
