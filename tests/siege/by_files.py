"""Attacks by files that others may have written: journals, and machine code that a disk has damaged."""

import asyncio
import contextlib
import os
import sys
import tempfile
import time
from pathlib import Path

import msgspec
from besieging import ROOT, Siege, check, python

from orchestrator.journal.events import AnyEvent
from orchestrator.journal.lines import from_lines, to_lines

CODE = "FINAL('the truth')"
FORGED = (
    # what is changed, by what, exit status, what is said
    (b'"text":"the truth"', b'"text":"a lie"', 1, "answer"),
    (CODE.encode(), b"while True: pass", 1, "cell"),
    (b'"max_fuel":1000000000000', b'"max_fuel":1000000000000000', 1, "max_fuel"),
    (b'"fuel":100000000000,', b'"fuel":1000000000000000,', 1, "sandbox.fuel"),
    (b'"max_iterations":20', b'"max_iterations":2000000', 1, "max_iterations"),
)


async def journals(siege, most_seconds):
    """Journals that were changed, their chain made anew: `rlm replay` says what differs, and does not compute for ever."""
    made = (await siege.ask(python(CODE))).json()["run_id"]
    lines = (await siege.client.get(f"/runs/{made}/journal")).content.splitlines(keepends=True)
    events = from_lines(lines)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "context").write_text("a context")  # noqa: ASYNC240  (nothing else is under way)
        status, said = await _replay(folder, lines)
        check((status, said) == (0, "identical\n"), f"the true one: {status}, {said}")
        for old, new, expected, word in FORGED:
            changed = [msgspec.json.encode(each).replace(old, new) for each in events]
            check(changed != [msgspec.json.encode(each) for each in events], f"{old} is not in the journal")
            began = time.monotonic()
            status, said = await _replay(folder, to_lines(msgspec.json.decode(each, type=AnyEvent) for each in changed))
            took = time.monotonic() - began
            check(
                status == expected and word in said and took < most_seconds,
                f"{new}: {took:.0f} s, status {status}, {said[:300]}",
            )


async def _replay(folder, lines):
    """(exit status, all that it said) of `rlm replay`."""
    Path(folder, "journal").write_bytes(b"".join(lines))  # noqa: ASYNC240
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "orchestrator", "replay", "journal", "--context", "context"),
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(ROOT), "XDG_DATA_HOME": folder},
    )
    out, err = await process.communicate()
    return process.returncode, out.decode() + (err.decode() if process.returncode else "")


async def damaged_cache(siege):
    """Another server, whose machine code was zeroed or cut while it was away: it starts, and answers."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {"XDG_CACHE_HOME": folder}
        async with Siege(environment=environment).running() as whole:
            check((await whole.ask(python("FINAL(6 * 7)"))).json()["answer"] == "42", "a new cache does not do")
        code = sorted(Path(folder, "rlm").glob("*.cwasm"))  # noqa: ASYNC240
        check(len(code) > 1, "no machine code was kept")
        for number, each in enumerate(code):
            size = each.stat().st_size
            with each.open("r+b") as file:
                if number % 2:
                    file.truncate(size // 2)
                else:
                    file.seek(size // 4)
                    file.write(bytes(size // 2))
        async with Siege(environment=environment).running() as again:
            with contextlib.suppress(OSError):
                check((await again.ask(python("FINAL(6 * 7)"))).json()["answer"] == "42", "damaged code was loaded")
