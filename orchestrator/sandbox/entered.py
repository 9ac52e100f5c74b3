"""Which execution a thread is in.

wasmtime calls host functions and ticks back on the thread that entered the guest, and one linker serves all guests: only
linker.py and ticks.py look here. Everything else is passed its execution.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_here = threading.local()


@contextmanager
def entering(execution: Any) -> Iterator[None]:
    """What wasmtime calls back inside, on this thread, is this execution's."""
    before = getattr(_here, "execution", None)
    _here.execution = execution
    try:
        yield
    finally:
        _here.execution = before


def entered() -> Any:
    """The Execution of this thread."""
    return _here.execution
