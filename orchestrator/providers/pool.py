"""All providers: who is asked for which role, and how much they can read."""

import asyncio
import contextlib
from collections.abc import Awaitable, Sequence
from typing import Literal

import msgspec

from orchestrator.amounts import Need
from orchestrator.config import DEFAULTS
from orchestrator.errors import UnknownModel
from orchestrator.providers.attempts import Attempts, Request
from orchestrator.providers.backend import Backend, make_backends
from orchestrator.providers.cache import Cache, key_of
from orchestrator.providers.messages import Provider, Reply
from orchestrator.providers.needs import need
from orchestrator.providers.prices import Prices
from orchestrator.providers.queue import Candidates, Queue
from orchestrator.providers.windows import prompt_chars

Role = Literal["root", "sub"]
WINDOW_SECONDS = 2.0  # to say how much a model can read


class Models(msgspec.Struct, frozen=True):
    """Who answers a run: the providers that its root model and its sub-calls may go to; `own`: its caller brought them."""

    root: Candidates
    sub: Candidates
    own: bool = False

    @property
    def sub_prompt_chars(self) -> int | None:
        """About so many characters can a sub-call's prompt have, whoever gets it; None if that is not known."""
        known = [each.window for each in self.sub if each.window is not None]
        return prompt_chars(min(known)) if known else None

    @property
    def history_chars(self) -> int | None:
        """Half of what any of the root's can read, in characters; None if that is not known."""
        known = [each.window for each in self.root if each.window is not None]
        return max(1, prompt_chars(min(known)) // 2) if known else None


class Pool:
    """All providers of a server."""

    def __init__(
        self,
        providers: Sequence[Provider],
        retry_seconds: float = DEFAULTS.retry_seconds,
        prices: Prices | None = None,
        cache: Cache | None = None,
    ) -> None:
        """Without `prices` the shipped ones; without `cache` nothing is kept. Raises ConfigError."""
        self.prices = prices or Prices()
        self.backends = make_backends(providers, self.prices)
        self.queue = Queue()
        self._retry_seconds = retry_seconds
        self._cache = cache

    @property
    def provider_types(self) -> dict[str, str]:
        """By the names of the providers."""
        return {each.name: each.provider_type for each in self.backends}

    def check(self, query: str, models: Models) -> None:
        """Raises NotScripted if no run for this query could begin."""
        models.root[0].provider.check(query)

    def choose(self, root_model: str | None = None, sub_model: str | None = None) -> Models:
        """Those of each role, or of them those of that name. Raises UnknownModel."""
        return Models(
            _named(self.backends, "root_model", "root", root_model), _named(self.backends, "sub_model", "sub", sub_model)
        )

    def choose_sub(self, name: str, models: Models) -> Candidates:
        """Those of that name for a sub-call of a run that `models` answer: a caller's own ones know no others.

        Raises UnknownModel.
        """
        return _named(self._known(models), "sub_model", "sub", name)

    def choose_child(self, name: str, models: Models) -> Models:
        """The same for the root of its child run. Raises UnknownModel."""
        return msgspec.structs.replace(models, root=_named(self._known(models), "root_model", "root", name))

    def _known(self, models: Models) -> Sequence[Backend]:
        return (*models.sub, *models.root) if models.own else self.backends

    async def find_windows(self) -> None:
        """Asks each provider how much it can read; who does not answer in time is not known."""

        async def ask(backend: Backend) -> None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(WINDOW_SECONDS):
                    backend.window = await backend.provider.find_window()

        await asyncio.gather(*(ask(each) for each in self.backends))

    async def complete(self, candidates: Candidates, request: Request) -> Reply:
        """One model call, tried again as long as that may help; the text may still be empty.

        Raises ProviderError, with what came and what it cost as its `reply`.
        """

        def ask() -> Awaitable[Reply]:
            return Attempts(self.queue, candidates, request, self._retry_seconds).reply()

        if self._cache is None or not _may_be_kept(candidates, request):
            return await ask()
        return await self._cache.reply(key_of(candidates, request), ask)

    async def need(self, candidates: Candidates, request: Request) -> Need | None:
        """What that call can take at most, in one attempt; None if its reply is kept."""
        if self._cache is not None and _may_be_kept(candidates, request) and await self._cache.has(key_of(candidates, request)):
            return None
        return need(candidates, request.messages, request.schema, request.max_tokens)


def _may_be_kept(candidates: Candidates, request: Request) -> bool:
    return request.sample is not None and all(each.is_cached for each in candidates)


def _named(backends: Sequence[Backend], field: str, role: Role, name: str | None) -> Candidates:
    """Raises UnknownModel."""
    of_role = [each for each in backends if each.settings.role in (role, "both")]
    chosen = tuple(each for each in of_role if name is None or name in each.names)
    if not chosen:
        known = ", ".join(dict.fromkeys(each.names[0] for each in of_role))
        raise UnknownModel(f"{field}: there is no {name!r} for this role; these are configured: {known}")
    return chosen
