"""The faults of real servers, over loopback: another provider answers, and alone each is a clear error."""

import asyncio
import contextlib

import backends
import pytest
from backends import ModelBackend
from fakes import complete

from orchestrator.config import OpenAISettings
from orchestrator.errors import ProviderError
from orchestrator.providers.connections import Connections
from orchestrator.providers.messages import Usage
from orchestrator.providers.openai import OpenAIProvider
from orchestrator.providers.pool import Pool

USAGE = Usage(backends.PROMPT_TOKENS, backends.COMPLETION_TOKENS)


@contextlib.asynccontextmanager
async def pool_over(*servers, retry_seconds=0.0, **settings):
    """A pool of these, each with its own max_concurrency."""
    async with contextlib.AsyncExitStack() as stack:
        connections = await stack.enter_async_context(contextlib.aclosing(Connections()))
        providers = []
        for number, server in enumerate(servers):
            await stack.enter_async_context(server.running())
            found = OpenAISettings(model=f"m{number}", base_url=server.url, stall_seconds=0.2, **settings)
            providers.append(OpenAIProvider(found, connections))
        yield Pool(providers, retry_seconds)


@pytest.mark.parametrize("fault", backends.FAULTS, ids=lambda fault: fault.__name__)
async def test_another_provider_answers(fault, monkeypatch):
    """At once, or when the fault is known; nothing is left of it but its line."""
    monkeypatch.setattr("orchestrator.providers.wire.MOST_REPLY_BYTES", 1_000_000)
    async with pool_over(ModelBackend(behaviours=[fault] * 9), ModelBackend()) as pool, asyncio.timeout(5):
        reply = await complete(pool, "sub")
    assert (reply.text, reply.provider, [each.provider for each in reply.failed]) == ("yes", "m1", ["m0"])


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (backends.reset, "m0: the connection to URL was lost (ReadError)"),
        (backends.broken, "m0: HTTP 500: no"),
        (backends.unavailable, "m0: HTTP 503: no"),
        (backends.stalled, "m0: nothing came from URL for 0.2 seconds (stall_seconds)"),
        (backends.stalled_amid, "m0: nothing came from URL for 0.2 seconds (stall_seconds)"),
        (backends.truncated, "m0: sent something that is not a completion"),
        (backends.a_page, "m0: answered with text/html instead of a completion"),
        (backends.packed, "m0: sent a packed reply, which was not asked for (content-encoding)"),
        (backends.endless, "m0: sent more than 0 MiB in one reply"),
        (
            backends.redirected,
            "m0: it answers at another address (HTTP 307): base_url has to be that one, no redirect is followed",
        ),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
async def test_alone_it_is_a_clear_error(fault, message, monkeypatch):
    """The whole message."""
    monkeypatch.setattr("orchestrator.providers.wire.MOST_REPLY_BYTES", 1_000_000)
    server = ModelBackend(behaviours=[fault] * 9)
    async with pool_over(server) as pool, asyncio.timeout(5):
        with pytest.raises(ProviderError) as error:
            await complete(pool, "sub")
    assert str(error.value).replace(server.url, "URL") == message


@pytest.mark.parametrize("fault", [backends.limited_in_seconds, backends.limited_until_a_date])
async def test_a_rate_limit_is_waited_out(fault):
    """Whichever form it is told in."""
    async with pool_over(ModelBackend(behaviours=[fault, fault])) as pool, asyncio.timeout(5):
        reply = await complete(pool, "sub")
    assert (reply.text, reply.attempts) == ("yes", 3)


async def test_what_comes_twice_counts_once():
    """An end, its usage, its last line."""
    async with pool_over(ModelBackend(behaviours=[backends.duplicated])) as pool:
        reply = await complete(pool, "sub")
    assert (reply.text, reply.usage) == ("yes", USAGE)


async def test_a_server_without_tls_is_told():
    """https to a server that speaks http."""

    async def serve(reader, writer):
        await reader.read(1)
        writer.write(backends.refusal("400 Bad Request"))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server, contextlib.aclosing(Connections()) as connections:
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        provider = OpenAIProvider(OpenAISettings(model="m", base_url=url), connections)
        with pytest.raises(ProviderError, match=r"^m: no TLS connection to https://.*: is it http instead of https\?$"):
            await complete(Pool([provider], retry_seconds=0), "sub")


async def test_a_server_that_is_killed_and_comes_back_loses_no_call():
    """What was under way is asked again, what waited goes on."""
    server = ModelBackend()

    async def slowly(writer, text):
        await asyncio.sleep(0.05)
        await backends.whole(writer, text)

    server.behaviours = iter([slowly] * 1000)
    async with pool_over(server, retry_seconds=10, max_concurrency=4) as pool, asyncio.timeout(10):
        calls = [asyncio.create_task(complete(pool, "sub")) for _ in range(40)]
        await asyncio.sleep(0.12)
        await server.stop()
        await asyncio.sleep(0.5)
        await server.start()
        replies = await asyncio.gather(*calls)
    assert {reply.text for reply in replies} == {"yes"}


async def test_a_dead_provider_of_two_costs_nothing():
    """Six calls one after the other, and twenty at once: each is answered by the healthy one."""
    dead, healthy = ModelBackend(), ModelBackend()
    async with pool_over(dead, healthy) as pool:
        await dead.stop()
        one_by_one = [await complete(pool, "sub") for _ in range(6)]
        at_once = await asyncio.gather(*(complete(pool, "sub") for _ in range(20)))
    assert {reply.provider for reply in [*one_by_one, *at_once]} == {"m1"}


async def test_a_day_of_a_rate_limited_tier():
    """Two thirds of the calls are refused for a moment: all are answered in the end."""
    server = ModelBackend(behaviours=(backends.whole if n % 3 == 0 else backends.limited_in_seconds for n in range(1000)))
    async with pool_over(server, max_concurrency=4) as pool, asyncio.timeout(20):
        replies = await asyncio.gather(*(complete(pool, "sub") for _ in range(30)))
    assert {reply.text for reply in replies} == {"yes"}
    assert server.charged == 30
