"""Any OpenAI-compatible server: POST {base_url}/chat/completions, streamed (server-sent events)."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec

from orchestrator.config import OpenAISettings
from orchestrator.providers.connections import Client
from orchestrator.providers.messages import Message, Received, Schema, Usage
from orchestrator.providers.windows import check_fits
from orchestrator.providers.wire import Wire


class _Delta(msgspec.Struct):
    """A piece of the reply; the whole of it from a server that does not stream."""

    content: str | None = None
    reasoning_content: str | None = None  # DeepSeek, vLLM
    reasoning: str | None = None  # OpenRouter, Ollama


class _Choice(msgspec.Struct):
    """One of the replies that a server may offer: `delta` in a stream, `message` without one."""

    delta: _Delta | None = None
    message: _Delta | None = None
    finish_reason: str | None = None


class _TokenCounts(msgspec.Struct):
    """`usage`, as the protocol has it."""

    prompt_tokens: int = 0
    completion_tokens: int = 0


class _Chunk(msgspec.Struct):
    """One JSON value of a response."""

    choices: list[_Choice] = []
    usage: _TokenCounts | None = None
    error: Any = None


class OpenAIProvider:
    """One model of one server."""

    def __init__(self, settings: OpenAISettings, client: Client) -> None:
        self.settings = settings
        self.name = settings.model
        self._wire = Wire(settings, client, models="/models")
        # OpenAI itself has renamed it; the others know the old name alone.
        own = httpx.URL(settings.base_url).host == "api.openai.com"
        self._token_limit = "max_completion_tokens" if own else "max_tokens"

    def check(self, query: str) -> None:
        """A real model takes any query."""

    async def find_window(self) -> int | None:
        """As it is configured: the protocol does not tell."""
        return self.settings.context_window

    async def complete(self, messages: tuple[Message, ...], received: Received, schema: Schema | None = None) -> None:
        """Raises ProviderError."""
        if self.settings.context_window:
            check_fits(self.name, messages, self.settings.context_window, "context_window")
        limit = {self._token_limit: self.settings.max_tokens}
        body = self._wire.chat(messages) | {"stream_options": {"include_usage": True}} | limit | self._format(schema)
        finished = False
        async with self._wire.post("/chat/completions", body) as response:
            async for content in self._contents(response):
                chunk = self._wire.decode(content, _Chunk)
                if chunk.error is not None:
                    raise self._wire.misplaced(msgspec.json.encode(chunk.error).decode(), remedy="later")
                finished = _add(received, chunk) or finished
        if not finished:
            raise self._wire.error("the stream broke off", remedy="later")

    def _format(self, schema: Schema | None) -> dict[str, Any]:
        """What constrains decoding, in the form that the server takes (`response_format`)."""
        if schema is None or self.settings.response_format == "none":
            return {}
        if self.settings.response_format == "json_object":
            return {"response_format": {"type": "json_object"}}
        # Not `strict`, which demands that no field may be left out.
        return {"response_format": {"type": "json_schema", "json_schema": {"name": "commands", "schema": schema}}}

    async def _contents(self, response: httpx.Response) -> AsyncIterator[bytes]:
        """The JSON values of a response: one per server-sent event, or the whole of a server that does not stream."""
        kind = response.headers.get("content-type", "").partition(";")[0].strip()
        if kind == "application/json":
            yield await self._wire.whole(response)
        elif kind == "text/event-stream":
            async for line in self._wire.lines(response):
                if line.startswith(b"data:") and (data := line[5:].strip()) != b"[DONE]":
                    yield data
        else:
            raise self._wire.misplaced(f"answered with {kind or 'no content type'} instead of a completion", remedy="mend")


def _add(received: Received, chunk: _Chunk) -> bool:
    """Whether the reply ends with it."""
    if chunk.usage:
        received.usage = Usage(chunk.usage.prompt_tokens, chunk.usage.completion_tokens)
    if not chunk.choices:
        return False
    choice = chunk.choices[0]
    part = choice.delta or choice.message or _Delta()
    received.add(part.content, part.reasoning_content or part.reasoning)
    received.cut = received.cut or choice.finish_reason == "length"
    return choice.finish_reason is not None or choice.message is not None
