"""Child runs: twenty side by side against the time that their models take, and what one costs beside them."""

import asyncio
import json
import time

import httpx
from fakes import FakeModel, python, streamed
from measuring import RUNS, shown
from serving import serving

from orchestrator.config import OpenAISettings, SandboxSettings
from orchestrator.sandbox.engine import Engine

CHILDREN, TURNS = 20, 3
SECONDS = 1.0  # that the model takes


class Family(FakeModel):
    """The parent begins children, and answers; each child takes its turns."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(404)
        messages = json.loads(await request.aread())["messages"]
        await asyncio.sleep(self.delay)
        turn = sum(each["role"] == "assistant" for each in messages)
        if "Question: parent" in messages[1]["content"]:
            code = f"found = rlm_batch([f'child {{n}}' for n in range({CHILDREN})], [f'text {{n}}' for n in range({CHILDREN})])"
            return streamed(python(f"{code}\nFINAL(len(found))"))
        return streamed(python("FINAL(context)" if turn == TURNS - 1 else f"x = {turn}"))


async def family_rows(engine: Engine) -> list[str]:
    """In one process, with the model."""
    ideal = (1 + TURNS) * SECONDS
    side_by_side = [await _ask(engine, SECONDS) / ideal for _ in range(RUNS // 2)]
    alone = [(await _ask(engine, 0.0)) * 1000 / CHILDREN for _ in range(RUNS)]
    return [
        "| child runs | |",
        "|---|---|",
        f"| {CHILDREN} at once, {TURNS} turns each, a model that takes {SECONDS:g} s: time against the ideal {ideal:g} s | {shown(side_by_side)} |",
        f"| one of {CHILDREN}, a model that answers at once: ms for all of its {TURNS} turns | {shown(alone)} |",
    ]


async def _ask(engine: Engine, delay: float) -> float:
    # The model answers all of them at once: what is measured is what the server adds.
    model = OpenAISettings(model="fake", base_url="http://model/v1", max_concurrency=CHILDREN)
    async with serving(engine, Family(delay=delay), providers=(model,), max_parallel_children=CHILDREN) as client:
        started = time.perf_counter()
        response = await client.post("/query", json={"query": "parent", "context": "c"})
        assert response.json()["answer"] == str(CHILDREN), response.text
        return time.perf_counter() - started


if __name__ == "__main__":
    own = Engine(SandboxSettings())
    print("\n".join(asyncio.run(family_rows(own))))
    own.close()
