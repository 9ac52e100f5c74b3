"""A model of the caller's own: any object with one async method."""

from typing import Any, Literal, Protocol

import msgspec

from orchestrator.config import ProviderSettings
from orchestrator.errors import ProviderError
from orchestrator.providers.messages import Message, Received, Schema, Usage

Role = Literal["root", "sub", "both"]


class Completion(msgspec.Struct, frozen=True, kw_only=True):
    """A reply, and what it cost. `reasoning` is kept, never parsed; `cut`: it ended at the model's token limit."""

    text: str
    reasoning: str = ""
    usage: Usage
    cut: bool = False


class OwnModel(Protocol):
    """`complete` is called in RLM's own event loop, for as many prompts at once as there are."""

    async def complete(self, messages: tuple[Message, ...], schema: Schema | None = None) -> str | Completion:
        """The reply to messages (role, content); `schema`: what JSON it should be, if any.

        It is given `max_tokens=` too, if a cell asks for a limit, or its run has one of tokens or money.
        """
        ...


class OwnProvider:
    """It, among the providers of a pool."""

    def __init__(self, model: OwnModel, role: Role) -> None:
        self._model = model
        self.name = str(getattr(model, "name", type(model).__name__))
        self.settings = ProviderSettings(model=self.name, role=role)

    def check(self, query: str) -> None:
        """It takes any query."""

    async def list_models(self) -> None:
        """It has no server."""

    async def find_window(self) -> None:
        """It does not say."""

    async def complete(
        self, messages: tuple[Message, ...], received: Received, schema: Schema | None = None, max_tokens: int | None = None
    ) -> None:
        """Raises ProviderError with what the caller's own code raised."""
        try:
            limit = {} if max_tokens is None else {"max_tokens": max_tokens}
            reply: Any = await self._model.complete(messages, schema, **limit)
        except ProviderError:
            raise
        except Exception as error:
            raise ProviderError(f"{self.name}: {type(error).__name__}: {error}") from error
        if isinstance(reply, Completion):
            received.add(reply.text, reply.reasoning)
            received.usage, received.cut = reply.usage, reply.cut
        elif isinstance(reply, str):
            received.add(reply)
        else:
            raise ProviderError(f"{self.name}: complete must return a str or a Completion, not {type(reply).__name__}")
