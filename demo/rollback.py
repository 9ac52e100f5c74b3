"""`make demo-rollback`: the same accident in the middle of a session, here and in two other systems.

Every line of the table is measured now: each session is a process of its own, and what it printed is shown.
"""

import importlib.metadata
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from accidents import ACCIDENTS, LAST, MACHINE, MEMORY, SECONDS, SYSTEMS

GUARD_SECONDS = 15  # then this demo ends a session that does not end itself
WIDTHS = (16, 16, 50, 30, 0)


class Session(NamedTuple):
    """What is left after an accident."""

    got: str
    kept: str
    process: str


def main() -> int:
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("rlms", "pydantic-monty", "wasmtime"))
    print(f"Three cells: kept = [1, 2, 3]; then one that appends to it and goes wrong; then {LAST}. ({versions})")
    print(f"ours: {SECONDS} s and {MEMORY >> 20} MiB a cell. pydantic-monty: the same, as its own limits. rlms: its default")
    print(f"environment, which has no limits; {MACHINE >> 30} GiB stand for the machine's memory, and this demo ends it after")
    print(f"{GUARD_SECONDS} s. The recursion bomb lifts the recursion limit first, where there is a function for it.\n")
    print(row("accident", "system", "the caller got", "kept afterwards", "the process"))
    for accident in ACCIDENTS:
        for system in SYSTEMS:
            found = session(system, accident)
            print(row(accident, system, found.got, found.kept, found.process), flush=True)
        print()
    print("An exception keeps what its cell did before it, as in any Python. A cell that is stopped never was, here alone.")
    return 0


def session(system: str, accident: str) -> Session:
    """Runs one, and says how far it came."""
    child = [sys.executable, str(Path(__file__).with_name("accidents.py")), system, accident]
    process = subprocess.Popen(child, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True)
    try:
        output, _ = process.communicate(timeout=GUARD_SECONDS)
        ended = ending(process.returncode)
    except subprocess.TimeoutExpired:
        process.kill()
        output, _ = process.communicate()
        ended = f"never came back (ended after {GUARD_SECONDS} s)"
    said = [json.loads(line) for line in output.splitlines()]
    got = said[1].splitlines()[0] if len(said) > 1 and said[1] else "nothing"
    return Session(got, said[2] if len(said) > 2 else "lost with the process", ended)


def ending(status: int) -> str:
    if status < 0:
        return f"killed by {signal.Signals(-status).name}"
    return "alive" if status == 0 else f"ended with status {status}"


def row(*cells: str) -> str:
    return "  ".join(cell[:width].ljust(width) if width else cell for cell, width in zip(cells, WIDTHS, strict=True))


if __name__ == "__main__":
    sys.exit(main())
