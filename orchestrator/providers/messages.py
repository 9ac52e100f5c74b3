"""What every provider offers, and the values that go in and out."""

from typing import Any, Literal, Protocol

import msgspec

from orchestrator.config import ProviderSettings
from orchestrator.journal.events import Usage

Schema = dict[str, Any]  # a JSON Schema


class Message(msgspec.Struct, frozen=True):
    role: Literal["system", "user", "assistant"]
    content: str


class Completion(msgspec.Struct, frozen=True, kw_only=True):
    """One reply. `reasoning` is what the provider sent beside the text; it is kept, never parsed."""

    text: str
    reasoning: str = ""
    usage: Usage


class Provider(Protocol):
    """One backend."""

    name: str

    @property
    def settings(self) -> ProviderSettings: ...

    def check(self, query: str) -> None:
        """Raises NotScripted where a run for this query could not even begin."""

    async def complete(self, messages: tuple[Message, ...], schema: Schema | None = None) -> Completion:
        """One model call; a backend that can constrain decoding holds the reply to `schema`. Raises ProviderError."""
        ...


def estimated_usage(messages: tuple[Message, ...], text: str) -> Usage:
    """For a server that does not count: four characters a token."""
    prompt = sum(len(message.content) for message in messages)
    return Usage(-(-prompt // 4), -(-len(text) // 4), estimated=True)
