"""What all HTTP protocols share: authorisation, and a clear error for everything that is not an answer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TypeVar

import httpx
import msgspec

from orchestrator.config import HTTPSettings
from orchestrator.errors import ConfigError, ProviderError, Remedy
from orchestrator.providers import failures
from orchestrator.providers.connections import Client
from orchestrator.providers.headers import BEARER, check_headers, key_to_hide, own_headers, secrets_of
from orchestrator.providers.messages import Message
from orchestrator.providers.models import ListedModel, listed_models
from orchestrator.providers.parameters import Body, Parameters, check_extra
from orchestrator.providers.rate_limits import seconds_to_wait

LONGEST = 500  # characters of an error
MOST_BYTES = 1 << 20  # of what a server says in an error, or of its models
MOST_REPLY_BYTES = 64 << 20  # of a reply with all that is around it, unpacked
LIST_SECONDS = 5  # to list its models in
CONNECT_SECONDS = 10.0
LAST_PORT = 65535

T = TypeVar("T")


class Wire:
    """Requests to one provider. Its errors start with the model's name and never hold the key."""

    def __init__(
        self,
        settings: HTTPSettings,
        client: Client,
        models: str | None,
        key_header: str = BEARER,
        headers: dict[str, str] | None = None,
        own_key: str | None = None,
    ) -> None:
        """`models`: the path under which the server lists them, if it does; `headers`: of its protocol.

        `own_key`: a caller's, instead of the one that the settings name. Raises ConfigError.
        """
        key = settings.api_key if own_key is None else own_key
        _check_address(settings.base_url)
        check_headers(settings, key)
        check_extra(settings.extra_body)
        self._settings = settings
        self._name = settings.model
        self._base_url = settings.base_url.rstrip("/")
        self.key = key_to_hide(key)
        self._secrets = secrets_of(settings, key)
        self._headers = own_headers(settings, key_header, key) | (headers or {})
        self._client = client
        self._models = models

    def chat(self, messages: tuple[Message, ...]) -> Body:
        """What every chat protocol asks for, streamed."""
        return {"model": self._name, "messages": [msgspec.to_builtins(message) for message in messages], "stream": True}

    @asynccontextmanager
    async def post(self, path: str, body: Body, parameters: Parameters | None = None) -> AsyncIterator[httpx.Response]:
        """The response with status 200, to be read inside; asked again without what the server refuses by name.

        Raises ProviderError.
        """
        url, stall = self._base_url + path, self._settings.stall_seconds
        timeouts = httpx.Timeout(None, connect=CONNECT_SECONDS, read=stall, write=stall)
        try:
            async with AsyncExitStack() as opened:
                while True:
                    sent = parameters.taken(body) if parameters else body
                    request = self._client.stream("POST", url, json=sent, headers=self._headers, timeout=timeouts)
                    response = await opened.enter_async_context(request)
                    if response.status_code == 200:
                        break
                    said = await _beginning(response)
                    if parameters is None or not parameters.learn(response.status_code, said, sent):
                        raise await self._refusal(response, said)
                    await opened.aclose()
                yield response
        except httpx.HTTPError as error:
            raise self.error(failures.explain_connection(self._settings, error), remedy="later") from None

    async def contents(self, response: httpx.Response) -> AsyncIterator[bytes]:
        """The JSON values of a response: one per server-sent event, or the whole of a server that does not stream."""
        kind = response.headers.get("content-type", "").partition(";")[0].strip()
        if kind == "application/json":
            yield await self.whole(response)
        elif kind == "text/event-stream":
            async for line in self.lines(response):
                if line.startswith(b"data:") and (data := line[5:].strip()) != b"[DONE]":
                    yield data
        else:
            raise self.misplaced(f"answered with {kind or 'no content type'} instead of a completion", remedy="mend")

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
        except (msgspec.DecodeError, UnicodeError, RecursionError):
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

    async def _refusal(self, response: httpx.Response, said: bytes) -> ProviderError:
        status = response.status_code
        words = self._mask(failures.words_of(said))
        models = await self.list_models() if status in (400, 404) else None
        explained = failures.explain_status(self._settings, status, words, models)
        return self.error(
            explained, remedy=failures.remedy(self._settings, status, words, models), after=seconds_to_wait(response.headers)
        )

    async def list_models(self) -> list[str] | None:
        """The names of the server's models; None if it does not tell."""
        listed = await self._listing()
        return None if listed is None else [self._mask(each.name) for each in listed]

    async def listed_window(self) -> int | None:
        """How much this model can read, in tokens; None if the server does not tell."""
        return next((each.window for each in await self._listing() or () if each.name == self._name), None)

    async def _listing(self) -> list[ListedModel] | None:
        if self._models is None:
            return None
        try:
            async with (
                asyncio.timeout(LIST_SECONDS),
                self._client.stream("GET", self._base_url + self._models, headers=self._headers) as response,
            ):
                content = await _beginning(response)
            return listed_models(content) if response.status_code == 200 else None
        except (httpx.HTTPError, TimeoutError):
            return None

    def _mask(self, text: str) -> str:
        """Before it is cut: half a key is a key that nobody would find."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text


def _is_packed(response: httpx.Response) -> bool:
    return bool(response.headers.get("content-encoding", "identity") != "identity")


async def _beginning(response: httpx.Response) -> bytes:
    content = bytearray()
    if _is_packed(response):
        return b""
    async for piece in response.aiter_bytes():
        content += piece
        if len(content) >= MOST_BYTES:
            break
    return bytes(content[:MOST_BYTES])


def _check_address(base_url: str) -> None:
    """What only a request would show. Raises ConfigError."""
    try:
        url = httpx.URL(base_url)
    except httpx.InvalidURL as error:
        raise ConfigError(f"providers: base_url: {base_url!r} is no URL: {error}") from None
    if not url.host:
        raise ConfigError(f"providers: base_url: {base_url!r} is no URL: it has no host")
    if (url.port or 0) > LAST_PORT:
        raise ConfigError(f"providers: base_url: {base_url!r} is no URL: the last port is {LAST_PORT}")
