"""Whole queries over HTTP, with a model that is faked at the wire."""

import asyncio
import contextlib
import json
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx
import uvicorn
from measuring import RUNS, shown

from orchestrator.app import create_app
from orchestrator.config import OpenAISettings, ServerSettings, Settings
from orchestrator.contexts.store import ContextStore
from orchestrator.journal.lines import to_lines
from orchestrator.journal.results import result
from orchestrator.opening import Orchestrator
from orchestrator.providers.messages import Message, Received, Schema
from orchestrator.providers.pool import Pool
from orchestrator.runs.execute import Tools
from orchestrator.runs.query import Query
from orchestrator.runs.replay import replay
from orchestrator.runs.service import RunService
from orchestrator.sandbox.engine import Engine
from orchestrator.sandbox.guest import describe
from orchestrator.store.runs import RunStore

BODY = b'{"query": "q", "context": "a small text"}'
REQUEST = (
    b"POST /query HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
    % (
        len(BODY),
        BODY,
    )
)
# What each run may take, not what it takes, is counted by admission: with its limits this would measure the queue.
ALL_AT_ONCE = ServerSettings(max_runs=10_000, budget_bytes=1 << 50)


class Model(httpx.AsyncBaseTransport):
    """Answers at once, in two turns, with two sub-calls."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(404)  # it does not list its models
        messages = json.loads(await request.aread())["messages"]
        turn = sum(message["role"] == "assistant" for message in messages)
        code = "FINAL(len(context) + len(both))" if turn else "both = llm_batch(['a', 'b'])"
        text = f"```python\n{code}\n```" if messages[0]["role"] == "system" else "x"
        chunk = json.dumps({"choices": [{"delta": {"content": text}, "finish_reason": "stop"}]})
        return httpx.Response(200, headers={"content-type": "text/event-stream"}, text=f"data: {chunk}\n\n")


@asynccontextmanager
async def serving(engine: Engine) -> AsyncIterator[Callable[[], Awaitable[float]]]:
    """A server on loopback: yields a call that posts one query and returns its milliseconds."""
    provider = OpenAISettings(model="m", base_url="http://m/v1", max_concurrency=10_000)
    settings = Settings(providers=(provider,), server=ALL_AT_ONCE)
    app = create_app(Orchestrator(settings, print, engine=engine, transport=Model()))
    listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
    task = asyncio.create_task(server.serve(sockets=[listener]))

    async def post() -> float:
        """By hand: with hundreds of connections a client's pool takes more time than the server."""
        started = time.perf_counter()
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        writer.write(REQUEST)
        answer = await reader.read()
        if not answer.startswith(b"HTTP/1.1 200 ") or b'"success":true' not in answer:
            raise RuntimeError(answer.decode())
        writer.close()
        return (time.perf_counter() - started) * 1000

    yield post
    server.should_exit = True
    await task


async def at_once(post: Callable[[], Awaitable[float]], count: int) -> float:
    started = time.perf_counter()
    await asyncio.gather(*(post() for _ in range(count)))
    return (time.perf_counter() - started) * 1000


class SlowProvider:
    """Takes 500 ms for each of three turns."""

    name = "slow"
    settings = OpenAISettings(model="m", base_url="http://m/v1", max_concurrency=10_000)

    def check(self, query: str) -> None:
        """Any query."""

    async def find_window(self) -> None:
        """It reads anything."""

    async def complete(
        self, messages: tuple[Message, ...], received: Received, schema: Schema | None = None, max_tokens: int | None = None
    ) -> None:
        await asyncio.sleep(0.5)
        turn = sum(message.role == "assistant" for message in messages)
        code = ("x = len(context)", "x += 1", "FINAL(x)")[turn]
        received.add(f"```python\n{code}\n```")


async def runs_at_once(engine: Engine, count: int) -> list[float]:
    """Milliseconds of `count` runs of three turns, all begun together; the first time makes the threads."""
    settings = Settings(providers=(SlowProvider.settings,), server=ALL_AT_ONCE)
    found = []
    with contextlib.closing(RunStore()) as store:
        runs = RunService(settings, Tools(engine, await describe(engine)), Pool([SlowProvider()]), ContextStore(), store)
        context = runs.contexts.add_text("a small text")
        for _ in range(RUNS + 1):
            started = time.perf_counter()
            ended = await asyncio.gather(*(runs.start(Query("q", context)).wait() for _ in range(count)))
            found.append((time.perf_counter() - started) * 1000)
            if not all(result(events).success for events in ended):
                raise RuntimeError("a run failed")
    return found[1:]


async def replay_rows(engine: Engine) -> list[str]:
    """A run of 20 turns with a sub-call each, executed again, and the size of its journal."""
    replies = [f"```python\nx{turn} = llm_query('prompt {turn}')\nprint(len(context), x{turn})\n```" for turn in range(19)]
    replies.append("```python\nFINAL(1)\n```")

    class Turns(SlowProvider):
        async def complete(
            self, messages: tuple[Message, ...], received: Received, schema: Schema | None = None, max_tokens: int | None = None
        ) -> None:
            turn = sum(message.role == "assistant" for message in messages)
            received.add(replies[turn] if messages[0].role == "system" else "an answer of a sub-model")

    settings = Settings(providers=(SlowProvider.settings,))
    with contextlib.closing(RunStore()) as store:
        runs = RunService(settings, Tools(engine, await describe(engine)), Pool([Turns()]), ContextStore(), store)
        context = runs.contexts.add_text("a small text")
        events = await runs.start(Query("q", context)).wait()
    size = sum(map(len, to_lines(events)))
    speeds = []
    for _ in range(RUNS):
        started = time.perf_counter()
        cells = await replay(events, context, engine)
        speeds.append(cells / (time.perf_counter() - started))
    return [
        f"| replay (cells per second) | {shown(speeds)} |",
        f"| journal (bytes per turn, with one sub-call; the system prompt of the first turn included) | {size // 20:,} |",
    ]


async def query_rows(engine: Engine) -> list[str]:
    """POST /query alone, and many runs at once."""
    async with serving(engine) as post:
        one = [await post() for _ in range(50)]
        many = [await at_once(post, 64) for _ in range(RUNS)]
    slow = await runs_at_once(engine, 200)
    return [
        f"| POST /query, 2 turns, 2 sub-calls, a model that answers at once (ms) | {shown(one)} |",
        f"| 64 such queries at once (ms in all) | {shown(many)} |",
        f"| 200 runs at once, 3 turns, a model that takes 500 ms; ideal 1500 (ms in all) | {shown(slow)} |",
        *await replay_rows(engine),
    ]
