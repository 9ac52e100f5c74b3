"""What every provider offers, and the values that go in and out."""

import functools
import math
from collections.abc import Iterable
from typing import Any, Literal, Protocol

import msgspec

from orchestrator.config import ProviderSettings

Schema = dict[str, Any]  # a JSON Schema
COST_DECIMALS = 12  # of US dollars: one token of a cheap model takes 9
MOST_TOKENS = 100_000_000  # of one attempt; what a server counts beyond that is no count


class Message(msgspec.Struct, frozen=True):
    """One message of a chat with a model."""

    role: Literal["system", "user", "assistant"]
    content: str


class Usage(msgspec.Struct, frozen=True):
    """Tokens, as the provider counted them; `estimated` if it did not and they are length / 4.

    Of the prompt's, `cached_tokens` were in the provider's cache; of the completion's, `reasoning_tokens` are no text.
    """

    prompt_tokens: int = 0
    completion_tokens: int = 0
    estimated: bool = False
    cached_tokens: int = 0
    reasoning_tokens: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.estimated or other.estimated,
            self.cached_tokens + other.cached_tokens,
            self.reasoning_tokens + other.reasoning_tokens,
        )

    def __sub__(self, part: "Usage") -> "Usage":
        return Usage(
            self.prompt_tokens - part.prompt_tokens,
            self.completion_tokens - part.completion_tokens,
            self.estimated,
            self.cached_tokens - part.cached_tokens,
            self.reasoning_tokens - part.reasoning_tokens,
        )

    @property
    def total(self) -> int:
        return self.prompt_tokens + self.completion_tokens

    def bounded(self) -> "Usage":
        """As it can be, whatever a server says: nothing negative, no part larger than the whole."""
        prompt = min(max(self.prompt_tokens, 0), MOST_TOKENS)
        completion = min(max(self.completion_tokens, 0), MOST_TOKENS)
        cached = min(max(self.cached_tokens, 0), prompt)
        reasoning = min(max(self.reasoning_tokens, 0), completion)
        return Usage(prompt, completion, self.estimated, cached, reasoning)


class FailedAttempt(msgspec.Struct, frozen=True, kw_only=True):
    """What did not bring the reply, `times` with the same error; `usage` and `cost` are those of all these."""

    provider: str
    error: str
    times: int = 1
    usage: Usage = Usage()
    cost: float | None = None


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What a model call brought. `usage` is that of all `attempts`; `reasoning` is kept, never parsed.

    `seconds` are those of the whole call; `waited` of them it was in no provider's hands: queued, or held back by a limit.
    `cut`: the server ended it at its token limit. `cost`: in US dollars, of all attempts, and `last_cost` of the last one; None
    if a price is not known. `cached`: it was paid for before, by another call.
    """

    provider: str
    text: str
    reasoning: str
    usage: Usage
    attempts: int
    seconds: float
    cut: bool = False
    waited: float = 0.0
    failed: tuple[FailedAttempt, ...] = ()
    cost: float | None = None
    last_cost: float | None = None
    cached: bool = False

    @property
    def last_usage(self) -> Usage:
        """Of the last attempt; nothing if it failed as those before it."""
        return functools.reduce(Usage.__sub__, (each.usage for each in self.failed), self.usage)


class Received:
    """What one attempt at a call has brought so far: it is there too if the call fails.

    `reasoning` is what the provider sent beside the text; `usage` is None if it did not count, `cost` (US dollars) if it did
    not say.
    """

    def __init__(self) -> None:
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._hidden = ""
        self.size = 0  # characters that came, reasoning and all
        self.usage: Usage | None = None
        self.cost: float | None = None
        self.cut = False

    def hide(self, key: str) -> None:
        """A server may repeat it: then it is not shown."""
        self._hidden = key

    def add(self, text: str | None, reasoning: str | None = None) -> None:
        """The next piece."""
        self._text.append(text or "")
        self._reasoning.append(reasoning or "")
        self.size += len(self._text[-1]) + len(self._reasoning[-1])

    @property
    def text(self) -> str:
        return self._shown(self._text)

    @property
    def reasoning(self) -> str:
        return self._shown(self._reasoning)

    def so_far(self) -> tuple[str, str]:
        """Text and reasoning while more may come: without an end that may be the beginning of the key."""
        kept_back = max(0, len(self._hidden) - 1)
        return self.text[: -kept_back or None], self.reasoning[: -kept_back or None]

    def _shown(self, pieces: list[str]) -> str:
        # As a whole: a key may come in two pieces.
        text = "".join(pieces)
        return text.replace(self._hidden, "***") if self._hidden else text

    def usage_for(self, messages: tuple[Message, ...]) -> Usage:
        """As counted, or estimated, also if zero was counted for what came; nothing if nothing came."""
        counted = self.usage.bounded() if self.usage else Usage()
        text = self.text + self.reasoning
        return estimate_usage(messages, text) if text and not counted.total else counted


class Provider(Protocol):
    """One backend."""

    name: str

    @property
    def settings(self) -> ProviderSettings: ...

    def check(self, query: str) -> None:
        """Raises NotScripted if a run for this query could not even begin."""

    async def find_window(self) -> int | None:
        """How many tokens a prompt and its reply may have together; None if nobody says."""

    async def list_models(self) -> list[str] | None:
        """The names of its server's models; None if it does not tell."""

    async def complete(
        self, messages: tuple[Message, ...], received: Received, schema: Schema | None = None, max_tokens: int | None = None
    ) -> None:
        """One model call, whose reply goes to `received`. Raises ProviderError.

        A backend that can constrain decoding holds the reply to `schema`. `max_tokens`: of it, if less than configured.
        """


class OwnModels(msgspec.Struct, frozen=True, kw_only=True):
    """What a caller names: a provider_type or the base_url of an OpenAI-compatible server, models of it, and the key."""

    provider: str
    model: str
    sub_model: str | None = None
    key: str

    def __repr__(self) -> str:
        """Without the key."""
        return f"<own models: {self.provider} {self.model}>"


def estimate_usage(messages: tuple[Message, ...], text: str) -> Usage:
    """For a server that does not count."""
    prompt = sum(len(message.content) for message in messages)
    return Usage(estimate_tokens(prompt), estimate_tokens(len(text)), estimated=True)


def estimate_tokens(characters: int) -> int:
    """Four characters a token."""
    return -(-characters // 4)


def add_costs(costs: Iterable[float | None]) -> float | None:
    """Their sum, without the errors of adding floats one by one; None if one of them is not known."""
    known: list[float] = []
    for each in costs:
        if each is None:
            return None
        known.append(each)
    return round(math.fsum(known), COST_DECIMALS)
