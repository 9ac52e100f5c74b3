"""One connection of the HTTP server: not one too many, and its headers arrive in time and are of a bounded size."""

import asyncio
import json
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEADER_SECONDS = 10.0  # for all headers of a request, from its first byte; of the first one, from the connection
MAX_HEADERS = 1 << 16  # bytes of a request's line and headers
LINGER_SECONDS = 1.0  # that one too many is given to read why

_WHY = {
    "type": "about:blank",
    "title": "Service Unavailable",
    "status": 503,
    "detail": "too many connections (server.max_connections): ask again later",
}
_BODY = json.dumps(_WHY).encode()
_REFUSAL = (
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/problem+json\r\nretry-after: 5\r\n"
    b"connection: close\r\ncontent-length: %d\r\n\r\n%s" % (len(_BODY), _BODY)
)


class Connection(HttpToolsProtocol):
    """`limit_concurrency` of the server's configuration is how many there are: idle ones and slow ones too."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._most = self.limit_concurrency or 1 << 30
        self.limit_concurrency = None  # uvicorn's own refusal is no problem+json, and comes after the headers
        self._refused = False
        self._timer: asyncio.TimerHandle | None = None
        self._header_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        there = len(self.connections)
        super().connection_made(transport)
        self._refused = there >= self._most
        if not self._refused:
            self._timer = self.loop.call_later(HEADER_SECONDS, transport.abort)
            return
        transport.write(_REFUSAL)
        if there >= 2 * self._most:
            transport.close()
        else:
            # Not closed at once: who still sends would get a reset instead of the reason.
            self._timer = self.loop.call_later(LINGER_SECONDS, transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        if self._timer is None and (self.cycle is None or self.cycle.response_complete):
            self._header_bytes = 0
            self._timer = self.loop.call_later(HEADER_SECONDS, self.transport.abort)
        super().data_received(data)
        if self._timer is not None:
            self._header_bytes += len(data)
            if self._header_bytes > MAX_HEADERS:
                self.transport.abort()

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        if self._timer is None:  # behind a body, where there may be more, and nobody reads them
            self.headers.pop()

    def on_headers_complete(self) -> None:
        self._stop_timer()
        if not self.url.startswith(b"/"):  # http://HOST/PATH: this host and that of the Host header could be two
            raise ValueError("the address is no path")  # the parser ends, and uvicorn answers 400
        super().on_headers_complete()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
