"""POST /sign-in: a browser gives a token once, and is known by a cookie that no script can read."""

import time
from typing import Any

import msgspec
from litestar import Request, Response, post
from litestar.datastructures import Cookie

from orchestrator.api.tokens import SESSION_SECONDS, Tokens
from orchestrator.api.visualize import page
from orchestrator.errors import InvalidRequest, Unauthorized

SIGN_IN = "/sign-in"
COOKIE = "rlm_session"


class SignIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The token of who signs in."""

    token: str


def sign_in_page() -> Response[bytes]:
    """In place of a page that needs a token: it is there once one is given."""
    return page("sign_in.html", 401)


@post(SIGN_IN, include_in_schema=False, status_code=204, request_max_body_size=10_000)
async def sign_in(request: Request[Any, Any, Any]) -> Response[None]:
    tokens: Tokens = request.app.state.tokens
    try:
        given = msgspec.json.decode(b"".join([piece async for piece in request.stream()]), type=SignIn).token
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise InvalidRequest('send {"token": TOKEN}') from None
    caller = tokens.find(given)
    if caller is None:
        raise Unauthorized("this is no token of this server")
    cookie = Cookie(
        key=COOKIE,
        value=caller.sign(int(time.time()) + SESSION_SECONDS),
        httponly=True,
        samesite="strict",
        secure=request.scope["scheme"] == "https",
    )
    return Response(None, status_code=204, cookies=[cookie])
