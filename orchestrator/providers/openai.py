"""Any OpenAI-compatible server: POST {base_url}/chat/completions, streamed (server-sent events)."""

from typing import Any

import msgspec

from orchestrator.config import OpenAISettings
from orchestrator.errors import Remedy
from orchestrator.providers.connections import Client
from orchestrator.providers.counts import NOTHING, openai_cost, openai_usage
from orchestrator.providers.failures import words_of
from orchestrator.providers.messages import Message, Received, Schema
from orchestrator.providers.parameters import Body, Parameters, fewer, those_set, with_extra
from orchestrator.providers.windows import check_fits
from orchestrator.providers.wire import LONGEST, Wire

CUT = {"length", "model_length"}  # the second is Mistral's
# How a reply ends that is none, and what may help. The second is DeepSeek's.
BROKEN: dict[str, Remedy] = {"content_filter": "elsewhere", "insufficient_system_resource": "later", "error": "later"}


class _Part(msgspec.Struct):
    """A piece of content, as Mistral sends reasoning: `thinking` has pieces of its own."""

    text: str = ""
    thinking: "str | list[_Part]" = ""


class _Delta(msgspec.Struct):
    """A piece of the reply; the whole of it from a server that does not stream."""

    content: str | list[_Part] | None = None
    reasoning_content: str | None = None  # DeepSeek, vLLM, xAI
    reasoning: str | None = None  # OpenRouter, Groq, Ollama
    refusal: str | None = None


class _Choice(msgspec.Struct):
    """One of the replies that a server may offer: `delta` in a stream, `message` without one (Perplexity sends both)."""

    index: int = 0
    delta: _Delta | None = None
    message: _Delta | None = None
    finish_reason: str | None = None


class _Chunk(msgspec.Struct):
    """One JSON value of a response."""

    choices: list[_Choice] = []
    usage: msgspec.Raw = NOTHING
    error: Any = None


class _Ending:
    """What is known of how a reply ends."""

    def __init__(self) -> None:
        self.finished = False
        self.reason: str | None = None
        self.refusal = ""


class OpenAIProvider:
    """One model of one server."""

    def __init__(self, settings: OpenAISettings, client: Client, own_key: str | None = None) -> None:
        self.settings = settings
        self.name = settings.model
        preset = settings.preset
        self._wire = Wire(settings, client, "/models" if preset.lists_models else None, preset.key_header, own_key=own_key)
        self._parameters = Parameters()
        self._options = those_set(
            {
                "stream_options": {"include_usage": True} if preset.asks_for_usage else None,
                "temperature": settings.temperature,
                "top_p": settings.top_p,
                preset.seed: settings.seed,
                "reasoning_effort": settings.reasoning_effort,
            }
        )

    def check(self, query: str) -> None:
        """A real model takes any query."""

    async def find_window(self) -> int | None:
        """As it is configured, or as the server lists it."""
        return self.settings.context_window or await self._wire.listed_window()

    async def list_models(self) -> list[str] | None:
        """The names of its server's models; None if it does not tell."""
        return await self._wire.list_models()

    async def complete(
        self, messages: tuple[Message, ...], received: Received, schema: Schema | None = None, max_tokens: int | None = None
    ) -> None:
        """Raises ProviderError."""
        received.hide(self._wire.key)
        if self.settings.context_window:
            check_fits(self.name, messages, self.settings.context_window, "context_window")
        limit = {self.settings.preset.reply_limit: fewer(self.settings.max_tokens, max_tokens)}
        body = with_extra(self._wire.chat(messages) | limit | self._options | self._format(schema), self.settings.extra_body)
        ending = _Ending()
        async with self._wire.post("/chat/completions", body, self._parameters) as response:
            async for content in self._wire.contents(response):
                chunk = self._wire.decode(content, _Chunk)
                if chunk.error is not None and ending.finished:
                    break  # of what comes behind the reply, which is whole
                if chunk.error is not None:
                    raise self._wire.misplaced(words_of(msgspec.json.encode(chunk.error)), remedy="later")
                _add(received, chunk, ending)
        self._check_ending(ending)

    def _check_ending(self, ending: _Ending) -> None:
        """What came before is in Received all the same."""
        if remedy := BROKEN.get(ending.reason or ""):
            raise self._wire.error(f"the server ended the reply: {ending.reason}", remedy=remedy)
        if ending.refusal:
            raise self._wire.error(f"the model refused: {ending.refusal}", remedy="elsewhere")
        if not ending.finished:
            raise self._wire.error("the stream broke off", remedy="later")

    def _format(self, schema: Schema | None) -> Body:
        """What constrains decoding, in the form that the server takes (`response_format`)."""
        if schema is None or self.settings.response_format == "none":
            return {}
        if self.settings.response_format == "json_object":
            return {"response_format": {"type": "json_object"}}
        # Not `strict`, which demands that no field may be left out.
        return {"response_format": {"type": "json_schema", "json_schema": {"name": "reply", "schema": schema}}}


def _add(received: Received, chunk: _Chunk, ending: _Ending) -> None:
    received.usage = openai_usage(chunk.usage) or received.usage
    cost = openai_cost(chunk.usage)
    received.cost = received.cost if cost is None else cost
    choice = next((each for each in chunk.choices if each.index == 0), None)
    if choice is None:
        return
    part = choice.delta or choice.message or _Delta()
    text, thinking = _content(part.content)
    received.add(text, part.reasoning_content or part.reasoning or thinking)
    received.cut = received.cut or choice.finish_reason in CUT
    ending.reason = choice.finish_reason or ending.reason
    if len(ending.refusal) < LONGEST:
        ending.refusal += part.refusal or ""
    ending.finished = (
        ending.finished or choice.finish_reason is not None or (choice.delta is None and choice.message is not None)
    )


def _content(content: str | list[_Part] | None) -> tuple[str, str]:
    """The text, and the reasoning in it."""
    if not isinstance(content, list):
        return content or "", ""
    thinking = (each.thinking if isinstance(each.thinking, str) else _content(each.thinking)[0] for each in content)
    return "".join(each.text for each in content), "".join(thinking)
