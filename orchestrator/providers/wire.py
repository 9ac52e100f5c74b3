"""What all HTTP protocols share: authorisation, and a clear error for everything that is not an answer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import httpx
import msgspec

from orchestrator.config import HTTPSettings
from orchestrator.errors import ConfigError, ProviderError, Remedy
from orchestrator.providers import failures
from orchestrator.providers.messages import Message
from orchestrator.providers.models import listed_models
from orchestrator.providers.rate_limits import seconds_to_wait

LONGEST = 500  # characters of an error
MOST_BYTES = 1 << 20  # of what a server says in an error, or of its models
MOST_REPLY_BYTES = 64 << 20  # of a reply with all that is around it, unpacked
LIST_SECONDS = 5  # to list its models in
CONNECT_SECONDS = 10.0

PLAIN = {"Accept-Encoding": "identity"}

T = TypeVar("T")


class Wire:
    """Requests to one provider. Its errors start with the model's name and never hold the key."""

    def __init__(self, settings: HTTPSettings, client: httpx.AsyncClient, models: str) -> None:
        """`models`: the path under which the server lists them. Raises ConfigError."""
        _check(settings)
        self._settings = settings
        self._name = settings.model
        self._base_url = settings.base_url.rstrip("/")
        self._key = settings.api_key
        self._client = client
        self._models = models

    def chat(self, messages: tuple[Message, ...]) -> dict[str, Any]:
        """What every chat protocol asks for, streamed."""
        return {"model": self._name, "messages": [msgspec.to_builtins(message) for message in messages], "stream": True}

    @asynccontextmanager
    async def post(self, path: str, body: dict[str, Any]) -> AsyncIterator[httpx.Response]:
        """The response with status 200, to be read inside. Raises ProviderError."""
        url, stall = self._base_url + path, self._settings.stall_seconds
        timeouts = httpx.Timeout(None, connect=CONNECT_SECONDS, read=stall, write=stall)
        try:
            async with self._client.stream("POST", url, json=body, headers=self._headers(), timeout=timeouts) as response:
                if response.status_code != 200:
                    raise await self._refusal(response)
                yield response
        except httpx.HTTPError as error:
            raise self.error(failures.explain_connection(self._settings, error), remedy="later") from None

    async def lines(self, response: httpx.Response) -> AsyncIterator[bytes]:
        """The lines of a stream as they come, without their ends. Raises ProviderError if it is too large."""
        # At line feeds alone: JSON may have any other line separator of Unicode inside.
        begun: list[bytes] = []
        async for piece in self._pieces(response):
            first, *others = piece.split(b"\n")
            begun.append(first)
            if others:
                yield b"".join(begun).removesuffix(b"\r")
                for line in others[:-1]:
                    yield line.removesuffix(b"\r")
                begun = [others[-1]]
        if any(begun):
            yield b"".join(begun)

    async def whole(self, response: httpx.Response) -> bytes:
        """Raises ProviderError if it is too large."""
        return b"".join([piece async for piece in self._pieces(response)])

    def decode(self, content: bytes | str, type_: type[T]) -> T:
        """Raises ProviderError if it is not of that type."""
        try:
            return msgspec.json.decode(content, type=type_)
        except (msgspec.DecodeError, UnicodeError):
            raise self.error("sent something that is not a completion", remedy="later") from None

    def error(self, message: str, *, remedy: Remedy = "none", after: float | None = None) -> ProviderError:
        """`message` on one line and short, without the key that a server may repeat."""
        return ProviderError(f"{self._name}: {' '.join(self._mask(message).split())[:LONGEST]}", remedy=remedy, after=after)

    def misplaced(self, message: str, *, remedy: Remedy) -> ProviderError:
        """The same for what a wrong base_url may bring."""
        return self.error(self._mask(message)[: failures.EXCERPT] + failures.hint_at_v1(self._settings), remedy=remedy)

    async def _pieces(self, response: httpx.Response) -> AsyncIterator[bytes]:
        length = 0
        # It is asked for as it is; unpacking what is packed nevertheless could make a thousand times as much of each piece.
        if _is_packed(response):
            raise self.error("sent a packed reply, which was not asked for (content-encoding)", remedy="mend")
        async for piece in response.aiter_bytes():
            length += len(piece)
            if length > MOST_REPLY_BYTES:
                raise self.error(f"sent more than {MOST_REPLY_BYTES >> 20} MiB in one reply", remedy="elsewhere")
            yield piece

    async def _refusal(self, response: httpx.Response) -> ProviderError:
        status = response.status_code
        words = self._mask(failures.words_of(await _beginning(response)))
        models = await self.list_models() if status in (400, 404) else None
        explained = failures.explain_status(self._settings, status, words, models)
        return self.error(
            explained, remedy=failures.remedy(self._settings, status, words, models), after=seconds_to_wait(response.headers)
        )

    async def list_models(self) -> list[str] | None:
        """The names of the server's models; None if it does not tell."""
        try:
            async with (
                asyncio.timeout(LIST_SECONDS),
                self._client.stream("GET", self._base_url + self._models, headers=self._headers()) as response,
            ):
                content = await _beginning(response)
            listed = listed_models(content) if response.status_code == 200 else None
            return None if listed is None else [self._mask(each.name) for each in listed]
        except (httpx.HTTPError, TimeoutError):
            return None

    def _mask(self, text: str) -> str:
        """Before it is cut: half a key is a key that nobody would find."""
        return text.replace(self._key, "***") if self._key else text

    def _headers(self) -> dict[str, str]:
        return PLAIN | ({"Authorization": f"Bearer {self._key}"} if self._key else {})


def _is_packed(response: httpx.Response) -> bool:
    return bool(response.headers.get("content-encoding", "identity") != "identity")


async def _beginning(response: httpx.Response) -> bytes:
    content = b""
    if _is_packed(response):
        return content
    async for piece in response.aiter_bytes():
        content += piece
        if len(content) >= MOST_BYTES:
            break
    return content[:MOST_BYTES]


def _check(settings: HTTPSettings) -> None:
    """What only a request would show. Raises ConfigError."""
    try:
        host = httpx.URL(settings.base_url).host
    except httpx.InvalidURL as error:
        raise ConfigError(f"providers: base_url: {settings.base_url!r} is no URL: {error}") from None
    if not host:
        raise ConfigError(f"providers: base_url: {settings.base_url!r} is no URL: it has no host")
    key = settings.api_key or ""
    if not (key.isascii() and key.isprintable()) or key != key.strip():
        raise ConfigError(
            f"providers: api_key_env: the key in the environment variable {settings.api_key_env} has a space, a line end or "
            "another character that no key has"
        )
