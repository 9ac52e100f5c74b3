"""The threads that enter guests: a deep cell's stack is given back."""

import re
import threading
from pathlib import Path

import pytest

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
