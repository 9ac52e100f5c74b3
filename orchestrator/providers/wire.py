"""What all HTTP protocols share: authorisation, and a clear error for everything that is not an answer."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import httpx
import msgspec

from orchestrator.config import HTTPSettings
from orchestrator.errors import ProviderError
from orchestrator.providers.messages import Message

EXCERPT = 200  # characters of a server's answer that an error may show

T = TypeVar("T")


class Wire:
    """Requests to one provider. Its errors start with the model's name and never hold the key."""

    def __init__(self, settings: HTTPSettings, client: httpx.AsyncClient) -> None:
        self._name = settings.model
        self._base_url = settings.base_url.rstrip("/")
        self._key = settings.api_key
        self._client = client

    def chat(self, messages: tuple[Message, ...]) -> dict[str, Any]:
        """What every chat protocol asks for, streamed."""
        return {"model": self._name, "messages": [msgspec.to_builtins(message) for message in messages], "stream": True}

    @asynccontextmanager
    async def post(self, path: str, body: dict[str, Any]) -> AsyncIterator[httpx.Response]:
        """The response with status 200, to be read inside. Raises ProviderError; `retry` for 429, 5xx, lost connections."""
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        try:
            async with self._client.stream("POST", self._base_url + path, json=body, headers=headers) as response:
                if response.status_code != 200:
                    raise self._refusal(response, await response.aread())
                yield response
        except httpx.HTTPError as error:
            raise self.error(f"no answer: {type(error).__name__}", retry=True) from None

    def decode(self, content: bytes | str, type_: type[T]) -> T:
        """Raises ProviderError if it is not of that type."""
        try:
            return msgspec.json.decode(content, type=type_)
        except (msgspec.DecodeError, UnicodeError):
            raise self.error("sent something that is not a completion", retry=True) from None

    def error(self, message: str, *, retry: bool = False, after: float | None = None) -> ProviderError:
        """`message` on one line and short, without the key that a server may repeat."""
        if self._key:
            message = message.replace(self._key, "***")
        return ProviderError(f"{self._name}: {' '.join(message.split())[:EXCERPT]}", retry=retry, after=after)

    def _refusal(self, response: httpx.Response, content: bytes) -> ProviderError:
        status = response.status_code
        after = response.headers.get("retry-after", "")
        return self.error(
            f"HTTP {status}: {content.decode(errors='replace').strip() or 'no text'}",
            retry=status == 429 or status >= 500,
            after=float(after) if after.isdecimal() else None,
        )
