"""Who may ask at all. The doors stand before all routes: what has none is refused in the same way."""

from collections.abc import Callable
from typing import Any

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.enums import ScopeType
from litestar.handlers import BaseRouteHandler
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send
from multipart import parse_options_header

from orchestrator.api.hosts import Authority, Hosts, is_same, only, parse_authority
from orchestrator.api.problems import request_error
from orchestrator.errors import Forbidden, RequestError, Unread
from orchestrator.server_settings import ServerSettings

TAKES_TEXTS = "takes_texts"  # of a route: its body may be a text or a form
CURLS = "application/x-www-form-urlencoded"  # what curl -d says of any body
_OTHER_SITE = "requests from pages of other sites are refused"
_ALLOWED = {
    b"access-control-allow-methods": b"GET, HEAD, POST, DELETE",
    b"access-control-allow-headers": b"Authorization, Content-Type, X-Request-ID, X-RLM-Key, X-RLM-Model, X-RLM-Provider, "
    b"X-RLM-Sub-Model",
    b"access-control-max-age": b"600",
}


class Doors:
    """Around a whole application: a request for another host, or from a page of another site, goes no further."""

    def __init__(self, app: ASGIApp, settings: ServerSettings, count: Callable[[Scope, int], None]) -> None:
        """`count` is told of each request that is refused here."""
        self._app = app
        self._hosts = Hosts(settings)
        self._count = count

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        origin = only(_values(scope, b"origin"))
        if origin is not None and self._hosts.is_listed(origin):
            send = _sharing(send, origin)
        try:
            listed = self._check(scope)
        except RequestError as error:
            self._count(scope, error.status)
            response = request_error(Request(scope), error).to_asgi_response(None, Request(scope))
            await response(scope, receive, send)
            return
        if listed and scope["method"] == "OPTIONS" and any(_values(scope, b"access-control-request-method")):
            await _allow(send)
        else:
            await self._app(scope, receive, send)

    def _check(self, scope: HTTPScope) -> bool:
        """Whether it comes from a listed site. Raises Forbidden."""
        host = parse_authority(only(_values(scope, b"host")) or "")
        address = (scope.get("server") or ("", None))[0]
        if host is None or not self._hosts.is_ours(host, address):
            raise Forbidden("the Host header names another server: server.hosts lists the names of this one")
        return self._check_site(scope, host)

    def _check_site(self, scope: HTTPScope, host: Authority) -> bool:
        origins = _values(scope, b"origin")
        origin = only(origins)
        if origin is not None and self._hosts.is_listed(origin):
            return True
        if origins and (origin is None or not is_same(origin, host)):
            raise Forbidden(_OTHER_SITE)
        # Browsers say this also where they send no Origin, but only to addresses that they trust.
        if any(each.strip() not in (b"same-origin", b"none") for each in _values(scope, b"sec-fetch-site")):
            raise Forbidden(_OTHER_SITE)
        return False


def json_body(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """A guard: a form or a script of another site can send some types without being asked about it first. Raises Unread."""
    headers = connection.headers
    if connection.scope.get("method") != "POST" or (
        headers.get("content-length") == "0" and "transfer-encoding" not in headers
    ):
        return
    kind = parse_options_header(headers.get("content-type", ""))[0].lower()
    if kind == "application/json" or kind.endswith("+json"):
        return
    if kind in ("", CURLS):
        if "origin" in headers:
            raise Unread(f"content-type: {CURLS if kind else 'none'} is not read from a page: send application/json")
    elif TAKES_TEXTS not in handler.opt:
        raise Unread(f"content-type: {kind[:50]!r} is not read: send application/json")


def _values(scope: HTTPScope, name: bytes) -> list[bytes]:
    return [value for key, value in scope["headers"] if key.lower() == name]


def _sharing(send: Send, origin: str) -> Send:
    """The page of that origin may read the response."""

    async def send_shared(message: Message) -> None:
        if message["type"] == "http.response.start":
            shared = [(b"access-control-allow-origin", origin.encode("latin-1")), (b"vary", b"Origin")]
            message["headers"] = [
                *message["headers"],
                *shared,
                (b"access-control-expose-headers", b"Retry-After, X-Request-ID"),
            ]
        await send(message)

    return send_shared


async def _allow(send: Send) -> None:
    """The answer to a browser that asks before it sends."""
    await send({"type": "http.response.start", "status": 204, "headers": list(_ALLOWED.items())})
    await send({"type": "http.response.body", "body": b"", "more_body": False})
