"""Tokens as servers count them, in this project's meaning: of a prompt all, cached ones too; of a reply all, reasoning too."""

from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta

from orchestrator.providers.messages import COST_DECIMALS, Usage

MOST_COST = 1e6  # of one attempt, in US dollars; what a server says beyond that is no cost

Count = Annotated[int, Meta(ge=0, le=2**53)]
NOTHING = msgspec.Raw(b"null")

T = TypeVar("T")


class _PromptDetails(msgspec.Struct):
    cached_tokens: Count | None = None


class _CompletionDetails(msgspec.Struct):
    reasoning_tokens: Count | None = None


class _Counts(msgspec.Struct):
    """`usage` of the OpenAI-compatible protocol. prompt_cache_hit_tokens is DeepSeek's."""

    prompt_tokens: Count | None = None
    completion_tokens: Count | None = None
    total_tokens: Count | None = None
    prompt_tokens_details: _PromptDetails | None = None
    completion_tokens_details: _CompletionDetails | None = None
    prompt_cache_hit_tokens: Count | None = None


class _Charged(msgspec.Struct):
    """The same `usage`: what a gateway charged for the call, in US dollars. Perplexity has a table there."""

    cost: Annotated[float, Meta(ge=0, le=MOST_COST)] | None = None


class _OutputDetails(msgspec.Struct):
    thinking_tokens: Count | None = None


class AnthropicCounts(msgspec.Struct):
    """`usage` of Anthropic: input_tokens are those beside the cached ones. A later one has only what is new."""

    input_tokens: Count | None = None
    cache_creation_input_tokens: Count | None = None
    cache_read_input_tokens: Count | None = None
    output_tokens: Count | None = None
    output_tokens_details: _OutputDetails | None = None

    def updated(self, raw: msgspec.Raw) -> "AnthropicCounts":
        """With what a later one says."""
        later = _decoded(raw, AnthropicCounts)
        known = {name: value for name in self.__struct_fields__ if (value := getattr(later, name, None)) is not None}
        return msgspec.structs.replace(self, **known)

    def usage(self) -> Usage | None:
        """None if it does not say."""
        if self.input_tokens is None or self.output_tokens is None:
            return None
        cached = self.cache_read_input_tokens or 0
        details = self.output_tokens_details or _OutputDetails()
        return Usage(
            self.input_tokens + cached + (self.cache_creation_input_tokens or 0),
            self.output_tokens,
            cached_tokens=cached,
            reasoning_tokens=min(details.thinking_tokens or 0, self.output_tokens),
        )


def openai_usage(raw: msgspec.Raw) -> Usage | None:
    """None if there is none, or none that can be believed: it is estimated then."""
    counts = _decoded(raw, _Counts)
    if counts is None or counts.prompt_tokens is None or counts.completion_tokens is None:
        return None
    prompt = counts.prompt_tokens
    cached = (counts.prompt_tokens_details or _PromptDetails()).cached_tokens or counts.prompt_cache_hit_tokens or 0
    reasoning = (counts.completion_tokens_details or _CompletionDetails()).reasoning_tokens or 0
    # xAI and Gemini count reasoning in the total alone: what is missing in it is reasoning.
    beyond = max(0, (counts.total_tokens or 0) - prompt - counts.completion_tokens)
    completion = counts.completion_tokens + beyond
    return Usage(
        prompt, completion, cached_tokens=min(cached, prompt), reasoning_tokens=min(max(reasoning, beyond), completion)
    )


def openai_cost(raw: msgspec.Raw) -> float | None:
    """In US dollars; None if the server does not say, or nothing that can be believed."""
    charged = _decoded(raw, _Charged)
    return None if charged is None or charged.cost is None else round(charged.cost, COST_DECIMALS)


def _decoded(raw: msgspec.Raw, kind: type[T]) -> T | None:
    try:
        return msgspec.json.decode(raw, type=kind | None)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
