"""One provider as the pool sees it: its slots, its circuit, its rate limit, its figures."""

import asyncio
import time
from collections.abc import Sequence

import msgspec

from orchestrator.config import HTTPSettings, ProviderSettings
from orchestrator.errors import ConfigError, ProviderError
from orchestrator.providers.circuit import Circuit
from orchestrator.providers.measures import Measures
from orchestrator.providers.messages import Message, Provider, Received, Schema, Usage
from orchestrator.providers.naming import names_of
from orchestrator.providers.prices import Price, Prices, cost

FIRST_LIMIT_SECONDS = 1.0  # of a rate limit whose end the server did not say; doubled each time
LONGEST_LIMIT_SECONDS = 60.0
LEAST_SHARE = 20  # of that, a server that says "at once" again and again is left alone for at least one part
DOUBT_SECONDS = 30.0  # that others are preferred to one with, say, a wrong key
# Settings on which no reply depends.
WITHOUT_EFFECT = {"alias", "role", "max_concurrency", "timeout_seconds", "stall_seconds", "weight", "api_key_env", "cache"}


class Slots:
    """How many calls one server takes at once, whichever of its models they are for."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0


class Backend:
    """A provider that calls are given to."""

    def __init__(self, provider: Provider, slots: Slots, price: Price | None) -> None:
        self.provider = provider
        self.settings = provider.settings
        self.name = provider.name
        self.names = names_of(self.settings)
        self.provider_type = str(type(provider.settings).__struct_config__.tag)
        self.slots = slots
        self.circuit = Circuit()
        self.measures = Measures()
        self.window: int | None = None  # in tokens, if that is known
        self.limited_until = 0.0  # by time.monotonic()
        self.in_flight = 0
        self._limits = 0  # in a row
        self.doubted_until = 0.0  # likewise
        self.price = price  # None if it is not known
        self.fingerprint = _fingerprint(self.settings)
        # Whether its replies are kept: if the settings say so, or else if they leave nothing to chance; not all can say that.
        self.is_cached = (
            getattr(self.settings, "temperature", None) == 0 if self.settings.cache is None else self.settings.cache
        )

    @property
    def free(self) -> bool:
        """Whether one more call may begin now."""
        return self.slots.used < self.slots.limit and self.circuit.free and not self.limited

    @property
    def limited(self) -> bool:
        """By its rate limit."""
        return time.monotonic() < self.limited_until

    @property
    def held_until(self) -> float:
        """When it can be asked again, by its rate limit and its circuit."""
        return max(self.limited_until, self.circuit.open_until)

    @property
    def doubted(self) -> bool:
        """Somebody has to mend it: it is asked only if there is no other."""
        return time.monotonic() < self.doubted_until

    @property
    def load(self) -> float:
        """What one more call would make of it, against what it takes."""
        return (self.slots.used + 1) / (self.slots.limit * self.settings.weight)

    def cost(self, usage: Usage) -> float | None:
        """In US dollars; None if its price is not known."""
        return cost(self.price, usage)

    def begin(self) -> None:
        """A call takes a slot."""
        self.slots.used += 1
        self.in_flight += 1
        self.circuit.begin()

    def end(self) -> None:
        """It gives it back."""
        self.slots.used -= 1
        self.in_flight -= 1
        self.circuit.end()

    async def call(
        self, messages: tuple[Message, ...], received: Received, schema: Schema | None, max_tokens: int | None = None
    ) -> None:
        """One attempt, in a slot that was taken. Raises ProviderError."""
        started = time.monotonic()
        limit = self.settings.timeout_seconds
        try:
            try:
                async with asyncio.timeout(limit):
                    await self.provider.complete(messages, received, schema, max_tokens)
            except TimeoutError:
                raise ProviderError(f"{self.name}: no reply within {limit:g} seconds (timeout_seconds)") from None
        except ProviderError as error:
            self._note(error, time.monotonic() - started)
            raise
        self._limits, self.doubted_until = 0, 0.0
        self.circuit.succeed()
        self.measures.add_reply(time.monotonic() - started, received.usage_for(messages))

    def _note(self, error: ProviderError, seconds: float) -> None:
        self.measures.add_failure(error)
        match error.remedy:
            case "later":
                self.circuit.fail(seconds)
            case "mend":
                self.doubted_until = time.monotonic() + DOUBT_SECONDS
            case "limited":
                self._limit(error.after)

    def _limit(self, after: float | None) -> None:
        # The refusals of calls that were under way side by side are one.
        self._limits += not self.limited
        guessed = min(FIRST_LIMIT_SECONDS * 2 ** min(self._limits - 1, 10), LONGEST_LIMIT_SECONDS)
        seconds = guessed if after is None else max(after, guessed / LEAST_SHARE)
        self.limited_until = max(self.limited_until, time.monotonic() + seconds)


def _fingerprint(settings: ProviderSettings) -> bytes:
    """The same for providers that give the same replies: it has every setting on which one may depend."""
    values = {name: each for name, each in msgspec.to_builtins(settings).items() if name not in WITHOUT_EFFECT}
    return msgspec.json.encode(values, order="sorted")


def make_backends(providers: Sequence[Provider], prices: Prices) -> list[Backend]:
    """One each; those of one server share its slots. Raises ConfigError if they disagree about how many these are."""
    shared: dict[str, Slots] = {}
    backends = []
    for provider in providers:
        settings = provider.settings
        slots = Slots(settings.max_concurrency)
        if isinstance(settings, HTTPSettings):
            server = settings.base_url.rstrip("/")
            slots = shared.setdefault(server, slots)
            if slots.limit != settings.max_concurrency:
                raise ConfigError(
                    f"providers: two of {server} have another max_concurrency ({slots.limit} and {settings.max_concurrency}): "
                    "it is that of the server, give both the same"
                )
        backends.append(Backend(provider, slots, prices.find(settings)))
    return backends
