"""Following a run: how far behind a hundred readers are, and how soon a run that is cancelled has ended."""

import asyncio
import contextlib
import re
import time
from collections.abc import Iterator
from typing import Any

from fakes import FakeModel, python
from measuring import RUNS, shown
from serving import serving

from orchestrator.config import SandboxSettings
from orchestrator.sandbox.engine import Engine

READERS = 100
TURNS = 30
_NUMBER = re.compile(rb"^id: (\d+)$", re.MULTILINE)


async def follower_rows(engine: Engine) -> list[str]:
    """One process has the server, the model and the readers, whose own work is in the figures."""
    behind, worst = await _behind(engine)
    cancelled = [await _cancel(engine) for _ in range(RUNS)]
    return [
        "| following runs | |",
        "|---|---|",
        f"| {READERS} readers of one run, by Server-Sent Events: ms from an event to the last of them | {shown(behind)} |",
        f"| the latest of all events (ms) | {worst:.0f} |",
        f"| cancel, amid a cell that computes (ms until its end is answered) | {shown(cancelled)} |",
    ]


async def _behind(engine: Engine) -> tuple[list[float], float]:
    """For each event after the readers have come, when the last of them had it."""
    written: list[float] = []
    seen: list[dict[int, float]] = [{} for _ in range(READERS)]
    replies = [python(f"x = {n}\nprint(x)") for n in range(TURNS - 1)] + [python("FINAL(1)")]
    async with _served(engine, FakeModel(replies, delay=0.2), written) as client:
        run_id = (await client.post("/runs", json={"query": "q", "context": "c"})).json()["run_id"]
        port = client.base_url.port
        await asyncio.gather(*(_read(port, run_id, each) for each in seen))
    there = max(min(each) for each in seen) + len(written) // 5  # all of them have come by then
    last = [max(each[n] for each in seen) for n in range(there, len(written))]
    behind = [(at - written[n]) * 1000 for n, at in enumerate(last, there)]
    return behind, max(behind)


@contextlib.asynccontextmanager
async def _served(engine: Engine, model: FakeModel, written: list[float]) -> Any:
    """`written` is when each event was."""
    with _watched(written):
        async with serving(engine, model, max_iterations=TURNS) as client:
            yield client


@contextlib.contextmanager
def _watched(written: list[float]) -> Iterator[None]:
    from orchestrator.runs.observers import Observers  # noqa: PLC0415  (what it begins with is replaced)

    begin = Observers.of_run

    def of_run(self: Observers) -> Any:
        observe = begin(self)

        def watch(event: Any) -> None:
            written.append(time.monotonic())
            observe(event)

        return watch

    Observers.of_run = of_run  # type: ignore[method-assign]
    try:
        yield
    finally:
        Observers.of_run = begin  # type: ignore[method-assign]


async def _read(port: int | None, run_id: str, seen: dict[int, float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET /runs/{run_id}/events HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n\r\n".encode())
    while piece := await reader.read(1 << 16):
        now = time.monotonic()
        for number in _NUMBER.findall(piece):
            seen.setdefault(int(number), now)
        if b"event: run_finished" in piece:
            break
    writer.close()


async def _cancel(engine: Engine) -> float:
    async with serving(engine, FakeModel([python("while True: pass")])) as client:
        run_id = (await client.post("/runs", json={"query": "q", "context": "c"})).json()["run_id"]
        while not (await client.get(f"/runs/{run_id}")).json()["history"]:  # noqa: ASYNC110  (another task)
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        started = time.perf_counter()
        (await client.post(f"/runs/{run_id}/cancel")).raise_for_status()
        return (time.perf_counter() - started) * 1000


if __name__ == "__main__":
    own = Engine(SandboxSettings())
    print("\n".join(asyncio.run(follower_rows(own))))
    own.close()
