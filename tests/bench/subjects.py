"""What is measured: this project's sandbox, and three others that run Python for a model.

Each subject: make() -> a live sandbox; run(code) -> what the last line's name `out` holds; load(text) -> bound to `context`.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from notebooks import Notebook

from orchestrator.contexts.store import ContextStore
from orchestrator.sandbox.engine import Engine
from orchestrator.sandbox.messages import SubReply


class Ours:
    """A wasmtime sandbox; the context is held once on the host and read by the first cell that names it."""

    name = "ours"

    def __init__(self, engine: Engine, loop: asyncio.AbstractEventLoop) -> None:
        self.engine = engine
        self.loop = loop
        self.contexts = ContextStore()

    def make(self, text: str = "") -> Callable[[str], Any]:
        notebook = self.loop.run_until_complete(self._open(text))

        def run(code: str) -> Any:
            outcome = self.loop.run_until_complete(notebook.run_cell(1, code))
            if getattr(outcome, "error", "trap"):
                raise RuntimeError(str(outcome))
            return outcome.head

        return run

    async def _open(self, text: str) -> Notebook:
        """In the loop: a guest belongs to it."""
        return Notebook(self.engine, self.contexts.add_text(text), _answer, seed=1, clock_start_ns=0)


async def _answer(prompts: list[str]) -> list[SubReply]:
    return [SubReply(text="x") for _ in prompts]


class Native:
    """exec() in this process: no sandbox at all, the floor."""

    name = "native exec"

    def make(self, text: str = "") -> Callable[[str], Any]:
        variables: dict[str, Any] = {"context": text, "host": lambda: "x"}

        def run(code: str) -> Any:
            exec(code, variables)  # noqa: S102  (what is measured)
            return variables.get("out")

        return run


WORKER = """
import json, sys
variables = {}
for line in sys.stdin:
    request = json.loads(line)
    variables.update(request.get("load", {}))
    exec(request["code"], variables)
    print(json.dumps(str(variables.get("out"))[:100]), flush=True)
"""


class Worker:
    """A `python -I` process that is sent each cell: a process, no sandbox."""

    name = "python -I worker"

    def make(self, text: str = "") -> Callable[[str], Any]:
        command = [sys.executable, "-I", "-c", WORKER]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        pending = {"context": text} if text else {}

        def run(code: str) -> Any:
            process.stdin.write(json.dumps({"code": code, "load": dict(pending)}) + "\n")
            process.stdin.flush()
            pending.clear()
            return json.loads(process.stdout.readline())

        run.process = process
        return run


class Monty:
    """pydantic-monty: a subset of Python in Rust, in worker processes."""

    name = "pydantic-monty"

    def __init__(self, pool: Any) -> None:
        self.pool = pool

    def make(self, text: str = "") -> Callable[[str], Any]:
        session = self.pool.checkout()
        entered = session.__enter__()
        pending = {"context": text} if text else {}

        def run(code: str) -> Any:
            inputs = dict(pending) or None
            pending.clear()
            return entered.feed_run(code, inputs=inputs, external_lookup={"host": lambda: "x"})

        run.session = session
        return run
