"""Any OpenAI-compatible server: POST {base_url}/chat/completions, streamed (server-sent events)."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec

from orchestrator.config import OpenAISettings
from orchestrator.errors import ProviderError
from orchestrator.events import Usage
from orchestrator.providers.base import Completion, Message, estimated_usage

EXCERPT = 200  # characters of a server's answer that an error may show


class _Delta(msgspec.Struct):
    content: str | None = None
    reasoning_content: str | None = None  # DeepSeek, vLLM
    reasoning: str | None = None  # OpenRouter, Ollama


class _Choice(msgspec.Struct):
    delta: _Delta | None = None
    message: _Delta | None = None
    finish_reason: str | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class _Chunk(msgspec.Struct):
    choices: list[_Choice] = []
    usage: _Usage | None = None
    error: Any = None


class _Reply:
    """Gathers the pieces of one reply."""

    def __init__(self) -> None:
        self.text: list[str] = []
        self.reasoning: list[str] = []
        self.usage: Usage | None = None
        self.finished = False

    def add(self, chunk: _Chunk) -> None:
        if chunk.usage:
            self.usage = Usage(chunk.usage.prompt_tokens, chunk.usage.completion_tokens)
        for choice in chunk.choices[:1]:
            part = choice.delta or choice.message or _Delta()
            self.text.append(part.content or "")
            self.reasoning.append(part.reasoning_content or part.reasoning or "")
            self.finished = self.finished or choice.finish_reason is not None or choice.message is not None


class OpenAIProvider:
    def __init__(self, settings: OpenAISettings, client: httpx.AsyncClient) -> None:
        self.settings = settings
        self.name = settings.model
        self._client = client
        self._key = settings.api_key

    def check(self, query: str) -> None:
        """A real model takes any query."""

    async def complete(self, messages: tuple[Message, ...]) -> Completion:
        """Raises ProviderError; `retry` is set for 429, 5xx, broken streams and lost connections."""
        body = {
            "model": self.settings.model,
            "messages": [msgspec.to_builtins(message) for message in messages],
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        url = f"{self.settings.base_url.rstrip('/')}/chat/completions"
        reply = _Reply()
        try:
            async with self._client.stream("POST", url, json=body, headers=headers) as response:
                await self._read(response, reply)
        except httpx.HTTPError as error:
            raise ProviderError(f"{self.name}: no answer: {type(error).__name__}", retry=True) from None
        if not reply.finished:
            raise ProviderError(f"{self.name}: the stream broke off", retry=True)
        return self._completion(messages, reply)

    def _completion(self, messages: tuple[Message, ...], reply: _Reply) -> Completion:
        text = "".join(reply.text)
        return Completion(text=text, reasoning="".join(reply.reasoning), usage=reply.usage or estimated_usage(messages, text))

    async def _read(self, response: httpx.Response, reply: _Reply) -> None:
        if response.status_code != 200:
            raise self._refusal(response, await response.aread())
        kind = response.headers.get("content-type", "").partition(";")[0].strip()
        if kind == "application/json":  # a server that does not stream
            reply.add(self._decoded(await response.aread()))
        elif kind == "text/event-stream":
            async for data in _events(response):
                reply.add(self._decoded(data.encode()))
        else:
            raise ProviderError(f"{self.name}: answered with {kind or 'no content type'} instead of a completion")

    def _decoded(self, data: bytes) -> _Chunk:
        try:
            chunk = msgspec.json.decode(data, type=_Chunk)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise ProviderError(f"{self.name}: sent something that is not a completion", retry=True) from None
        if chunk.error is not None:
            raise ProviderError(f"{self.name}: {self._excerpt(msgspec.json.encode(chunk.error))}", retry=True)
        return chunk

    def _refusal(self, response: httpx.Response, content: bytes) -> ProviderError:
        status = response.status_code
        after = response.headers.get("retry-after", "")
        return ProviderError(
            f"{self.name}: HTTP {status}: {self._excerpt(content)}",
            retry=status == 429 or status >= 500,
            after=float(after) if after.isdecimal() else None,
        )

    def _excerpt(self, content: bytes) -> str:
        """What a server said, short, on one line, without the key that it may repeat."""
        text = content.decode(errors="replace")
        if self._key:
            text = text.replace(self._key, "***")
        return " ".join(text.split())[:EXCERPT] or "no text"


async def _events(response: httpx.Response) -> AsyncIterator[str]:
    """The data of each server-sent event, up to [DONE]."""
    async for line in response.aiter_lines():
        if line.startswith("data:"):
            data = line[5:].strip()
            if data == "[DONE]":
                return
            yield data
