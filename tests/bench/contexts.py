"""Large contexts through a real server process: sent, and asked about; beside plain passes over the same file.

Run as a program, with sizes in GB as arguments, this file prints its tables: `make bench-contexts SIZES="1 10"`.
"""

import hashlib
import http.client
import json
import operator
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from measuring import shown
from model_server import model_server

ROOT = Path(__file__).parents[2]
GB = 10**9
PIECE = 1 << 18  # bytes
RUNS = {1: 3}  # of any other size one
NAMES = ("bjørn", "anna", "olaf", "søren", "mary", "kim", "zoë", "raj")
FOUND = "status=500"
COUNT = operator.methodcaller("count", FOUND.encode())
SCAN = f"```python\nFINAL(modules.regex.count({FOUND!r}))\n```"
# In a guest that the text does not fit into: what a cell does with it as if it did.
LAZY = {
    "context.count(...)": f"FINAL(context.count({FOUND!r}))",
    "context.find(...) of what is not there": "FINAL(context.find('status=501'))",
    "1,000 slices of 100 characters": (
        "step = len(context) // 1000\nFINAL(sum(len(context[n * step : n * step + 100]) for n in range(1000)))"
    ),
    "for line in context.splitlines()": f"n = 0\nfor line in context.splitlines():\n    n += {FOUND!r} in line\nFINAL(n)",
}
CONFIG = """max_fuel = 1000000000000000
[sandbox]
fuel = 100000000000000
seconds = 600.0
memory_bytes = 67108864
context_inline_limit = 1048576
[contexts]
folder = "contexts"
[[providers]]
provider_type = "openai"
model = "fake"
base_url = "{url}"
"""


class Server:
    """A process, the calls to it, and what memory it took at most."""

    def __init__(self, process: "subprocess.Popen[str]", port: int) -> None:
        self._process = process
        self._port = port

    def send(self, path: Path) -> str:
        """POST /contexts; the id."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port)
        connection.putrequest("POST", "/contexts")
        connection.putheader("content-length", str(path.stat().st_size))
        connection.endheaders()
        with path.open("rb") as file:
            connection.sock.sendfile(file)
        return self._answer(connection, 201)["context_id"]

    def ask(self, context_id: str) -> str:
        """POST /query; the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port)
        body = json.dumps({"query": "How many?", "context_id": context_id})
        connection.request("POST", "/query", body, {"content-type": "application/json"})
        return self._answer(connection, 200)["answer"]

    def delete(self, context_id: str) -> None:
        """DELETE /contexts/ID."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port)
        connection.request("DELETE", f"/contexts/{context_id}")
        connection.getresponse().read()

    def health(self) -> float:
        """GET /health; milliseconds."""
        started = time.perf_counter()
        connection = http.client.HTTPConnection("127.0.0.1", self._port)
        connection.request("GET", "/health")
        connection.getresponse().read()
        return (time.perf_counter() - started) * 1000

    def resident_mb(self) -> float:
        """Now. To start takes more for a moment: the interpreter is looked through then."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) * 1024 / 10**6

    @staticmethod
    def _answer(connection: http.client.HTTPConnection, status: int) -> Any:
        response = connection.getresponse()
        content = response.read()
        if response.status != status:
            raise RuntimeError(content.decode())
        return json.loads(content)


@contextmanager
def serving(folder: Path, model_url: str) -> Iterator[Server]:
    """`rlm serve` with a configuration of its own."""
    (folder / "config.toml").write_text(CONFIG.format(url=model_url))
    command = [sys.executable, "-m", "orchestrator", "serve", "--port", "0", "--config", str(folder / "config.toml")]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True) as process:
        try:
            said = next(line for line in process.stderr if "listening" in line)
            server = Server(process, int(said.rsplit(":", 1)[1]))
            while not is_up(server):
                time.sleep(0.05)
            yield server
        finally:
            process.terminate()


def is_up(server: Server) -> bool:
    try:
        return server.health() > 0
    except OSError:
        return False


def write_log(path: Path, size: int) -> int:
    """A log of about `size` bytes, with names that are not ASCII; how many of its lines have FOUND."""
    chance = random.Random(1)
    lines = [
        f"2026-11-{chance.randrange(1, 29):02} INFO user={chance.choice(NAMES)}{chance.randrange(1000)} path=/api/items "
        f"status={chance.choice((200, 200, 200, 404, 500))} ms={chance.randrange(3000)}\n"
        for _ in range(50_000)
    ]
    piece = "".join(lines).encode()
    times = -(-size // len(piece))
    with path.open("wb") as file:
        for _ in range(times):
            file.write(piece)
    return times * sum(FOUND in line for line in lines)


def read(path: Path, *uses: Callable[[bytes], Any]) -> None:
    """One pass."""
    with path.open("rb", buffering=0) as file:
        while piece := file.read(PIECE):
            for use in uses:
                use(piece)


def copy(path: Path) -> None:
    """One pass that does what an upload has to do at least."""
    with tempfile.TemporaryFile(dir=path.parent) as copied:
        read(path, hashlib.sha256().update, copied.write)


def seconds(action: Callable[[], Any], runs: int) -> list[float]:
    found = []
    for _ in range(runs):
        started = time.perf_counter()
        action()
        found.append(time.perf_counter() - started)
    return found


@contextmanager
def watching(server: Server) -> Iterator[tuple[list[float], list[float]]]:
    """How long each answer takes meanwhile, in milliseconds; the memory of the server, in MB."""
    waited: list[float] = []
    resident: list[float] = []
    stopped = threading.Event()

    def watch() -> None:
        while not stopped.wait(0.02):
            waited.append(server.health())
            resident.append(server.resident_mb())

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield waited, resident
    finally:
        stopped.set()
        thread.join()


def context_rows(sizes: tuple[float, ...] = (1,)) -> list[str]:
    """A table for each size, as Markdown."""
    return [row for size in sizes for row in _rows(size, RUNS.get(size, 1))]


def _rows(size: float, runs: int) -> list[str]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        count = write_log(folder / "log", int(size * GB))
        replies = [SCAN] * runs + [f"```python\n{cell}\n```" for cell in LAZY.values()]
        with model_server(*replies) as url, serving(folder, url) as server:
            return [
                "",
                f"| {size:g} GB | s, median (minimum to maximum) of {runs} | MB/s |",
                "|---|---|---|",
                *_measure(server, folder / "log", count, runs),
            ]


def _measure(server: Server, path: Path, count: int, runs: int) -> list[str]:
    before, size = server.resident_mb(), path.stat().st_size
    rows = {
        "one pass: read": seconds(lambda: read(path), runs),
        "one pass: read and SHA-256": seconds(lambda: read(path, hashlib.sha256().update), runs),
        "one pass: read, SHA-256 and write": seconds(lambda: copy(path), runs),
    }
    ids: list[str] = []
    rows[f"one pass: read and count `{FOUND}` in native Python"] = seconds(lambda: read(path, COUNT), runs)
    sent, asked, answers = [], [], []
    with watching(server) as (waited, resident):
        for _ in range(runs):
            sent += seconds(lambda: ids.append(server.send(path)), 1)
            asked += seconds(lambda: _check(server.ask(ids[-1]), count), 1)
            if len(asked) < runs:
                server.delete(ids[-1])
        in_cells = {name: seconds(lambda: answers.append(server.ask(ids[-1])), 1) for name in LAZY}
    rows |= {"sent with POST /contexts": sent, f"first query over it, which counts `{FOUND}` with a module": asked}
    rows |= {f"a cell in 64 MiB: `{name}`": found for name, found in in_cells.items()}
    if answers != [str(count), "-1", "100000", str(count)]:
        raise RuntimeError(f"the cells answered {answers}, and there are {count}")
    return [
        *(f"| {name} | {shown(found)} | {size / 10**6 / statistics.median(found):,.0f} |" for name, found in rows.items()),
        f"| GET /health meanwhile, at most | {max(waited) / 1000:.3f} | |",
        f"| memory of the server at most (before: {before:.0f} MB) | {max(resident):.0f} MB | |",
    ]


def _check(answer: str, count: int) -> None:
    if answer != str(count):
        raise RuntimeError(f"the answer is {answer}, and there are {count}")


if __name__ == "__main__":
    print("\n".join(context_rows(tuple(float(size) for size in sys.argv[1:]) or (1,))))
