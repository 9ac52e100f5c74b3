"""Ollama's own protocol: POST {base_url}/api/chat, streamed as JSON lines.

Not its OpenAI-compatible one: only here can num_ctx be set, without which Ollama cuts a long prompt silently.
"""

import msgspec

from orchestrator.config import OllamaSettings
from orchestrator.errors import ProviderError
from orchestrator.providers.connections import Client
from orchestrator.providers.counts import Count
from orchestrator.providers.messages import Message, Received, Schema, Usage
from orchestrator.providers.parameters import Body, fewer, those_set, with_extra
from orchestrator.providers.windows import check_fits, tokens_needed
from orchestrator.providers.wire import Wire

SMALLEST_WINDOW = 4096  # tokens; doubled until the prompt and a reply fit


class _Part(msgspec.Struct):
    """A piece of the reply."""

    content: str = ""
    thinking: str | None = None


class _Line(msgspec.Struct):
    """One line of the stream; the last one, `done`, has the counts of tokens."""

    message: _Part = msgspec.field(default_factory=_Part)
    done: bool = False
    done_reason: str | None = None
    prompt_eval_count: Count = 0
    eval_count: Count = 0
    error: str | None = None


class _Show(msgspec.Struct):
    """What the server says of a model."""

    model_info: dict[str, object] = {}


class OllamaProvider:
    """One model of one Ollama server."""

    def __init__(self, settings: OllamaSettings, client: Client, own_key: str | None = None) -> None:
        self.settings = settings
        self.name = settings.model
        self._wire = Wire(settings, client, models="/api/tags", own_key=own_key)
        # Ollama loads the model anew for another num_ctx: it only ever grows.
        self._window = settings.num_ctx or SMALLEST_WINDOW
        self._longest: int | None = None
        self._sampling = those_set({"temperature": settings.temperature, "top_p": settings.top_p, "seed": settings.seed})
        effort = settings.reasoning_effort
        self._thinking: Body = {"think": False if effort == "none" else effort} if effort else {}

    def check(self, query: str) -> None:
        """A real model takes any query."""

    async def find_window(self) -> int | None:
        """num_ctx, or what the server says of the model; None if it does not answer."""
        try:
            return self.settings.num_ctx or await self._context_length()
        except ProviderError:
            return None

    async def list_models(self) -> list[str] | None:
        """The names of its server's models; None if it does not tell."""
        return await self._wire.list_models()

    async def complete(
        self, messages: tuple[Message, ...], received: Received, schema: Schema | None = None, max_tokens: int | None = None
    ) -> None:
        """Raises ProviderError, also if the prompt does not fit the model."""
        received.hide(self._wire.key)
        predicted = fewer(self.settings.max_tokens, max_tokens)
        body = self._wire.chat(messages) | {
            "keep_alive": self.settings.keep_alive,
            # If our count of tokens was too low: an error instead of a cut (servers since 2025; older ones ignore it).
            "truncate": False,
            "shift": False,
            "options": {"num_ctx": await self._choose_window(messages), "num_predict": predicted} | self._sampling,
        }
        body |= self._thinking | ({} if schema is None else {"format": schema})
        async with self._wire.post("/api/chat", with_extra(body, self.settings.extra_body)) as response:
            async for content in self._wire.lines(response):
                line = self._wire.decode(content, _Line)
                if line.error is not None:
                    raise self._wire.error(line.error, remedy="later")
                received.add(line.message.content, line.message.thinking)
                if line.done:
                    received.cut = line.done_reason == "length"
                    received.usage = Usage(line.prompt_eval_count, line.eval_count) if line.eval_count else None
                    return
        raise self._wire.error("the stream broke off", remedy="later")

    async def _choose_window(self, messages: tuple[Message, ...]) -> int:
        """The num_ctx for this prompt and a reply. Raises ProviderError if that is more than there is."""
        longest = self.settings.num_ctx or await self._context_length()
        check_fits(self.name, messages, longest, "num_ctx" if self.settings.num_ctx else "the model's context length")
        while self._window < tokens_needed(messages):
            self._window *= 2
        return min(self._window, longest)

    async def _context_length(self) -> int:
        """What the model can take, asked once: POST /api/show, model_info["ARCHITECTURE.context_length"]."""
        if self._longest is None:
            async with self._wire.post("/api/show", {"model": self.settings.model}) as response:
                shown = self._wire.decode(await self._wire.whole(response), _Show)
            lengths = [value for key, value in shown.model_info.items() if key.endswith(".context_length")]
            self._longest = next((each for each in lengths if isinstance(each, int)), SMALLEST_WINDOW)
        return self._longest
