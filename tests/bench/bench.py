"""`make bench`: this project's sandbox beside three others, in one run; prints the tables and writes them to README.md.

Each figure is the median of at least 10 runs, with minimum and maximum. Ratios hold on other machines; absolutes do not.
"""

import asyncio
import datetime
import gc
import json
import os
import platform
import random
import re
import socket
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pydantic_monty
import structlog
import uvicorn
from subjects import Monty, Native, Ours, Worker

from orchestrator.app import Service, create_app
from orchestrator.config import OpenAISettings, SandboxSettings, Settings
from orchestrator.sandbox.engine import Engine

RUNS = 10
HOST_CALLS = 500
OURS_HOST_CALL = "import wit_world\nfor _ in range(500): wit_world.context_read(0, 0, 1)"
OTHERS_HOST_CALL = "for _ in range(500): host()"
WORK = {
    "regex over 40 MB": r"import re; out = len(re.findall(r'\d+\.\d+\.\d+\.\d+', context))",
    "Counter of first words": "from collections import Counter\nout = len(Counter(l[:l.find(' ')] for l in context.split('\\n')))",
    "split and filter": "out = len([l for l in context.split('\\n') if 'ERROR' in l])",
}
WORK_OURS = {name: f"{code}\nprint(out)" for name, code in WORK.items()}


def log(size: int) -> str:
    """A seeded log of about `size` characters."""
    chance = random.Random(7)
    lines, total = [], 0
    while total < size:
        level = chance.choice(["INFO", "INFO", "INFO", "WARN", "ERROR"])
        address = ".".join(str(chance.randrange(256)) for _ in range(4))
        line = f"2026-11-{chance.randrange(1, 29):02} {level} {address} request took {chance.randrange(2000)} ms, user u{chance.randrange(500)}"
        lines.append(line)
        total += len(line) + 1
    return "\n".join(lines)


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


def finish(run: Any) -> None:
    """Ends a subject's process or session, where it has one."""
    if process := getattr(run, "process", None):
        process.stdin.close()
        process.wait()
        process.stdout.close()
    if session := getattr(run, "session", None):
        session.__exit__(None, None, None)


def fresh(subject: Any) -> None:
    run = subject.make()
    run("x = 1")
    finish(run)


def measure(subject: Any, text: str) -> dict[str, list[float] | None]:
    """Every row of the first table for one subject."""
    ours = isinstance(subject, Ours)
    rows: dict[str, list[float] | None] = {"create and first result": timed(lambda: fresh(subject), 20)}
    run = subject.make()
    run("x = 1")
    rows["one cell (x = 1)"] = timed(lambda: run("x = 1"), 50)
    call = OURS_HOST_CALL if ours else OTHERS_HOST_CALL
    finish(run)
    rows["one host call"] = None if isinstance(subject, Worker) else host_calls(subject, call)

    def load() -> None:
        loaded = subject.make(text)
        loaded("out = len(context)")
        finish(loaded)

    rows["40 MB context into one more run"] = timed(load)
    run = subject.make(text)
    run("out = len(context)")
    for name, code in (WORK_OURS if ours else WORK).items():
        rows[name] = timed(lambda code=code: run(code))
    finish(run)
    return rows


def host_calls(subject: Any, code: str) -> list[float]:
    """In a new sandbox each time: monty allows a session 1000 of them."""
    found = []
    for _ in range(RUNS):
        run = subject.make()
        run("x = 1")
        found += timed(lambda run=run: run(code), 1, HOST_CALLS)
        finish(run)
    return found


def memory(ours: Ours) -> list[str]:
    """Private memory in MB for each of 1, 10 and 100 live sandboxes that have run a cell."""
    cells = []
    for count in (1, 10, 100):
        gc.collect()
        before = private_mb()
        alive = [ours.make() for _ in range(count)]
        for run in alive:
            run("x = 1")
        cells.append(f"{(private_mb() - before) / count:.1f}")
        del alive, run
    return cells


class Model(httpx.AsyncBaseTransport):
    """Answers at once, in two turns, with two sub-calls."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        messages = json.loads(await request.aread())["messages"]
        turn = sum(message["role"] == "assistant" for message in messages)
        code = "FINAL(len(context) + len(both))" if turn else "both = llm_batch(['a', 'b'])"
        text = f"```python\n{code}\n```" if messages[0]["role"] == "system" else "x"
        chunk = json.dumps({"choices": [{"delta": {"content": text}, "finish_reason": "stop"}]})
        return httpx.Response(200, headers={"content-type": "text/event-stream"}, text=f"data: {chunk}\n\n")


async def http(engine: Engine) -> tuple[list[float], list[float]]:
    """Milliseconds of one POST /query, and of 64 at once."""
    settings = Settings(providers=(OpenAISettings(model="m", base_url="http://m/v1", max_concurrency=1000),))
    app = create_app(Service(settings, print, engine=engine, transport=Model()))
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
    task = asyncio.create_task(server.serve(sockets=[listener]))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/query"
    body = {"query": "q", "context": "a small text"}
    one, many = [], []
    limits = httpx.Limits(max_connections=64)
    async with httpx.AsyncClient(timeout=60, limits=limits) as client:
        for _ in range(50):
            started = time.perf_counter()
            (await client.post(url, json=body)).raise_for_status()
            one.append((time.perf_counter() - started) * 1000)
        for _ in range(RUNS):
            started = time.perf_counter()
            await asyncio.gather(*(client.post(url, json=body) for _ in range(64)))
            many.append((time.perf_counter() - started) * 1000)
    server.should_exit = True
    await task
    return one, many


def report(
    text: str, tables: dict[str, dict[str, list[float] | None]], megabytes: list[str], query: tuple[list[float], list[float]]
) -> str:
    names = list(tables)
    rows = [f"| {row} | " + " | ".join(shown(tables[name][row]) for name in names) + " |" for row in tables[names[0]]]
    machine = f"{os.cpu_count()} cores, {platform.system()} {platform.release()}, CPython {platform.python_version()}"
    return "\n".join(
        [
            "# Bench",
            "",
            f"Written by `make bench` on {datetime.date.today()}; {machine}. Milliseconds, median (minimum to maximum) of at",
            f"least {RUNS} runs, all in one run on a shared machine. The log has {len(text):,} characters, {text.count(chr(10)) + 1:,} lines.",
            "The cells of the three rows of work run in each subject's own Python: monty's is a subset in Rust. Making one of its",
            "sandboxes takes a waiting worker process from a pool; ours are made anew, and forks of a template are yet to come.",
            "",
            f"| ms | {' | '.join(names)} |",
            f"|---|{'---|' * len(names)}",
            *rows,
            "",
            "| | |",
            "|---|---|",
            f"| private MB for each of 1, 10, 100 live sandboxes (ours) | {', '.join(megabytes)} |",
            f"| POST /query, 2 turns, 2 sub-calls, a model that answers at once (ms) | {shown(query[0])} |",
            f"| 64 such queries at once (ms in all) | {shown(query[1])} |",
            "",
        ]
    )


def main() -> None:
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    text = log(40_000_000)
    engine = Engine(SandboxSettings())
    loop = asyncio.new_event_loop()
    ours = Ours(engine, loop)
    with pydantic_monty.Monty() as pool:
        tables = {}
        for subject in (ours, Native(), Worker(), Monty(pool)):
            print(f"measuring {subject.name}", flush=True)
            tables[subject.name] = measure(subject, text)
    print("measuring memory and HTTP", flush=True)
    result = report(text, tables, memory(ours), loop.run_until_complete(http(engine)))
    engine.close()
    (Path(__file__).parent / "README.md").write_text(result)
    print(result)


if __name__ == "__main__":
    main()
