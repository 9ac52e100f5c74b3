"""Each response says that browsers may make nothing else of it; HEAD is GET without the body."""

from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

# Nothing from outside, nothing inline: a page of untrusted text cannot become a script.
HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
}


class SafeResponses:
    """Around a whole application: what no route answers, too."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_head = scope["type"] == ScopeType.HTTP and scope.get("method") == "HEAD"
        is_over = False

        async def send_safely(message: Message) -> None:
            nonlocal is_over
            if is_over:
                return
            if message["type"] == "http.response.start":
                headers = MutableScopeHeaders.from_message(message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            elif is_head and message["type"] == "http.response.body":
                # Also of a stream: what sends that is told next that its reader is gone.
                message["body"], message["more_body"], is_over = b"", False, True
            await send(message)

        # A copy: whoever serves this knows by its own that no body follows.
        await self._app({**scope, "method": "GET"} if is_head else scope, receive, send_safely)  # type: ignore[arg-type]
