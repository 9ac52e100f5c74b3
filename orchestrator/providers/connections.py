"""Connections to model servers: as many as there are calls under way, each kept for the next call."""

import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, Protocol

import httpx

MOST_IDLE = 100  # of one server's, that are kept

# The pool of providers limits concurrency, and each call has its own times: httpx's own defaults would cut both short.
TIMEOUTS = httpx.Timeout(None, connect=10.0)
# A proxy is for what is outside: it could not reach a model server on this machine.
PAST_PROXIES = {"all://localhost": None, "all://127.0.0.1": None, "all://[::1]": None}


class Client(Protocol):
    """What sends requests: an httpx.AsyncClient, or Connections."""

    def stream(self, method: str, url: str, **request: Any) -> contextlib.AbstractAsyncContextManager[httpx.Response]:
        """The response, to be read inside."""
        ...


class Connections:
    """One httpx client for each call under way: the connection pool of a shared one goes through all of them at each step.

    At 64 calls at once that was 5 to 10 ms of work for each; now it is one, whatever their number (`make bench`).
    """

    def __init__(self, transport: httpx.AsyncBaseTransport | None = None, proxy: str = "") -> None:
        """`transport`: instead of the network; `proxy`: for servers on other machines."""
        self._transport = transport
        self._proxy = proxy or None
        self._tls = httpx.create_ssl_context()  # takes longer than a call: shared
        self._idle: defaultdict[str, list[httpx.AsyncClient]] = defaultdict(list)

    @contextlib.asynccontextmanager
    async def stream(self, method: str, url: str, **request: Any) -> AsyncIterator[httpx.Response]:
        """The response, to be read inside. Raises httpx.HTTPError."""
        idle = self._idle[httpx.URL(url).netloc.decode()]
        client = idle.pop() if idle else self._make()
        try:
            async with client.stream(method, url, **request) as response:
                yield response
        finally:
            if len(idle) < MOST_IDLE:
                idle.append(client)
            else:
                await client.aclose()

    async def aclose(self) -> None:
        """Once no call is under way."""
        for clients in self._idle.values():
            for each in clients:
                await each.aclose()

    def _make(self) -> httpx.AsyncClient:
        # Calls have nothing to do with each other: a server that sets cookies would tell them apart, and fill the memory.
        no_cookies = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
        # No proxy, key or account that only the environment names (trust_env): what is sent goes where the configuration says.
        return httpx.AsyncClient(
            verify=self._tls,
            timeout=TIMEOUTS,
            transport=self._transport,
            mounts=PAST_PROXIES,
            proxy=self._proxy,
            trust_env=False,
            cookies=no_cookies,
        )
