"""Runs that wait for models: what each of a thousand holds once it is parked."""

import asyncio
import contextlib
import gc
import os
import subprocess
import sys
import threading
import time

import structlog
from measuring import private_mb

from orchestrator.config import OpenAISettings, SandboxSettings, ServerSettings, Settings
from orchestrator.contexts.store import ContextStore
from orchestrator.journal.results import result
from orchestrator.providers.messages import Message, Received, Schema
from orchestrator.providers.pool import Pool
from orchestrator.runs.execute import Tools
from orchestrator.runs.query import Query
from orchestrator.runs.service import RunService
from orchestrator.runs.underway import RunHandle
from orchestrator.sandbox.engine import Engine
from orchestrator.sandbox.guest import describe
from orchestrator.store.runs import RunStore

COUNT = 1000
SERVER = ServerSettings(max_queued_runs=COUNT, park_seconds=0.1)
CELLS = "```python\nwords = context.split()\n```\n```python\nkept = [llm_query('first'), len(words)]\nprint(kept)\n```"
LAST = "```python\nFINAL(kept)\n```"


class Waiting:
    """Holds what it was told to hold: sub-calls, or the second turn."""

    name = "waiting"
    settings = OpenAISettings(model="m", base_url="http://m/v1", max_concurrency=10 * COUNT)

    def __init__(self, held: str) -> None:
        self._held = held
        self.let_go = asyncio.Event()

    def check(self, query: str) -> None:
        """Any query."""

    async def find_window(self) -> None:
        """It reads anything."""

    async def complete(
        self, messages: tuple[Message, ...], received: Received, schema: Schema | None = None, max_tokens: int | None = None
    ) -> None:
        turn = sum(message.role == "assistant" for message in messages)
        call = "sub-call" if messages[0].role == "user" else "turn" if turn else "first turn"
        if call == self._held:
            await self.let_go.wait()
        received.add({"sub-call": "x", "turn": LAST, "first turn": CELLS}[call])


def parked_rows() -> list[str]:
    """Each in a process of its own: memory that was used before would be used again, and not show."""
    rows = [
        "| 1,000 runs that wait, parked | KB of memory each | KB on disk each | threads of guests | s until all have ended |"
    ]
    rows.append("|---|---|---|---|---|")
    for place, held in (("within a cell", "sub-call"), ("between two turns", "turn")):
        said = subprocess.run([sys.executable, __file__, held], stdout=subprocess.PIPE, text=True, check=True).stdout
        rows.append(f"| {place} | {said.splitlines()[-1]} |")
    return [*rows, ""]


async def _measured(engine: Engine, held: str) -> str:
    model = Waiting(held)
    with contextlib.closing(RunStore()) as store:
        settings = Settings(providers=(model.settings,), server=SERVER)
        runs = RunService(settings, Tools(engine, await describe(engine)), Pool([model]), ContextStore(), store)
        context = runs.contexts.add_text("some words " * 100)
        # One first: what all share is made, and what its threads need.
        await _park([runs.start(Query("q", context))])
        gc.collect()
        before, disk = private_mb(), _disk(engine)
        handles = [runs.start(Query("q", context)) for _ in range(COUNT)]
        await _park(handles)
        gc.collect()
        threads = sum(thread.name == "guest" for thread in threading.enumerate()) - engine._threads._idle
        memory, spooled = (private_mb() - before) / COUNT * 1024, (_disk(engine) - disk) / COUNT / 1024
        started = time.perf_counter()
        model.let_go.set()
        ended = [result(await each.wait()) for each in handles]
        seconds = time.perf_counter() - started
        if not all(each.success for each in ended):
            raise RuntimeError("a run failed")
        await runs.stop(0)
    return f"{memory:,.0f} | {spooled:,.0f} | {threads} | {seconds:.0f}"


async def _park(handles: list[RunHandle]) -> None:
    while not all(each.parked for each in handles):  # noqa: ASYNC110  (they do not tell)
        await asyncio.sleep(0.1)


def _disk(engine: Engine) -> int:
    file = engine.spool._file
    return os.fstat(file.descriptor).st_blocks * 512 if file else 0


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    measured = Engine(SandboxSettings())
    print(asyncio.run(_measured(measured, sys.argv[1])))
    measured.close()
