"""Any OpenAI-compatible server: POST {base_url}/chat/completions, streamed (server-sent events)."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec

from orchestrator.config import OpenAISettings
from orchestrator.providers.messages import Completion, Message, Schema, Usage, estimate_usage
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


class _PartialReply:
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
    """One model of one server."""

    def __init__(self, settings: OpenAISettings, client: httpx.AsyncClient) -> None:
        self.settings = settings
        self.name = settings.model
        self._wire = Wire(settings, client, models="/models")

    def check(self, query: str) -> None:
        """A real model takes any query."""

    async def complete(self, messages: tuple[Message, ...], schema: Schema | None = None) -> Completion:
        """Raises ProviderError."""
        body = self._wire.chat(messages) | {"stream_options": {"include_usage": True}} | self._format(schema)
        reply = _PartialReply()
        async with self._wire.post("/chat/completions", body) as response:
            async for content in self._contents(response):
                chunk = self._wire.decode(content, _Chunk)
                if chunk.error is not None:
                    raise self._wire.misplaced(msgspec.json.encode(chunk.error).decode(), retry=True)
                reply.add(chunk)
        if not reply.finished:
            raise self._wire.error("the stream broke off", retry=True)
        text = "".join(reply.text)
        usage = reply.usage or estimate_usage(messages, text)
        return Completion(text=text, reasoning="".join(reply.reasoning), usage=usage)

    def _format(self, schema: Schema | None) -> dict[str, Any]:
        """What constrains decoding, in the form that the server takes (`response_format`)."""
        if schema is None or self.settings.response_format == "none":
            return {}
        if self.settings.response_format == "json_object":
            return {"response_format": {"type": "json_object"}}
        # Not `strict`, which demands that no field may be left out.
        return {"response_format": {"type": "json_schema", "json_schema": {"name": "commands", "schema": schema}}}

    async def _contents(self, response: httpx.Response) -> AsyncIterator[bytes | str]:
        """The JSON values of a response: one per server-sent event, or the whole of a server that does not stream."""
        kind = response.headers.get("content-type", "").partition(";")[0].strip()
        if kind == "application/json":
            yield await response.aread()
        elif kind == "text/event-stream":
            async for line in response.aiter_lines():
                if line.startswith("data:") and (data := line[5:].strip()) != "[DONE]":
                    yield data
        else:
            raise self._wire.misplaced(f"answered with {kind or 'no content type'} instead of a completion")
