"""Who may ask at all. The doors stand before all routes: what has none is refused in the same way."""

from collections.abc import Callable
from typing import Any

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.enums import ScopeType
from litestar.handlers import BaseRouteHandler
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send
from multipart import parse_options_header

from orchestrator.api.hosts import Authority, Hosts, is_address, is_loopback, is_same, only, parse_authority
from orchestrator.api.problems import request_error
from orchestrator.api.sign_in import COOKIE, SIGN_IN, sign_in_page
from orchestrator.api.tokens import ANYBODY, Caller, Tokens
from orchestrator.api.visualize import ASSETS, PAGES
from orchestrator.errors import Forbidden, RequestError, Unauthorized, Unread
from orchestrator.server_settings import ServerSettings

TAKES_TEXTS = "takes_texts"  # of a route: its body may be a text or a form
OPEN = {"/health", "/health/ready", SIGN_IN}  # without a token
CURLS = "application/x-www-form-urlencoded"  # what curl -d says of any body
_OTHER_SITE = "requests from pages of other sites are refused"
_ALLOWED = {
    b"access-control-allow-methods": b"GET, HEAD, POST, DELETE",
    b"access-control-allow-headers": b"Authorization, Content-Type, X-Request-ID, X-RLM-Key, X-RLM-Model, X-RLM-Provider, "
    b"X-RLM-Sub-Model",
    b"access-control-max-age": b"600",
}


class Doors:
    """Around a whole application: a request for another host, from a page of another site, or of nobody that is known, goes no
    further. In the scope of one that does, `auth` is its Caller."""

    def __init__(self, app: ASGIApp, settings: ServerSettings, tokens: Tokens, count: Callable[[Scope, int], None]) -> None:
        """`count` is told of each request that is refused here."""
        self._app = app
        self._hosts = Hosts(settings)
        self._tokens = tokens
        self._count = count

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        origin = only(_values(scope, b"origin"))
        if origin is not None and self._hosts.is_listed(origin):
            send = _sharing(send, origin)
        try:
            listed = self._check_host(scope)
            if listed and scope["method"] == "OPTIONS" and any(_values(scope, b"access-control-request-method")):
                await _allow(send)
                return
            scope["auth"] = self._find_caller(scope, listed=listed)
        except RequestError as error:
            self._count(scope, error.status)
            response = sign_in_page() if _wants_to_sign_in(scope, error) else request_error(Request(scope), error)
            await response.to_asgi_response(None, Request(scope))(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _check_host(self, scope: HTTPScope) -> bool:
        """Whether it comes from a listed site. Raises Forbidden."""
        host = parse_authority(only(_values(scope, b"host")) or "")
        address = (scope.get("server") or ("", None))[0]
        if host is None or not self._hosts.is_ours(host, address):
            raise Forbidden("the Host header names another server: server.hosts lists the names of this one")
        # Whatever the configuration says: another program may have chosen where this server listens.
        if not self._tokens.callers and not self._tokens.is_open and is_address(address) and not is_loopback(address):
            raise Forbidden("this server was not made to be reached from other machines: it has no [[auth.tokens]]")
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

    def _find_caller(self, scope: HTTPScope, *, listed: bool) -> Caller:
        """Raises Unauthorized, TooMany."""
        if not self._tokens.callers or _is_open(scope["path"]):
            return ANYBODY
        caller = self._identify(scope, listed=listed)
        if caller is None and not self._tokens.is_open:
            raise Unauthorized("send a token of this server: Authorization: Bearer TOKEN")
        caller = caller or ANYBODY
        caller.count_request()
        return caller

    def _identify(self, scope: HTTPScope, *, listed: bool) -> Caller | None:
        """None if nobody is named. Raises Unauthorized if who is named is not known."""
        if bearers := _values(scope, b"authorization"):
            scheme, _, token = (only(bearers) or "").partition(" ")
            caller = self._tokens.find(token.strip()) if scheme.lower() == "bearer" else None
            if caller is None:
                raise Unauthorized("the token in the Authorization header is none of this server's")
            return caller
        # Another site's page acts by a token that it has, never by who is signed in here.
        cookies = [] if listed else [value for value in map(_session, _values(scope, b"cookie")) if value]
        return self._tokens.find_signed_in(cookies[0]) if len(cookies) == 1 else None


def _is_open(path: str) -> bool:
    """Nothing of anybody is there."""
    return path in OPEN or path.startswith(ASSETS)


def _session(cookies: bytes) -> str | None:
    """The one session among the cookies of a header."""
    pairs = [each.strip().partition("=") for each in cookies.decode("latin-1").split(";")]
    found = [value for name, _, value in pairs if name == COOKIE]
    return found[0] if len(found) == 1 else None


def _wants_to_sign_in(scope: HTTPScope, error: RequestError) -> bool:
    """A person before a page, and no program."""
    is_page = scope["path"] in ("/", PAGES) or scope["path"].startswith(f"{PAGES}/")
    return isinstance(error, Unauthorized) and is_page and b"text/html" in b",".join(_values(scope, b"accept"))


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
