"""Anthropic's own protocol: POST {base_url}/messages, streamed (server-sent events).

A reply is not held to a schema: theirs must close every object, and the arguments of commands are open. What has to fit one is
told so in its prompt, and asked again.
"""

import msgspec

from orchestrator.config import AnthropicSettings
from orchestrator.errors import ProviderError, Remedy
from orchestrator.providers.connections import Client
from orchestrator.providers.counts import NOTHING, AnthropicCounts
from orchestrator.providers.messages import Message, Received, Schema
from orchestrator.providers.parameters import Body, Parameters, fewer, those_set, with_extra
from orchestrator.providers.windows import check_fits
from orchestrator.providers.wire import Wire

VERSION = {"anthropic-version": "2023-06-01"}
CUT = {"max_tokens", "model_context_window_exceeded"}
# The kinds of errors inside a stream, and what may help; of all others, later.
REMEDIES: dict[str, Remedy] = {
    "rate_limit_error": "limited",
    "authentication_error": "mend",
    "billing_error": "mend",
    "permission_error": "mend",
    "not_found_error": "mend",
    "invalid_request_error": "none",
    "request_too_large": "none",
}


class _Piece(msgspec.Struct):
    """The beginning of a block, a piece of it, or how the message ends."""

    text: str = ""
    thinking: str = ""
    stop_reason: str | None = None


class _Message(msgspec.Struct):
    usage: msgspec.Raw = NOTHING


class _Error(msgspec.Struct):
    type: str = ""
    message: str = ""


class _Event(msgspec.Struct):
    """One event of the stream. Kinds that are not known, as ping, have nothing of all this."""

    type: str = ""
    message: _Message | None = None
    content_block: _Piece | None = None
    delta: _Piece | None = None
    usage: msgspec.Raw = NOTHING
    error: _Error | None = None


class AnthropicProvider:
    """One model."""

    def __init__(self, settings: AnthropicSettings, client: Client, own_key: str | None = None) -> None:
        self.settings = settings
        self.name = settings.model
        self._wire = Wire(settings, client, "/models", "x-api-key", VERSION, own_key)
        self._parameters = Parameters(required=("max_tokens",))
        effort = settings.reasoning_effort
        self._options = those_set(
            {
                "temperature": settings.temperature,
                "top_p": settings.top_p,
                "output_config": {"effort": effort} if effort else None,
            }
        )

    def check(self, query: str) -> None:
        """A real model takes any query."""

    async def find_window(self) -> int | None:
        """As it is configured."""
        return self.settings.context_window

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
        reason: str | None = None
        finished = False
        counts = AnthropicCounts()
        async with self._wire.post("/messages", self._body(messages, max_tokens), self._parameters) as response:
            async for content in self._wire.contents(response):
                event = self._wire.decode(content, _Event)
                if event.error is not None:
                    raise self._error(event.error)
                for raw in (event.message.usage if event.message else NOTHING, event.usage):
                    counts = counts.updated(raw)
                if piece := event.content_block or event.delta:
                    received.add(piece.text, piece.thinking)
                    reason = piece.stop_reason or reason
                finished = finished or event.type == "message_stop"
                if event.type == "message_delta":  # before it the reply is not counted
                    received.usage = counts.usage()
        received.cut = reason in CUT
        if reason == "refusal":
            raise self._wire.error("the server ended the reply: refusal", remedy="elsewhere")
        if not finished:
            raise self._wire.error("the stream broke off", remedy="later")

    def _body(self, messages: tuple[Message, ...], max_tokens: int | None) -> Body:
        """The system's messages stand apart; one without text is refused."""
        said = [each for each in messages if each.content.strip()]
        system = "\n\n".join(each.content for each in said if each.role == "system")
        limit = {"max_tokens": fewer(self.settings.max_tokens, max_tokens)}
        body = self._wire.chat(tuple(each for each in said if each.role != "system")) | limit | self._options
        return with_extra(body | ({"system": system} if system else {}), self.settings.extra_body)

    def _error(self, error: _Error) -> ProviderError:
        kind = error.type or "error"
        return self._wire.error(f"{kind}: {error.message or 'no text'}", remedy=REMEDIES.get(kind, "later"))
