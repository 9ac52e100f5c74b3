"""A tree of 1 + 10 + 100 runs over one large context: its time, and the memory of the server while it goes on."""

import asyncio
import json
import time

import httpx
from fakes import FakeModel, python, streamed
from measuring import private_mb, shown
from serving import serving

from orchestrator.config import OpenAISettings, SandboxSettings
from orchestrator.sandbox.engine import Engine

MB, WIDTH, TIMES = 100, 10, 3
LINE = "2026-11-21 12:00:00 INFO  the mail service took 17 ms for a request of a user\n"
FAULT = "2026-11-21 12:00:00 ERROR the mail service lost a request of a user, of many\n"
BELOW = {"root": "branch", "branch": "leaf"}
DIVIDE = """\
size = -(-len(context) // {width})
def ask(start):
    return int(rlm_query("{below}", start=start, stop=start + size))
FINAL(map_reduce(range(0, len(context), size), ask, sum, parallel=True))"""


class Tree(FakeModel):
    """Who is not a leaf divides its context among runs below it; a leaf counts."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(404)
        asked = json.loads(await request.aread())["messages"][1]["content"].split("Question: ")[1].split()[0]
        if asked in BELOW:
            return streamed(python(DIVIDE.format(width=WIDTH, below=BELOW[asked])))
        return streamed(python("FINAL(context.count('ERROR'))"))


async def tree_rows(engine: Engine) -> list[str]:
    """In one process, with a model that answers at once."""
    lines = [FAULT if number % 1000 == 0 else LINE for number in range((MB << 20) // len(LINE))]
    text, truth = "".join(lines), str(sum(each is FAULT for each in lines))
    found = [await _ask(engine, text, truth, question) for question in ("leaf", *["root"] * TIMES)]
    alone, trees = found[0], found[1:]
    return [
        f"| {MB} MiB of text, a model that answers at once | a tree of 1 + {WIDTH} + {WIDTH**2} runs | one run |",
        "|---|---|---|",
        f"| s | {shown([each[0] for each in trees])} | {alone[0]:.1f} |",
        f"| memory of the process: MB at most, beside what it had before | {shown([each[1] for each in trees])} | {alone[1]:.0f} |",
    ]


async def _ask(engine: Engine, text: str, truth: str, question: str) -> tuple[float, float]:
    """Seconds, and MB at most beside those before."""
    model = OpenAISettings(model="fake", base_url="http://model/v1", max_concurrency=WIDTH**2)
    async with serving(engine, Tree(), providers=(model,)) as client:
        client.timeout = 600
        sent = (await client.post("/contexts", content=text.encode())).json()
        before, most = private_mb(), 0.0
        started = time.perf_counter()
        asking = asyncio.create_task(client.post("/query", json={"query": question, "context_id": sent["context_id"]}))
        while not asking.done():
            most = max(most, private_mb() - before)
            await asyncio.wait([asking], timeout=0.5)  # to look takes a while itself
        seconds = time.perf_counter() - started
        assert asking.result().json()["answer"] == truth, asking.result().text
        return seconds, most


if __name__ == "__main__":
    own = Engine(SandboxSettings())
    print("\n".join(asyncio.run(tree_rows(own))))
    own.close()
