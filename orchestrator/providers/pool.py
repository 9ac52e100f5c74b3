"""All providers: choose one for a role, limit its concurrency, retry once."""

import asyncio
import contextlib
import random
import time
from collections.abc import Sequence
from typing import Literal

from orchestrator.errors import ProviderError
from orchestrator.providers.messages import Message, Provider, Received, Reply, Schema, Usage
from orchestrator.providers.windows import prompt_chars

Role = Literal["root", "sub"]
ATTEMPTS = 2
BACKOFF_SECONDS = 0.5
LONGEST_BACKOFF_SECONDS = 30.0
WINDOW_SECONDS = 2.0  # to say how much a model can read


class Pool:
    """All providers of a server: each call goes to the one for its role that has the fewest calls."""

    def __init__(self, providers: Sequence[Provider]) -> None:
        self._providers = providers
        self._calls = [0] * len(providers)
        self._windows: list[int | None] = [None] * len(providers)
        self._slots = [asyncio.Semaphore(each.settings.max_concurrency) for each in providers]

    def check(self, query: str) -> None:
        """Raises NotScripted if no run for this query could begin."""
        self._providers[self._choose("root")].check(query)

    async def find_windows(self) -> None:
        """Asks each provider how much it can read; who does not answer in time is not known."""

        async def ask(index: int, provider: Provider) -> None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(WINDOW_SECONDS):
                    self._windows[index] = await provider.find_window()

        await asyncio.gather(*(ask(index, each) for index, each in enumerate(self._providers)))

    def prompt_chars(self, role: Role) -> int | None:
        """About so many characters can a prompt have, whichever provider of the role gets it; None if that is not known."""
        windows = [self._windows[index] for index, each in enumerate(self._providers) if each.settings.role in (role, "both")]
        known = [each for each in windows if each is not None]
        return prompt_chars(min(known)) if known else None

    async def complete(self, role: Role, messages: tuple[Message, ...], schema: Schema | None = None) -> Reply:
        """One model call, tried again once if that may help; the text may still be empty.

        Raises ProviderError, with what came and what it cost as its `reply`.
        """
        started = time.monotonic()
        usage = Usage()
        for attempt in range(1, ATTEMPTS + 1):
            index, received, failure = self._choose(role), Received(), None
            try:
                await self._call(index, messages, received, schema)
            except ProviderError as error:
                failure = error
            usage += received.usage_for(messages)
            reply = Reply(
                provider=self._providers[index].name,
                text=received.text,
                reasoning=received.reasoning,
                usage=usage,
                attempts=attempt,
                seconds=time.monotonic() - started,
                cut=received.cut,
            )
            if attempt == ATTEMPTS or not _may_help(reply, failure):
                break
            if failure:
                await asyncio.sleep(_backoff(failure))
        if failure:
            failure.reply = reply if usage != Usage() else None
            raise failure
        return reply

    def _choose(self, role: Role) -> int:
        """The provider for this role with the fewest calls; the first among equals."""
        candidates = [index for index, each in enumerate(self._providers) if each.settings.role in (role, "both")]
        return min(candidates, key=lambda index: self._calls[index])

    async def _call(self, index: int, messages: tuple[Message, ...], received: Received, schema: Schema | None) -> None:
        provider = self._providers[index]
        seconds = provider.settings.timeout_seconds
        self._calls[index] += 1
        try:
            async with self._slots[index], asyncio.timeout(seconds):
                await provider.complete(messages, received, schema)
        except TimeoutError:
            raise ProviderError(f"{provider.name}: no reply within {seconds:g} seconds (timeout_seconds)") from None
        finally:
            self._calls[index] -= 1


def _may_help(reply: Reply, failure: ProviderError | None) -> bool:
    """To ask again: after a failure that may pass, and an empty reply that was not too long either."""
    return failure.retry if failure else not (reply.text.strip() or reply.cut)


def _backoff(error: ProviderError) -> float:
    wanted = error.after if error.after is not None else BACKOFF_SECONDS * random.uniform(1, 2)
    return min(wanted, LONGEST_BACKOFF_SECONDS)
