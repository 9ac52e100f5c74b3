"""Timing, and how it is written."""

import gc
import re
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

RUNS = 10


def timed(action: Callable[[], Any], runs: int = RUNS, per: int = 1) -> list[float]:
    """Milliseconds of each run, divided by `per`."""
    gc.collect()
    found = []
    for _ in range(runs):
        started = time.perf_counter()
        action()
        found.append((time.perf_counter() - started) * 1000 / per)
    return found


def shown(values: list[float] | None) -> str:
    """median (min to max)"""
    if values is None:
        return "-"
    median, low, high = statistics.median(values), min(values), max(values)
    digits = 3 if median < 1 else 1
    return f"{median:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def private_mb() -> float:
    rollup = Path("/proc/self/smaps_rollup").read_text()
    return int(re.search(r"Private_Dirty:\s+(\d+)", rollup)[1]) / 1024
