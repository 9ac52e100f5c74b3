"""Bodies while they arrive: fast enough."""

import asyncio
import time
from typing import Any

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from orchestrator.errors import TooSlow

GRACE_SECONDS = 30.0  # of waiting for a body, however small it is
MIN_RATE = 1 << 14  # bytes a second beyond that


class InTime:
    """Around a whole application: who sends its body too slowly is told so. Only waiting for the caller counts."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        allowed, whole = GRACE_SECONDS, False

        async def receive_in_time() -> Any:
            nonlocal allowed, whole
            if whole:  # now it waits for the end of the connection
                return await receive()
            began = time.monotonic()
            try:
                async with asyncio.timeout(allowed):
                    message: Any = await receive()
            except TimeoutError:
                raise TooSlow(f"the body arrives too slowly: less than {MIN_RATE} bytes a second") from None
            allowed += len(message.get("body", b"")) / MIN_RATE - (time.monotonic() - began)
            whole = not message.get("more_body", False)
            return message

        await self._app(scope, receive_in_time, send)
