"""The headers of requests: the key's, those of the configuration, and what would be no header."""

import re

from orchestrator.config import HTTPSettings
from orchestrator.errors import ConfigError

BEARER = "Authorization"
PLAIN = {"Accept-Encoding": "identity"}
# Those that make the request what it is, or carry the key.
_OWN = {
    *("authorization", "proxy-authorization", "api-key", "x-api-key", "anthropic-version", "accept-encoding", "connection"),
    *("content-encoding", "content-length", "content-type", "expect", "host", "te", "trailer", "transfer-encoding", "upgrade"),
}
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
SHORTEST_KEY = 16  # that is cut out of replies; servers on this machine are often given a word as a key
SHORTEST_SECRET = 6  # a shorter value of a header is a word of every error


def own_headers(settings: HTTPSettings, key_header: str, key: str | None) -> dict[str, str]:
    """Of every request to a provider."""
    prefix = "Bearer " if key_header == BEARER else ""
    return (settings.headers or {}) | PLAIN | ({key_header: f"{prefix}{key}"} if key else {})


def secrets_of(settings: HTTPSettings, key: str | None) -> list[str]:
    """What no error may show, the longest first: one may be part of another."""
    values = [value for value in (settings.headers or {}).values() if len(value) >= SHORTEST_SECRET]
    return sorted([*filter(None, [key]), *values], key=len, reverse=True)


def key_to_hide(key: str | None) -> str:
    """What no reply may show; "" if the key could be a word of one."""
    return key if key and len(key) >= SHORTEST_KEY else ""


def check_headers(settings: HTTPSettings, key: str | None) -> None:
    """And the key: what only a request would show. Raises ConfigError, which shows no value."""
    if not _fits(key or ""):
        raise ConfigError(
            f"providers: api_key_env: the key in the environment variable {settings.api_key_env} has a space, a line end or "
            "another character that no key has"
        )
    for name, value in (settings.headers or {}).items():
        if not _TOKEN.fullmatch(name):
            raise ConfigError(f"providers: headers: {name!r} is no name of a header")
        if name.lower() in _OWN:
            raise ConfigError(f"providers: headers.{name}: every request has its own (a key is named by api_key_env)")
        if not _fits(value):
            raise ConfigError(
                f"providers: headers.{name}: its value begins or ends with a space, or has a character of no header"
            )


def _fits(value: str) -> bool:
    return value.isascii() and value.isprintable() and value == value.strip()
