"""The store of runs: what an event costs that is waited for, how fast a server starts with many runs, and goes on with one."""

import asyncio
import contextlib
import sqlite3
import tempfile
import time
from pathlib import Path

from measuring import RUNS, shown

from orchestrator.config import OpenAISettings, SandboxSettings, Settings, StoreSettings
from orchestrator.contexts.store import ContextStore
from orchestrator.journal.events import FORMAT, Answer, RunFinished, RunStarted
from orchestrator.journal.journal import Journal
from orchestrator.journal.parts import RecordedCellLimits, RecordedRunLimits
from orchestrator.journal.results import RunSummary
from orchestrator.providers.messages import Message, Received, Schema
from orchestrator.providers.pool import Pool
from orchestrator.runs.execute import Tools
from orchestrator.runs.query import Query
from orchestrator.runs.service import RunService
from orchestrator.sandbox.engine import Engine
from orchestrator.sandbox.guest import describe
from orchestrator.store.database import sqlite_url
from orchestrator.store.journals import Journals
from orchestrator.store.messages import Wanted
from orchestrator.store.runs import RunStore
from orchestrator.store.writer import Record

TURNS = 100
KEPT = 10_000
EVENT = Answer(text="x" * 500, partial=True)


class Turns:
    """Answers each turn at once, and waits for ever where it is told to."""

    name = "turns"
    settings = OpenAISettings(model="m", base_url="http://m/v1")

    def __init__(self, stop_at: int) -> None:
        self._stop_at = stop_at
        self.reached = asyncio.Event()

    def check(self, query: str) -> None:
        """Any query."""

    async def find_window(self) -> None:
        """It reads anything."""

    async def complete(
        self, messages: tuple[Message, ...], received: Received, schema: Schema | None = None, max_tokens: int | None = None
    ) -> None:
        if sum(message.role == "assistant" for message in messages) == self._stop_at:
            self.reached.set()
            await asyncio.sleep(3600)
        received.add("```python\nx = len(context)\nprint(x)\n```")


class Quick(Turns):
    """Two turns and two sub-calls, each answered at once."""

    def __init__(self) -> None:
        super().__init__(-1)

    async def complete(
        self, messages: tuple[Message, ...], received: Received, schema: Schema | None = None, max_tokens: int | None = None
    ) -> None:
        turn = sum(message.role == "assistant" for message in messages)
        code = "FINAL(len(context) + len(both))" if turn else "both = llm_batch(['a', 'b'])"
        received.add(f"```python\n{code}\n```" if messages[0].role == "system" else "x")


class Unwaited(RunStore):
    """Nobody waits for it: as if runs were kept in memory alone."""

    async def settle(self, record: Record) -> None:
        pass

    async def end(self, record: Record, summary: RunSummary) -> None:
        self._ending = asyncio.ensure_future(super().end(record, summary))


async def store_rows(engine: Engine) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        settings = StoreSettings(url=sqlite_url(Path(folder) / "runs.db"), kept_runs=10**6)
        rows = [
            "| the store of runs (SQLite, each commit on the disk) | |",
            "|---|---|",
            *await _runs(engine, folder),
            *await _events(settings),
        ]
        rows += await _going_on(engine, settings)
        rows.append(await _start(settings))
        return [*rows, ""]


async def _runs(engine: Engine, folder: str) -> list[str]:
    """One after the other, in turn with the store and without."""
    contexts, found = ContextStore(), {}
    async with contextlib.AsyncExitStack() as stack:
        servers = {}
        for kind in (RunStore, Unwaited):
            store = stack.enter_context(
                contextlib.closing(kind(StoreSettings(url=sqlite_url(Path(folder) / f"{kind.__name__}.db"))))
            )
            settings = Settings(providers=(Quick.settings,))
            servers[kind] = RunService(settings, Tools(engine, await describe(engine)), Pool([Quick()]), contexts, store)
            stack.push_async_callback(servers[kind].stop, 0)
            found[kind] = []
        for _ in range(100):
            for kind, runs in servers.items():
                started = time.perf_counter()
                await runs.start(Query("q", contexts.add_text("a small text"))).wait()
                found[kind].append((time.perf_counter() - started) * 1000)
    return [
        f"| one run, 2 turns, 2 sub-calls (ms); without waiting for the store | {shown(found[RunStore])}; {shown(found[Unwaited])} |"
    ]


async def _events(settings: StoreSettings) -> list[str]:
    with contextlib.closing(RunStore(settings)) as store:
        journals = Journals(store, 1 << 30)
        alone = journals.begin(_started("alone"))
        many = [journals.begin(_started(f"many{number}")) for number in range(64)]
        found, speeds = [], []
        for _ in range(100):
            started = time.perf_counter()
            alone.write(EVENT)
            await alone.settle()
            found.append((time.perf_counter() - started) * 1000)
        for _ in range(RUNS):
            started = time.perf_counter()

            async def write(journal: Journal) -> None:
                for _ in range(20):
                    journal.write(EVENT)
                    await journal.settle()

            await asyncio.gather(*map(write, many))
            speeds.append(64 * 20 / (time.perf_counter() - started))
    return [
        f"| one event, waited for (ms) | {shown(found)} |",
        f"| 64 runs that wait for each event: events a second | {shown(speeds)} |",
    ]


async def _going_on(engine: Engine, settings: StoreSettings) -> list[str]:
    """Of a run that was stopped in a turn: until it asks its model again."""
    contexts, found = ContextStore(), []
    for _ in range(3):
        for stopping in (True, False):
            model = Turns(TURNS)
            with contextlib.closing(RunStore(settings)) as store:
                run_settings = Settings(providers=(Turns.settings,), max_iterations=TURNS + 1, max_fuel=10**15)
                runs = RunService(run_settings, Tools(engine, await describe(engine)), Pool([model]), contexts, store)
                started = time.perf_counter()
                if stopping:
                    runs.start(Query("q", contexts.add_text("a small text")), detached=True)
                else:
                    await runs.go_on()
                await model.reached.wait()
                if not stopping:
                    found.append((time.perf_counter() - started) * 1000)
                    for handle in runs.underway._runs.values():
                        handle.cancel()
                await runs.stop(0)
    return [f"| a run of {TURNS} turns gone on with: ms until it asks again | {shown(found)} |"]


async def _start(settings: StoreSettings) -> str:
    with contextlib.closing(RunStore(settings)) as store:
        journals = Journals(store, 1 << 30)
        journal = journals.begin(_started("0"))
        journal.write(RunFinished(stopped="answered", error=None))
        await journals.end(journal)
    path = settings.url.removeprefix("sqlite:///")
    with contextlib.closing(sqlite3.connect(path)) as connection:
        columns = [row[1] for row in connection.execute("pragma table_info(runs)")]
        copied = ", ".join({"run_id": "'copy' || value", "begun_ns": "begun_ns + value"}.get(each, each) for each in columns)
        numbers = f"with recursive numbers(value) as (select 1 union all select value + 1 from numbers where value < {KEPT})"  # noqa: S608
        connection.execute(f"{numbers} insert into runs select {copied} from runs, numbers where run_id = '0'")  # noqa: S608  (its own columns)
        connection.commit()
    found = []
    for _ in range(RUNS):
        started = time.perf_counter()
        with contextlib.closing(RunStore(settings)) as store:
            await store.unfinished()
            await store.newest_first("", Wanted(), 50)
            found.append((time.perf_counter() - started) * 1000)
    return f"| opened with {KEPT:,} runs, which are looked through and listed (ms) | {shown(found)} |"


def _started(run_id: str) -> RunStarted:
    return RunStarted(
        format=FORMAT,
        run_id=run_id,
        query="q",
        context_id="",
        context_kind="text",
        context_length=1,
        context_count=1,
        protocol="python",
        output_limit=1,
        limits=RecordedRunLimits(max_iterations=1, max_sub_calls=1, max_seconds=1.0, max_fuel=1),
        cell_limits=RecordedCellLimits(fuel=1, seconds=1.0, memory_bytes=1, output_chars=1, context_inline_limit=1),
        seed=1,
        clock_start_ns=1,
        component_sha256="",
    )


if __name__ == "__main__":
    measured = Engine(SandboxSettings())
    print("\n".join(asyncio.run(store_rows(measured))))
    measured.close()
