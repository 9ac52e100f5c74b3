"""Connections to model servers, over a real server on loopback."""

import asyncio
import contextlib

import httpx
import pytest

from orchestrator.providers.connections import Connections

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


@contextlib.asynccontextmanager
async def counting_server():
    """Yields its URL, and a list with an entry for each connection that was made to it."""
    made = []

    async def serve(reader, writer):
        made.append(writer)
        with contextlib.suppress(asyncio.IncompleteReadError):
            while await reader.readuntil(b"\r\n\r\n"):
                await asyncio.sleep(0.02)
                writer.write(ANSWER)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/", made


async def get(connections, url):
    async with connections.stream("GET", url) as response:
        return await response.aread()


async def test_each_call_has_a_connection_and_leaves_it_to_the_next():
    """Five at once, then five again: five connections in all."""
    async with counting_server() as (url, made), contextlib.aclosing(Connections()) as connections:
        for _ in range(2):
            assert await asyncio.gather(*(get(connections, url) for _ in range(5))) == [b"ok"] * 5
    assert len(made) == 5


async def test_not_all_that_were_needed_at_once_are_kept(monkeypatch):
    """Beyond a limit they are closed."""
    monkeypatch.setattr("orchestrator.providers.connections.MOST_IDLE", 2)
    async with counting_server() as (url, made), contextlib.aclosing(Connections()) as connections:
        await asyncio.gather(*(get(connections, url) for _ in range(5)))
        await asyncio.sleep(0.05)
        assert sum(not each.is_closing() for each in made) == 2


async def test_a_cancelled_call_takes_nothing_with_it():
    """Its connection is closed, and the next call is answered."""
    async with counting_server() as (url, _made), contextlib.aclosing(Connections()) as connections:
        call = asyncio.create_task(get(connections, url))
        await asyncio.sleep(0.01)
        call.cancel()
        await asyncio.wait([call])
        assert await get(connections, url) == b"ok"


async def test_a_proxy_of_the_environment_is_not_used(monkeypatch):
    """Nor an account of ~/.netrc: only what the configuration says."""
    async with counting_server() as (url, made), contextlib.aclosing(Connections()) as connections:
        for name in ("ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, url)
        with pytest.raises(httpx.ConnectError):
            await get(connections, "http://127.0.0.2:9/")
        with pytest.raises(httpx.ConnectError):
            await get(connections, "http://model.invalid/")
    assert made == []


async def test_a_proxy_that_is_configured_is_used_but_for_this_machine():
    """It could not reach a server here."""
    async with (
        counting_server() as (url, made),
        counting_server() as (here, direct),
        contextlib.aclosing(Connections(proxy=url)) as connections,
    ):
        assert await get(connections, "http://model.invalid/") == b"ok"
        assert (len(made), len(direct)) == (1, 0)
        assert await get(connections, here) == b"ok"
    assert (len(made), len(direct)) == (1, 1)


async def test_no_cookie_is_kept():
    """A server cannot make one call know of another, nor fill the memory with them."""
    sent = []

    def answer(request):
        sent.append(request.headers.get("cookie"))
        return httpx.Response(200, headers={"set-cookie": f"n{len(sent)}=1"})

    async with contextlib.aclosing(Connections(httpx.MockTransport(answer))) as connections:
        for _ in range(3):
            await get(connections, "http://server/")
    assert sent == [None] * 3
