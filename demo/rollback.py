"""`make demo-rollback`: the same accident in the middle of a session, here and in two other systems.

Every line of the table is measured now: each session is a process of its own, and what it printed is shown.
"""

import importlib.metadata
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from accidents import ACCIDENTS, LAST, MACHINE, MEMORY, SECONDS, SYSTEMS

GUARD_SECONDS = 15  # then this demo ends a session that does not end itself
WIDTHS = (14, 14, 90, 24, 36, 0)


class Session(NamedTuple):
    """What is left after an accident."""

    got: str
    kept: str
    process: str
    mebibytes: int


def main() -> int:
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("rlms", "pydantic-monty", "wasmtime"))
    print(f"Three cells: kept = [1, 2, 3]; then one that appends to it and goes wrong; then {LAST}. ({versions})")
    print(f"ours: {SECONDS} s and {MEMORY >> 20} MiB a cell. pydantic-monty: the same, as its own limits; its documentation")
    print("says to discard a session after its time limit, here it is asked once more. rlms: its default environment,")
    print(f"which has no limits. This demo ends any session after {GUARD_SECONDS} s; in the memory bomb alone the two others")
    print(f"have {MACHINE >> 30} GiB of addresses, which stand for the machine's memory. The recursion bomb lifts the")
    print("recursion limit first, where there is a function for it.")
    print("peak: the most resident memory that the process, or a worker that it waited for, had.\n")
    print(row("accident", "system", "the caller got", "kept afterwards", "the process", "peak"))
    for accident in ACCIDENTS:
        for system in SYSTEMS:
            found = session(system, accident)
            print(row(accident, system, found.got, found.kept, found.process, f"{found.mebibytes} MiB"), flush=True)
        print()
    print("An exception keeps what its cell did before it, as in any Python. A cell that is stopped never was, here alone.")
    return 0


def session(system: str, accident: str) -> Session:
    """Runs one, and says how far it came."""
    child = [sys.executable, str(Path(__file__).with_name("accidents.py")), system, accident]
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(child, stdout=output, stderr=subprocess.DEVNULL, start_new_session=True)
        ended, mebibytes = wait(process)
        output.seek(0)
        said = [json.loads(line) for line in output]
    got = said[1].splitlines()[0] if len(said) > 1 and said[1] else "nothing"
    return Session(got, said[2] if len(said) > 2 else "lost with the process", ended, mebibytes)


def wait(process: "subprocess.Popen[bytes]") -> tuple[str, int]:
    """How a session ended and its peak memory; one that is late is ended with the workers in its group."""
    until = time.monotonic() + GUARD_SECONDS
    pid, status, usage = os.wait4(process.pid, os.WNOHANG)
    while not pid and time.monotonic() < until:
        time.sleep(0.05)
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
    if late := not pid:
        os.killpg(process.pid, signal.SIGKILL)  # not reaped yet, so the number is still this session's
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)  # Popen did not see it end
    ended = f"never came back (ended after {GUARD_SECONDS} s)" if late else ending(process.returncode)
    return ended, usage.ru_maxrss >> 10  # Linux counts in KiB


def ending(status: int) -> str:
    if status < 0:
        return f"killed by {signal.Signals(-status).name}"
    return "alive" if status == 0 else f"ended with status {status}"


def row(*cells: str) -> str:
    return "  ".join(cell[:width].ljust(width) if width else cell for cell, width in zip(cells, WIDTHS, strict=True))


if __name__ == "__main__":
    sys.exit(main())
