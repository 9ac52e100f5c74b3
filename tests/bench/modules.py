"""The precompiled modules, called from a cell, beside native CPython (and pandas, DuckDB) on the same work in the same run.

The larger input is the smaller one ten times over. What native code reads is in memory, as is what the modules read.
"""

import asyncio
import functools
import io
import json
import operator
import platform
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pandas
from measuring import shown, timed
from notebooks import Notebook

from orchestrator.config import SandboxSettings
from orchestrator.contexts.store import ContextStore
from orchestrator.sandbox.engine import Engine

DEBIANS = Path("/usr/bin/python3")
SMALL = 40_000_000
TIMES = 10
RUNS = {1: 10, TIMES: 3}
NAMES = ("bjørn", "anna", "olaf", "søren", "mary", "kim", "zoë", "raj")
CITIES = ("Oslo", "Bergen", "Tromsø", "Rome", "Paris", "Lyon", "Kyiv", "Graz")
PATTERNS = {
    "literal": "status=500",
    "alternation": "(?:ERROR|WARN).*Timeout",
    "dotted IPv4": r"\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}",
    "case-insensitive word": r"(?i)\btimeout\b",
    "mail address": r"[\w.]+@[\w.]+",
}
ADDRESSES = r"(\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})"
USERS = r"user=(\w+)"
BY_CITY = "by=['city'], values={'total': ['sum', 'amount'], 'p95': ['p95', 'ms']}"


def log(size: int) -> str:
    """A log with names that are not ASCII."""
    chance = random.Random(1)
    lines, total = [], 0
    while total < size:
        address = ".".join(str(chance.randrange(1, 255)) for _ in range(4))
        line = (
            f"2026-{chance.randrange(1, 13):02}-{chance.randrange(1, 29):02}T{chance.randrange(24):02}:00:00 "
            f"{chance.choice(('INFO', 'DEBUG', 'WARN', 'ERROR'))} user={chance.choice(NAMES)}{chance.randrange(1000)} ip={address} "
            f"mail={chance.choice(NAMES)}@example{chance.randrange(50)}.com path=/api/items "
            f"status={chance.choice((200, 200, 200, 404, 500))} {'Timeout' if chance.random() < 0.05 else 'done'}\n"
        )
        lines.append(line)
        total += len(line)
    return "".join(lines)


def rows(size: int, line: Callable[[int, random.Random], str]) -> str:
    chance = random.Random(2)
    lines, total = [], 0
    while total < size:
        lines.append(line(len(lines), chance))
        total += len(lines[-1])
    return "".join(lines)


def csv_line(number: int, chance: random.Random) -> str:
    note = '"a, quoted ""note"""' if number % 10 == 0 else "plain note"
    return f"{number},{chance.choice(CITIES)},{chance.randrange(100, 100_000) / 100},{chance.randrange(3000)},{note}\n"


def json_line(number: int, chance: random.Random) -> str:
    user = {"name": f"u{chance.randrange(5000)}", "tags": ["a", "b"]}
    row = {
        "id": number,
        "user": user,
        "city": chance.choice(CITIES),
        "amount": chance.randrange(100, 100_000) / 100,
        "ms": chance.randrange(3000),
    }
    return json.dumps(row, ensure_ascii=False) + "\n"


def by_pandas(text: str) -> dict[str, tuple[float, float]]:
    groups = pandas.read_csv(io.StringIO(text)).groupby("city")
    totals, shares = groups["amount"].sum(), groups["ms"].quantile(0.95)
    return {city: (totals[city], shares[city]) for city in totals.index}


def by_duckdb(path: Path) -> dict[str, tuple[float, float]]:
    query = "select city, sum(amount), quantile_cont(ms, 0.95) from read_json(?, format = 'newline_delimited') group by city"
    return {city: (total, p95) for city, total, p95 in duckdb.execute(query, [str(path)]).fetchall()}


def same(one: dict[str, tuple[float, float]], other: dict[str, tuple[float, float]]) -> bool:
    return one.keys() == other.keys() and all(
        abs(a - b) <= 1e-9 * abs(b) for city in one for a, b in zip(one[city], other[city], strict=True)
    )


Other = Callable[[int], tuple[Any, list[float]]]  # runs -> its answer, the milliseconds of each


def in_process(action: Callable[[], Any]) -> Other:
    return lambda runs: (action(), timed(action, runs))


def natives() -> dict[str, str]:
    """Interpreters by name: that of the environment, and Debian's own, which is built for speed."""
    found = {f"CPython {platform.python_version()} of the environment": sys.executable}
    if DEBIANS.exists() and not Path(sys.executable).resolve().samefile(DEBIANS):
        found["Debian's"] = str(DEBIANS)
    return found


def native(work: str, path: Path, pattern: str | None = None) -> dict[str, Other]:
    """The same work in each of them."""

    def run(executable: str, runs: int) -> tuple[Any, list[float]]:
        asked = json.dumps({"work": work, "path": str(path), "runs": runs, "pattern": pattern})
        command = [executable, "-I", str(Path(__file__).parent / "native.py")]
        done = subprocess.run(command, input=asked, capture_output=True, text=True, check=True)
        answered = json.loads(done.stdout)
        return answered["answer"], answered["times"]

    return {name: functools.partial(run, executable) for name, executable in natives().items()}


class Cell:
    """Cells of one run over a context; each prints its answer as JSON."""

    def __init__(self, engine: Engine, loop: asyncio.AbstractEventLoop, text: str) -> None:
        self._loop = loop
        self._notebook = loop.run_until_complete(self._open(engine, text))
        self._number = 0
        self("1")

    async def _open(self, engine: Engine, text: str) -> Notebook:
        """In the loop: a guest belongs to it."""
        return Notebook(engine, ContextStore().add_text(text))

    def __call__(self, expression: str) -> Any:
        self._number += 1
        code = f"import json\nprint(json.dumps({expression}))"
        outcome = self._loop.run_until_complete(self._notebook.run_cell(self._number, code))
        if getattr(outcome, "error", outcome) is not None:
            raise RuntimeError(str(outcome))
        return json.loads(outcome.head)

    def by_city(self, module: str) -> dict[str, tuple[float, float]]:
        found = self(f"modules.{module}.aggregate({BY_CITY})")
        return {row["city"]: (row["total"], row["p95"]) for row in found}


def compared(ours: Callable[[], Any], others: dict[str, Other], runs: int, agree: Callable[[Any, Any], bool]) -> str:
    """Times of each, and how many times faster ours is. Every answer must be the same."""
    answer = ours()
    mine = timed(ours, runs)
    cells = [shown(mine)]
    for name, other in others.items():
        its, theirs = other(runs)
        if not agree(answer, its):
            raise RuntimeError(f"{name} has another answer")
        cells.append(f"{name} {shown(theirs)}: {statistics.median(theirs) / statistics.median(mine):.1f} times faster")
    return " | ".join([cells[0], "; ".join(cells[1:])])


def regex_rows(cell: Cell, path: Path, runs: int) -> list[str]:
    found = []
    for name, pattern in PATTERNS.items():
        row = compared(
            lambda pattern=pattern: cell(f"modules.regex.count({pattern!r})"),
            native("count", path, pattern),
            runs,
            operator.eq,
        )
        found.append(f"| count, {name} `{pattern.replace('|', chr(92) + '|')}` | {row} |")
    for name, pattern in (("addresses", ADDRESSES), ("users", USERS)):
        row = compared(
            cell_top(cell, pattern), native("top", path, pattern), runs, lambda one, other: one["top"][0][1] == other
        )
        found.append(f"| top, {name} `{pattern}` | {row} |")
    return found


def cell_top(cell: Cell, pattern: str) -> Callable[[], Any]:
    return lambda: cell(f"modules.regex.top({pattern!r}, k=1)")


def module_rows() -> list[str]:
    """The tables, as Markdown."""
    loop = asyncio.new_event_loop()
    engine = Engine(SandboxSettings(fuel=10**12, seconds=600))
    header = "id,city,amount,ms,note\n"
    inputs = log(SMALL), rows(SMALL, csv_line), rows(SMALL, json_line)
    found = []
    for times, runs in RUNS.items():
        found += ["", f"| over {len(inputs[0]) * times // 10**6} MB | module, ms | others, ms |", "|---|---|---|"]
        with tempfile.TemporaryDirectory() as folder:
            for name, prefix, text, measure in zip(
                ("log", "csv", "json"), ("", header, ""), inputs, (regex_rows, csv_rows, json_rows), strict=True
            ):
                path = Path(folder) / name
                path.write_text(prefix + text * times, encoding="utf-8")
                found += measure(Cell(engine, loop, prefix + text * times), path, runs)
    engine.close()
    found += ["", *bounded_rows([each * TIMES for each in inputs], header, loop)]
    loop.close()
    return found


def csv_rows(cell: Cell, path: Path, runs: int) -> list[str]:
    table = path.read_text(encoding="utf-8")
    others = native("csv", path) | {"pandas": in_process(lambda: by_pandas(table))}
    return [f"| CSV: group by city, sum and p95 | {compared(lambda: cell.by_city('csv'), others, runs, same)} |"]


def json_rows(cell: Cell, path: Path, runs: int) -> list[str]:
    others = native("json", path) | {"DuckDB (both cores)": in_process(lambda: by_duckdb(path))}
    return [f"| JSON Lines: group by city, sum and p95 | {compared(lambda: cell.by_city('json'), others, runs, same)} |"]


def bounded_rows(inputs: list[str], header: str, loop: asyncio.AbstractEventLoop) -> list[str]:
    """That memory does not grow with the input: each works with 64 MiB."""
    text, table, lines = inputs
    engine = Engine(SandboxSettings(fuel=10**12, seconds=600, memory_bytes=64 << 20))
    sums = "by=['city'], values={'total': ['sum', 'amount'], 'mean': ['mean', 'ms'], 'most': ['max', 'ms']}"
    works = (
        (text, [f"modules.regex.count({pattern!r})" for pattern in PATTERNS.values()]),
        (
            text,
            [f"modules.regex.top({USERS!r}, k=1)", "modules.text.describe()", "modules.text.words(1)"],
        ),
        (
            header + table,
            [f"modules.csv.aggregate({sums})", "modules.csv.select(order_by='amount', limit=1)", "modules.csv.describe()"],
        ),
        (
            lines,
            [f"modules.json.aggregate({sums})", "modules.json.select(order_by='amount', limit=1)", "modules.json.describe()"],
        ),
    )
    count = 0
    for source, expressions in works:
        cell = Cell(engine, loop, source)
        for expression in expressions:
            cell(expression)
            count += 1
    engine.close()
    return [
        f"With `memory_bytes` at 64 MiB, {count} calls over 400 MB each (all counts above, a top, describe, words, sums, means,",
        "greatest values, an ordered select) come to their answers. Exact percentiles keep 8 bytes for each value.",
    ]


if __name__ == "__main__":
    print("\n".join(module_rows()))
