"""What models cost: the prices that come with the code, and before them those of the operator's own file."""

import datetime
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from orchestrator import shipped
from orchestrator.config import HTTPSettings, ProviderSettings
from orchestrator.errors import ConfigError
from orchestrator.providers.messages import COST_DECIMALS, Usage
from orchestrator.server_settings import Base, NotEmpty

PerMillion = Annotated[float, Meta(ge=0, le=1_000_000)]


class Price(Base, frozen=True, kw_only=True):
    """US dollars per million tokens of these models, by their exact names, at this host (None: wherever they are).

    Without `cached_input` the tokens that were in the provider's cache cost what others do.
    """

    models: Annotated[tuple[NotEmpty, ...], Meta(min_length=1)]
    host: NotEmpty | None = None
    input: PerMillion
    cached_input: PerMillion | None = None
    output: PerMillion
    date: datetime.date | None = None
    source: str = ""

    def cost(self, usage: Usage) -> float:
        """In US dollars."""
        cached = self.input if self.cached_input is None else self.cached_input
        read = (usage.prompt_tokens - usage.cached_tokens) * self.input + usage.cached_tokens * cached
        return round((read + usage.completion_tokens * self.output) / 1_000_000, COST_DECIMALS)


class _File(Base, frozen=True, kw_only=True):
    """The whole file."""

    prices: tuple[Price, ...] = ()


class Prices:
    """A price that no file has is not known: it is never zero.

    That holds for models of this machine, too: electricity and hardware are paid, nobody here knows how much, and Ollama serves
    paid models of others under the same address. Who counts one as free writes a row of zeros.
    """

    def __init__(self, own: Path | None = None) -> None:
        """`own`: the operator's file, whose rows win. Raises ConfigError."""
        files = [shipped.PRICES] if own is None else [own, shipped.PRICES]
        self._tables = [_load(each) for each in files]

    def find(self, settings: ProviderSettings) -> Price | None:
        """That of a provider, if it is known."""
        host = urlsplit(settings.base_url).hostname if isinstance(settings, HTTPSettings) else None
        for table in self._tables:
            if found := table.get((host, settings.model)) or table.get((None, settings.model)):
                return found
        return None


def cost(price: Price | None, usage: Usage) -> float | None:
    """None if that is not known; what used nothing costs nothing, whatever the price."""
    if not usage.total:
        return 0.0
    return price.cost(usage) if price else None


def _load(path: Path) -> dict[tuple[str | None, str], Price]:
    try:
        rows = msgspec.toml.decode(path.read_bytes(), type=_File).prices
    except OSError as error:
        raise ConfigError(f"prices: {path}: cannot be read: {error.strerror}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"prices: {path}: {error}") from None
    table: dict[tuple[str | None, str], Price] = {}
    for row in rows:
        for model in row.models:
            key = (row.host.lower() if row.host else None, model)
            if key in table:
                raise ConfigError(f"prices: {path}: {model} has two prices at {row.host or 'any host'}")
            table[key] = row
    return table
