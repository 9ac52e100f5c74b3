"""One session of three cells, the middle one an accident, in one of three systems: python demo/accidents.py SYSTEM ACCIDENT.

Prints a JSON line for each cell: what the caller got. Run by rollback.py, in a process of its own.
"""

import json
import resource
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

SECONDS = 5  # what each system that has a limit of time is given
MEMORY = 256 << 20  # and of memory
MACHINE = 1 << 30  # what the memory bomb may take of this machine in the two others

Run = Callable[[str], str]

FIRST = "kept = [1, 2, 3]"
LAST = "print(kept)"
ACCIDENTS = {
    "endless loop": "kept.append('half done')\nwhile True:\n    pass",
    "memory bomb": "kept.append('half done')\nhoard = []\nwhile True:\n    hoard.append('x' * 1_000_000 + str(len(hoard)))",
    "recursion bomb": "kept.append('half done')\n{lift}def f(n):\n    return list(map(f, [n + 1]))\nf(0)",
}
LIFT = "import sys\nsys.setrecursionlimit(10**9)\n"


@contextmanager
def ours() -> Iterator[Run]:
    """This project's sandbox."""
    import asyncio  # noqa: PLC0415  (each system in its own process)

    from orchestrator.config import SandboxSettings  # noqa: PLC0415
    from orchestrator.contexts.store import ContextStore  # noqa: PLC0415
    from orchestrator.sandbox.engine import Engine  # noqa: PLC0415
    from orchestrator.sandbox.guest import Guest  # noqa: PLC0415
    from orchestrator.sandbox.messages import CellRequest, Opening, Trap  # noqa: PLC0415

    settings = SandboxSettings(seconds=SECONDS, memory_bytes=MEMORY)
    engine = Engine(settings)
    loop = asyncio.new_event_loop()

    async def open_guest() -> Guest:
        # No cell here makes a call, so nobody has to answer one.
        opening = Opening(seed=1, clock_start_ns=0, limits=settings)
        return Guest(engine, ContextStore().add_text(""), opening, owner=None)  # type: ignore[arg-type]

    guest = loop.run_until_complete(open_guest())

    def run(code: str) -> str:
        request = CellRequest(number=1, kind="python", text=code, names_context=False, fuel=settings.fuel)
        outcome = loop.run_until_complete(guest.run(request))
        if isinstance(outcome, Trap):
            return f"stopped: {outcome.kind}"
        if outcome.error:
            return next(line for line in reversed(outcome.error.splitlines()) if not line.startswith("("))
        return outcome.head

    yield run
    engine.close()
    loop.close()


@contextmanager
def rlms() -> Iterator[Run]:
    """The official library's default environment: exec in this process, no limits."""
    from rlm.environments.local_repl import LocalREPL  # noqa: PLC0415

    with LocalREPL() as environment:

        def run(code: str) -> str:
            result = environment.execute_code(code)
            return str(result.stderr or result.stdout)

        yield run


@contextmanager
def monty() -> Iterator[Run]:
    """pydantic-monty with its limits set: a worker process."""
    import pydantic_monty  # noqa: PLC0415

    limits: Any = {"max_feed_duration_secs": SECONDS, "max_memory": MEMORY}
    said: list[str] = []
    with pydantic_monty.Monty() as pool, pool.checkout(limits=limits) as session:

        def run(code: str) -> str:
            said.clear()
            try:
                session.feed_run(code, print_callback=lambda _stream, text: said.append(text))
            except pydantic_monty.MontyError as error:
                return f"{type(error).__name__}: {error}"
            return "".join(said)

        yield run


SYSTEMS = {"ours": ours, "rlms": rlms, "pydantic-monty": monty}


def main(system: str, accident: str) -> None:
    # monty has no setrecursionlimit: its own limit stands there.
    bomb = ACCIDENTS[accident].replace("{lift}", "" if system == "pydantic-monty" else LIFT)
    if accident == "memory bomb" and system != "ours":  # ours reserves addresses that it never fills
        resource.setrlimit(resource.RLIMIT_AS, (MACHINE, MACHINE))
    with SYSTEMS[system]() as run:
        for code in (FIRST, bomb, LAST):
            print(json.dumps(run(code).strip()), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
