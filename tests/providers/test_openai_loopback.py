"""The OpenAI-compatible provider against a real server on loopback, as networks break it."""

import asyncio
import contextlib
import json

import httpx
import pytest
from fakes import complete

from orchestrator.config import OpenAISettings
from orchestrator.errors import ProviderError
from orchestrator.providers.openai import OpenAIProvider
from orchestrator.providers.pool import Pool

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"


def event(text, finish_reason=None):
    chunk = {"choices": [{"delta": {"content": text}, "finish_reason": finish_reason}]}
    return f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n".encode()


@contextlib.asynccontextmanager
async def pool_over(*behaviours, **settings):
    """A pool whose one provider talks to a server that behaves in turn; yields it and what happened there."""
    happened = []
    turns = iter(behaviours)

    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        await next(turns)(reader, writer, happened)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    async with server, httpx.AsyncClient(timeout=None) as client:
        provider = OpenAIProvider(OpenAISettings(model="m", base_url=url, **settings), client)
        yield Pool([provider], retry_seconds=2), happened


async def whole(reader, writer, happened):
    writer.write(HEAD + event("Hel") + event("lo", "stop") + b"data: [DONE]\n\n")
    await writer.drain()


async def half(reader, writer, happened):
    writer.write(HEAD + event("Hel"))
    await writer.drain()


async def silent(reader, writer, happened):
    happened.append("asked")
    while await reader.read(1000):
        pass
    happened.append("closed")


async def byte_by_byte(reader, writer, happened):
    for byte in HEAD + event("blåbær ✓", "stop"):
        writer.write(bytes([byte]))
        await writer.drain()


async def test_a_stream_that_breaks_is_asked_again():
    """Half a reply is never taken for a whole one."""
    async with pool_over(half, whole) as (pool, _):
        reply = await complete(pool, "root")
    assert (reply.text, reply.attempts) == ("Hello", 2)


async def test_characters_may_be_cut_anywhere():
    """A reply that arrives byte by byte is the same reply."""
    async with pool_over(byte_by_byte) as (pool, _):
        assert (await complete(pool, "root")).text == "blåbær ✓"


async def test_a_server_that_says_nothing_runs_into_the_timeout():
    """And its connection is closed."""
    async with pool_over(silent, timeout_seconds=0.2) as (pool, happened):
        with pytest.raises(ProviderError, match=r"^m: no reply within 0\.2 seconds \(timeout_seconds\)$"):
            await complete(pool, "root")
        await asyncio.sleep(0.05)
    assert happened == ["asked", "closed"]


async def test_a_cancelled_call_closes_its_connection():
    """The server sees that nobody waits any more."""
    async with pool_over(silent) as (pool, happened):
        call = asyncio.create_task(complete(pool, "root"))
        await asyncio.sleep(0.1)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await asyncio.sleep(0.05)
    assert happened == ["asked", "closed"]


async def test_a_server_that_is_down_is_a_clear_error():
    """When retry_seconds are over."""
    async with httpx.AsyncClient() as client:
        provider = OpenAIProvider(OpenAISettings(model="m", base_url="http://127.0.0.1:9/v1"), client)
        with pytest.raises(ProviderError, match=r"^m: no answer at http://127\.0\.0\.1:9/v1: is the server running\?$"):
            await complete(Pool([provider], retry_seconds=1), "root")
