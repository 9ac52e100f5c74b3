"""`make bench`: this project's sandbox beside three others, in one run; prints the tables and writes them to README.md.

Each figure is the median of at least 10 runs, with minimum and maximum. Ratios hold on other machines; absolutes do not.
"""

import asyncio
import datetime
import gc
import os
import platform
import random
from pathlib import Path
from typing import Any

import pydantic_monty
import structlog
from contexts import context_rows
from families import family_rows
from followers import follower_rows
from forks import fork_rows
from measuring import RUNS, private_mb, shown, timed
from modules import module_rows
from parked import parked_rows
from providers import provider_rows
from queries import query_rows
from stores import store_rows
from subjects import Monty, Native, Ours, Worker
from trees import tree_rows

from orchestrator.config import SandboxSettings
from orchestrator.sandbox.engine import Engine

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


def report(size: str, tables: dict[str, dict[str, list[float] | None]], others: list[str]) -> str:
    names = list(tables)
    rows = [f"| {row} | " + " | ".join(shown(tables[name][row]) for name in names) + " |" for row in tables[names[0]]]
    machine = f"{os.cpu_count()} cores, {platform.system()} {platform.release()}, CPython {platform.python_version()}"
    return "\n".join(
        [
            "# Bench",
            "",
            f"Written by `make bench` on {datetime.date.today()}; {machine}. Milliseconds, median (minimum to maximum) of at",
            f"least {RUNS} runs, all in one run on a shared machine. The log has {size}.",
            "The cells of the three rows of work run in each subject's own Python: monty's is a subset in Rust. Making one of its",
            "sandboxes takes a waiting worker process from a pool; ours are forks of a blank template, made anew.",
            "",
            f"| ms | {' | '.join(names)} |",
            f"|---|{'---|' * len(names)}",
            *rows,
            "",
            *others,
            "",
        ]
    )


def main() -> None:
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    text = log(40_000_000)
    size = f"{len(text):,} characters, {text.count(chr(10)) + 1:,} lines"
    engine = Engine(SandboxSettings())
    loop = asyncio.new_event_loop()
    ours = Ours(engine, loop)
    print("measuring contexts", flush=True)
    contexts = context_rows()
    print("measuring queries", flush=True)
    queries = loop.run_until_complete(query_rows(engine))
    print("measuring the store", flush=True)
    store = loop.run_until_complete(store_rows(engine))
    print("measuring child runs", flush=True)
    store += ["", *loop.run_until_complete(family_rows(engine)), "", *loop.run_until_complete(tree_rows(engine))]
    print("measuring who follows runs", flush=True)
    store += ["", *loop.run_until_complete(follower_rows(engine))]
    print("measuring parked runs", flush=True)
    store += parked_rows()
    print("measuring model calls", flush=True)
    model_calls = loop.run_until_complete(provider_rows())
    with pydantic_monty.Monty() as pool:
        tables = {}
        for subject in (ours, Native(), Worker(), Monty(pool)):
            print(f"measuring {subject.name}", flush=True)
            tables[subject.name] = measure(subject, text)
    print("measuring memory", flush=True)
    megabytes = f"| private MB for each of 1, 10, 100 live sandboxes | {', '.join(memory(ours))} |"
    others = ["| ours | |", "|---|---|", megabytes, *queries]
    engine.close()
    print("measuring forks", flush=True)
    others += fork_rows()
    del text
    print("measuring modules", flush=True)
    result = report(size, tables, [*others, *store, *model_calls, *module_rows(), *contexts])
    (Path(__file__).parent / "README.md").write_text(result)
    print(result)


if __name__ == "__main__":
    main()
