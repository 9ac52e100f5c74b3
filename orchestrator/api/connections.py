"""One connection of the HTTP server: not one too many, its headers arrive in time and are of a bounded size, its client reads.

Who is answered before its body has arrived may send the rest, and reads the answer: closing at once would reset it.
"""

import asyncio
import json
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEADER_SECONDS = 10.0  # for all headers of a request, from its first byte; of the first one, from the connection
MAX_HEADERS = 1 << 16  # bytes of a request's line and headers
LINGER_SECONDS = 1.0  # that one too many is given to read why
READ = 1 << 15  # bytes read at once: in chunks of one byte each, 256 KiB of them would hold up all for a tenth of a second
UNREAD_SECONDS = 10.0  # for the rest of a body that is answered already; it is thrown away
MAX_UNREAD = 1 << 28  # bytes of it
TAKE_SECONDS = 120.0  # in which a client takes some of its response; the system sees what it takes by the megabyte

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
        self._timer: asyncio.TimerHandle | None = None  # of the headers, or of what is thrown away
        self._header_bytes = 0
        self._unread_bytes = 0
        self._in_body = False
        self._closes = False  # at the end of the body
        self._untaken = 0  # bytes of the response, at the last look
        self._taking: asyncio.TimerHandle | None = None  # while the client is behind

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        there = len(self.connections)
        super().connection_made(transport)
        transport.max_size = READ  # type: ignore[attr-defined]  # of asyncio's own transports
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
        self._stop_looking()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._look()

    def resume_writing(self) -> None:
        self._stop_looking()
        super().resume_writing()

    def _look(self) -> None:
        """Again and again while the client is behind."""
        self._untaken = self.transport.get_write_buffer_size()
        self._taking = self.loop.call_later(TAKE_SECONDS, self._look_again)

    def _look_again(self) -> None:
        if self.transport.get_write_buffer_size() >= self._untaken:
            self.transport.abort()
        else:
            self._look()

    def _stop_looking(self) -> None:
        if self._taking is not None:
            self._taking.cancel()
            self._taking = None

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        self._await_headers()
        super().data_received(data)
        self._count(len(data))
        self._await_headers()  # of the next request: the body before it may have ended in this piece

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        if self._in_body:  # behind it, where there may be more, and nobody reads them
            self.headers.pop()

    def on_headers_complete(self) -> None:
        self._stop_timer()
        if not self.url.startswith(b"/"):  # http://HOST/PATH: this host and that of the Host header could be two
            raise ValueError("the address is no path")  # the parser ends, and uvicorn answers 400
        self._in_body = True
        super().on_headers_complete()
        self.cycle.transport = _Patient(self)

    def on_message_complete(self) -> None:
        self._in_body = False
        super().on_message_complete()
        if self._is_answered():
            self._stop_timer()
            if self._closes:
                self.transport.close()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._throw_away()

    def close_behind_body(self) -> None:
        """At once if nothing of it is to be thrown away."""
        if self._in_body and self._is_answered():
            self._closes = True
            self._throw_away()
        else:
            self.transport.close()

    def _throw_away(self) -> None:
        if self._timer is None and self._in_body and self._is_answered() and not self.transport.is_closing():
            self._unread_bytes = 0
            self._timer = self.loop.call_later(UNREAD_SECONDS, self.transport.abort)

    def _await_headers(self) -> None:
        if self._timer is None and not self._in_body and self._is_answered() and not self.transport.is_closing():
            self._header_bytes = 0
            self._timer = self.loop.call_later(HEADER_SECONDS, self.transport.abort)

    def _is_answered(self) -> bool:
        """Nothing that was asked waits for its response."""
        return self.cycle is None or self.cycle.response_complete

    def _count(self, size: int) -> None:
        if self._timer is None:
            return
        if self._in_body:
            self._unread_bytes += size
        else:
            self._header_bytes += size
        if self._header_bytes > MAX_HEADERS or self._unread_bytes > MAX_UNREAD:
            self.transport.abort()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class _Patient(asyncio.Transport):
    """The transport that a response is written to: it is closed when its request's body has arrived, too."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._connection.transport.write(data)

    def is_closing(self) -> bool:
        return self._connection.transport.is_closing()

    def close(self) -> None:
        self._connection.close_behind_body()
