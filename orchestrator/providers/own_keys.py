"""Models that a caller pays for: asked with a key that is held for one run alone, at hosts that the operator allows."""

from typing import Any

import httpx
import msgspec

from orchestrator.config import PROVIDER_TYPES, HTTPSettings, OwnKeySettings
from orchestrator.errors import ConfigError, Forbidden, InvalidRequest
from orchestrator.providers.backend import make_backends
from orchestrator.providers.make import make_provider
from orchestrator.providers.messages import OwnModels
from orchestrator.providers.pool import Models
from orchestrator.providers.prices import Prices
from orchestrator.providers.public_connections import PublicConnections


class OwnKeys:
    """Makes providers of what callers name."""

    def __init__(self, settings: OwnKeySettings, prices: Prices) -> None:
        self._settings = settings
        self._prices = prices
        self._connections = PublicConnections(settings.own_key_hosts) if settings.allow_own_keys else None

    def models(self, wanted: OwnModels) -> Models:
        """For one run. Raises Forbidden, InvalidRequest."""
        if self._connections is None:
            raise Forbidden("own keys are not allowed by this server (own_keys.allow_own_keys)")
        try:
            root = make_provider(self._place(wanted, wanted.model), self._connections, wanted.key)
            sub = make_provider(self._place(wanted, wanted.sub_model or wanted.model), self._connections, wanted.key)
        except ConfigError:
            raise InvalidRequest("X-RLM-Provider or X-RLM-Key: it is no provider, no URL, or no key") from None
        backends = make_backends([root, sub], self._prices)
        return Models((backends[0],), (backends[1],), own=True)

    def _place(self, wanted: OwnModels, model: str) -> Any:
        named = PROVIDER_TYPES.get(wanted.provider)
        kind = named or PROVIDER_TYPES["openai"]
        fields = {"model": model} | ({} if named else {"base_url": wanted.provider})
        try:
            settings = msgspec.convert(fields, kind)
        except msgspec.ValidationError:
            raise InvalidRequest(
                "X-RLM-Provider: it must be a provider_type whose address is known, or a base_url that begins with https://"
            ) from None
        if not isinstance(settings, HTTPSettings):
            raise InvalidRequest(f"X-RLM-Provider: {wanted.provider} takes no key")
        self._check(settings.base_url, named=named is not None)
        return settings

    def _check(self, base_url: str, *, named: bool) -> None:
        try:
            url = httpx.URL(base_url)
        except httpx.InvalidURL:
            raise InvalidRequest("X-RLM-Provider: it is no URL") from None
        if url.host in self._settings.own_key_hosts or (named and url.scheme == "https"):
            return
        raise Forbidden(f"own keys go to known providers and to hosts that the operator lists, not to {url.host[:100]!r}")
