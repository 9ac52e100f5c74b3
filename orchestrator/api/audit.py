"""A line of the log for each request that makes, reads or ends something, or is refused: who, what, when, how much; no text."""

import re
import time

from litestar.datastructures import Headers
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, ReceiveMessage, Scope, Send

from orchestrator import logs
from orchestrator.api.tokens import ANYBODY

_WATCHED = ("/query", "/debug", "/runs", "/contexts", "/sign-in")
_REFUSED = {401, 403, 429}
_ID = re.compile(r"[0-9a-f]{32,64}")


class Audit:
    """Around the doors, so that it sees who was let in."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        began = time.monotonic()
        status, received, sent, made = 0, 0, 0, ""

        async def counted_receive() -> ReceiveMessage:
            nonlocal received
            message = await receive()
            if message["type"] == "http.request":
                received += len(message.get("body", b""))
            return message

        async def counted_send(message: Message) -> None:
            nonlocal status, sent, made
            if message["type"] == "http.response.start":
                status = message["status"]
                made = Headers(message["headers"]).get("location", "")
            elif message["type"] == "http.response.body":
                sent += len(message["body"])
            await send(message)

        try:
            await self._app(scope, counted_receive, counted_send)
        finally:
            template = str(scope.get("path_template", ""))
            if template.startswith(_WATCHED) or status in _REFUSED:
                logs.audit(
                    who=scope.get("auth", ANYBODY).name,
                    what=f"{scope.get('method')} {template}"[:100],
                    of=_id_in(made) or _id_in(*scope.get("path_params", {}).values()),
                    status=status,
                    received=received,
                    sent=sent,
                    seconds=round(time.monotonic() - began, 3),
                )


def _id_in(*texts: object) -> str:
    """Of a run or a context: nothing else that a client wrote."""
    for text in texts:
        if _ID.fullmatch(name := str(text).rpartition("/")[2]):
            return name
    return ""
