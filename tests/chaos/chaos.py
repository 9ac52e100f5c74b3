"""`make chaos`: queries with ten sub-calls each, while one model server fails at random, one is killed again and again, one stalls.

The servers keep a ledger of what they charged: the runs must have counted the same, to the token.
"""

import argparse
import asyncio
import contextlib
import os
import random
import re
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import httpx

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import backends  # noqa: E402  (the path comes first)

FAULTS = (
    backends.reset,
    backends.limited_in_seconds,
    backends.limited_until_a_date,
    backends.broken,
    backends.unavailable,
    backends.truncated,
)
SUB_CALLS = 10
AT_ONCE = 30  # queries
STALL_SECONDS = 3
LONGEST = 300.0  # seconds of a query: none comes near, or it hangs
CODE = """```python
# turn {turn}
answers = llm_batch([f"{number} times {{n}}" for n in range({sub_calls})])
FINAL(sum(int(each) for each in answers))
```"""
CONFIG = """\
[server]
port = 0
"""
PROVIDER = """
[[providers]]
provider_type = "openai"
model = "{name}"
base_url = "{url}"
stall_seconds = {stall_seconds}
"""


class Outcome(NamedTuple):
    """Of a query."""

    number: int
    result: dict
    seconds: float

    @property
    def is_right(self):
        return self.result["answer"] == str(self.number * sum(range(SUB_CALLS)))


def answer(messages):
    """A root call gets the code, a sub-call its product."""
    if messages[0]["role"] != "system":
        number, n = re.fullmatch(r"(\d+) times (\d+)", messages[0]["content"]).groups()
        return str(int(number) * int(n))
    number = re.search(r"sum of number (\d+)", messages[1]["content"])[1]
    return CODE.format(number=number, turn=len(messages) // 2, sub_calls=SUB_CALLS)


def seldom(seed, probability, *faults):
    """What a server does, call by call: one of the faults with this probability, else a whole reply after a moment."""
    chance = random.Random(seed)

    async def whole_in_a_moment(writer, text):
        await asyncio.sleep(0.02)
        return await backends.whole(writer, text)

    while True:
        yield chance.choice(faults) if chance.random() < probability else whole_in_a_moment


async def kill_again_and_again(server, killed):
    """Half of the time it is there."""
    while True:
        await asyncio.sleep(1.0)
        await server.stop()
        killed.append(time.monotonic())
        await asyncio.sleep(1.0)
        await server.start()


@contextlib.asynccontextmanager
async def rlm_server(servers):
    """A real process over these model servers; yields a client of it."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "config.toml")
        providers = (PROVIDER.format(name=f"m{n}", url=each.url, stall_seconds=STALL_SECONDS) for n, each in enumerate(servers))
        config.write_text(CONFIG + "".join(providers))  # noqa: ASYNC240  (nothing else is under way)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "orchestrator", "serve", "--config", str(config)),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": str(ROOT), "XDG_DATA_HOME": folder},
        )
        try:
            address = await _address(process)
            draining = asyncio.create_task(process.stderr.read())
            async with httpx.AsyncClient(base_url=address, timeout=LONGEST) as client:
                yield client
        finally:
            process.terminate()
            await process.wait()
            await draining


async def _address(process):
    said = []
    async for line in process.stderr:
        said.append(line.decode())
        if found := re.search(r"http://127\.0\.0\.1:\d+", said[-1]):
            return found[0]
    raise SystemExit("the server did not start:\n" + "".join(said))


async def ask(client, number, slots):
    async with slots:
        started = time.monotonic()
        body = {"query": f"What is the sum of number {number}?", "context": "nothing"}
        response = await client.post("/query", json=body)
        response.raise_for_status()
        return Outcome(number, response.json(), time.monotonic() - started)


async def play(queries, seed):
    """The outcomes of the queries, the model servers, and when one of them was killed."""
    servers = [
        backends.ModelBackend(answer, seldom(seed, 0.3, *FAULTS)),
        backends.ModelBackend(answer, seldom(seed, 0.0, backends.reset)),
        backends.ModelBackend(answer, seldom(seed, 0.02, backends.stalled)),
    ]
    killed = []
    async with contextlib.AsyncExitStack() as stack:
        for each in servers:
            await stack.enter_async_context(each.running())
        client = await stack.enter_async_context(rlm_server(servers))
        killing = asyncio.create_task(kill_again_and_again(servers[1], killed))
        try:
            slots = asyncio.Semaphore(AT_ONCE)
            outcomes = await asyncio.gather(*(ask(client, number, slots) for number in range(1, queries + 1)))
        finally:
            killing.cancel()
    return outcomes, servers, killed


def problems(outcomes, servers):
    """What must not be, a line each."""
    for each in outcomes:
        if each.result["stopped"] == "answered" and not each.is_right:
            yield f"query {each.number}: a wrong answer: {each.result['answer']}"
        elif each.result["stopped"] not in ("answered", "provider_error", "max_iterations", "repeated_reply"):
            yield f"query {each.number}: it ended as {each.result['stopped']}: {each.result['error']}"
    charged = sum(each.charged for each in servers)
    ledger = charged * backends.PROMPT_TOKENS, charged * backends.COMPLETION_TOKENS
    counted = tuple(sum(each.result["usage"][name] for each in outcomes) for name in ("prompt_tokens", "completion_tokens"))
    if counted != ledger:
        yield f"the runs counted {counted} tokens, the servers charged {ledger}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    started = time.monotonic()
    outcomes, servers, killed = asyncio.run(play(options.queries, options.seed))
    print(
        f"{len(outcomes)} queries in {time.monotonic() - started:.0f} s, the slowest {max(each.seconds for each in outcomes):.1f} s"
    )
    print("ended:", dict(Counter(each.result["stopped"] for each in outcomes)))
    for name, each in zip(("fails at random", f"killed {len(killed)} times", "stalls"), servers, strict=True):
        print(f"the server that {name}: {each.chats:,} calls, {each.charged:,} charged")
    found = list(problems(outcomes, servers))
    print("\n".join(found) or "no wrong answer, nothing hangs, the ledgers agree")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
