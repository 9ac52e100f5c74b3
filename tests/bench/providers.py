"""Model calls through the pool, to servers on loopback in a process of their own; ideals are what the servers alone take."""

import asyncio
import contextlib
import json
import multiprocessing
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
from measuring import RUNS, shown

from orchestrator.config import CacheSettings, OpenAISettings
from orchestrator.providers.attempts import Request
from orchestrator.providers.cache import Cache
from orchestrator.providers.connections import Connections
from orchestrator.providers.messages import Message
from orchestrator.providers.openai import OpenAIProvider
from orchestrator.providers.pool import Pool

REPLY = {
    "choices": [{"message": {"content": "x"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 10, "completion_tokens": 5},
}
BODY = json.dumps(REPLY).encode()
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(BODY) + BODY
DEAD = "http://127.0.0.1:9/v1"


async def _serve(milliseconds: float, address: Any) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                await reader.readexactly(int(head.partition(b"content-length: ")[2].split(b"\r\n")[0]))
                await asyncio.sleep(milliseconds / 1000)
                writer.write(ANSWER)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=1024)
    address.put(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1")
    await server.serve_forever()


def _server_process(milliseconds: float, address: Any) -> None:
    asyncio.run(_serve(milliseconds, address))


@contextlib.asynccontextmanager
async def pool_over(milliseconds: float, wide: int, servers: int = 1, dead: int = 0) -> AsyncIterator[Pool]:
    """A pool of servers that take so long for a call, `wide` at once each, and of some that are not there."""
    context = multiprocessing.get_context("spawn")
    addresses = context.Queue()
    processes = [context.Process(target=_server_process, args=(milliseconds, addresses), daemon=True) for _ in range(servers)]
    for each in processes:
        each.start()
    urls = [await asyncio.to_thread(addresses.get) for _ in processes] + [DEAD + str(number) for number in range(dead)]
    try:
        async with contextlib.aclosing(Connections()) as connections:
            settings = (
                OpenAISettings(model=f"m{n}", base_url=url, max_concurrency=wide, cache=True) for n, url in enumerate(urls)
            )
            yield Pool([OpenAIProvider(each, connections) for each in settings], cache=Cache(CacheSettings()))
    finally:
        for each in processes:
            each.terminate()
            each.join()


async def calls(pool: Pool, count: int, sample: int | None = None) -> tuple[float, float]:
    """(seconds, CPU seconds of this process) of so many calls, all begun together; with a sample the cache is asked."""
    candidates = pool.choose().sub
    request = Request((Message("user", "a prompt"),), sample=sample)
    cpu, started = time.process_time(), time.perf_counter()
    await asyncio.gather(*(pool.complete(candidates, request) for _ in range(count)))
    return time.perf_counter() - started, time.process_time() - cpu


async def measured(pool: Pool, count: int, runs: int = RUNS, sample: int | None = None) -> tuple[list[float], list[float]]:
    """The same, several times, once the connections are there."""
    await calls(pool, count, sample)
    found = [await calls(pool, count, sample) for _ in range(runs)]
    return [seconds for seconds, _ in found], [cpu for _, cpu in found]


async def bare_calls(url: str, count: int, wide: int) -> float:
    """CPU seconds of this process for the same by httpx alone, with a client for each call under way."""
    body = {"model": "m0", "messages": [{"role": "user", "content": "a prompt"}], "stream": True}

    async def some(client: httpx.AsyncClient) -> None:
        for _ in range(count // wide):
            async with client.stream("POST", f"{url}/chat/completions", json=body) as response:
                json.loads(await response.aread())

    tls = httpx.create_ssl_context()
    async with contextlib.AsyncExitStack() as opened:
        clients = [await opened.enter_async_context(httpx.AsyncClient(verify=tls)) for _ in range(wide)]
        await asyncio.gather(*(some(each) for each in clients))
        cpu = time.process_time()
        await asyncio.gather(*(some(each) for each in clients))
        return time.process_time() - cpu


async def provider_rows() -> list[str]:
    rows = ["| model calls | |", "|---|---|"]
    async with pool_over(100, wide=32) as pool:
        seconds, _ = await measured(pool, 100)
        rows.append(
            f"| 100 calls of 100 ms, 32 at once: seconds against the ideal 0.4 | {shown([each / 0.4 for each in seconds])} |"
        )
    async with pool_over(100, wide=64) as pool:
        _, cpu = await measured(pool, 640)
        rows.append(f"| one call, 64 at once: ms of this process's CPU | {shown([each / 640 * 1000 for each in cpu])} |")
        url = pool.backends[0].settings.base_url
        cpu = [await bare_calls(url, 640, 64) for _ in range(RUNS)]
        rows.append(f"| the same by httpx alone, a client for each | {shown([each / 640 * 1000 for each in cpu])} |")
        _, cpu = await measured(pool, 640, sample=1)
        rows.append(f"| the same call of the cache: ms of CPU | {shown([each / 640 * 1000 for each in cpu])} |")
        seconds, _ = await measured(pool, 5000, runs=3)
        rows.append(
            f"| 5,000 calls queued, 100 ms, 64 at once: seconds against the ideal {5000 / 640:.1f} | {shown([each / (5000 / 640) for each in seconds])} |"
        )
    speeds = {}
    for dead in (0, 1):
        async with pool_over(100, wide=16, servers=2, dead=dead) as pool:
            seconds, _ = await measured(pool, 320)
            speeds[dead] = [320 / each for each in seconds]
    rows += [
        f"| two servers, 16 at once each, 100 ms: calls a second | {shown(speeds[0])} |",
        f"| the same beside a third that is dead | {shown(speeds[1])} |",
    ]
    return [*rows, ""]


if __name__ == "__main__":
    print("\n".join(asyncio.run(provider_rows())))
