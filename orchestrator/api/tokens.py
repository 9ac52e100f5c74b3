"""Who asks: a token of the configuration, or anybody where the operator allows it. What each one may have at once."""

import hashlib
import hmac
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from orchestrator.api.hosts import is_loopback, normal_name
from orchestrator.errors import ConfigError, TooMany
from orchestrator.server_settings import AuthSettings, ServerSettings, TokenSettings

SHORTEST = 20  # characters of a token
MOST_STREAMS = 100  # of events, that a token may read at once: each is one of the server's connections
SESSION_SECONDS = 12 * 3600  # that a browser stays signed in


class Caller:
    """Somebody who may ask, and how much. Without settings: anybody, without limits of their own."""

    def __init__(self, settings: TokenSettings | None = None, secret: str = "") -> None:
        self.name = settings.name if settings else ""
        self.max_bytes = settings.max_bytes if settings else None
        self._settings = settings
        self.digest = hashlib.sha256(secret.encode()).digest()
        self._streams = 0
        self._replays = 0
        self._requests_left = float(settings.requests_per_minute) if settings else 0.0
        self._counted = time.monotonic()

    def is_token(self, given: str) -> bool:
        """In the same time, whatever is given."""
        return hmac.compare_digest(self.digest, hashlib.sha256(given.encode()).digest())

    def sign(self, expires: int) -> str:
        """What a browser gives instead of the token, until that time; the token cannot be told from it."""
        signed = hmac.digest(self.digest, f"sign-in {self.name} {expires}".encode(), "sha256")
        return f"{self.name}.{expires}.{signed.hex()}"

    def count_request(self) -> None:
        """Raises TooMany if the requests of a minute are used up; each that is used comes back after its part of a minute."""
        if self._settings is None:
            return
        most = self._settings.requests_per_minute
        now = time.monotonic()
        self._requests_left = min(most, self._requests_left + (now - self._counted) * most / 60)
        self._counted = now
        if self._requests_left < 1:
            after = (1 - self._requests_left) * 60 / most
            raise TooMany(f"this token may send {most} requests a minute (auth.tokens.requests_per_minute)", after)
        self._requests_left -= 1

    def check_runs(self, count: int) -> None:
        """`count` of its runs go on, beside replays. Raises TooMany if it may have no more."""
        if self._settings and count + self._replays >= self._settings.max_runs:
            raise TooMany(f"this token may have {self._settings.max_runs} runs at once (auth.tokens.max_runs)", 1)

    @contextmanager
    def replaying(self) -> Iterator[None]:
        """One more of what counts as a run."""
        self._replays += 1
        try:
            yield
        finally:
            self._replays -= 1

    def check_streams(self) -> None:
        """Raises TooMany if it reads as many streams of events as it may."""
        if self._settings and self._streams >= MOST_STREAMS:
            raise TooMany(f"this token may read {MOST_STREAMS} streams of events at once", 1)

    @contextmanager
    def reading_stream(self) -> Iterator[None]:
        """One more of them."""
        self._streams += 1
        try:
            yield
        finally:
            self._streams -= 1


ANYBODY = Caller()


class Tokens:
    """All who may ask. Without any, everybody may."""

    def __init__(self, settings: AuthSettings, server: ServerSettings) -> None:
        """Raises ConfigError if a token is missing or cannot be one, or if nothing says who may ask over a network."""
        self.is_open = settings.allow_anonymous
        if not (settings.tokens or self.is_open or is_loopback(normal_name(server.host))):
            raise ConfigError(
                f"server.host: {server.host} can be reached from other machines: list who may ask in [[auth.tokens]], or say "
                "auth.allow_anonymous = true if everybody may"
            )
        self.callers = [_read(each, place) for place, each in enumerate(settings.tokens)]
        if len({each.name for each in settings.tokens}) < len(settings.tokens):
            raise ConfigError("auth.tokens: two have the same name")
        if len({each.digest for each in self.callers}) < len(self.callers):
            raise ConfigError("auth.tokens: two are the same token")

    def find(self, given: str) -> Caller | None:
        """Whose token it is. All are looked at, so that the time says nothing."""
        found = [each for each in self.callers if each.is_token(given)]
        return found[0] if found else None

    def find_signed_in(self, cookie: str) -> Caller | None:
        """Whom a browser has signed in as."""
        expires = cookie.partition(".")[2].partition(".")[0]
        if not (expires.isascii() and expires.isdigit() and len(expires) < 20 and int(expires) > time.time()):
            return None
        signed = [each for each in self.callers if hmac.compare_digest(each.sign(int(expires)).encode(), cookie.encode())]
        return signed[0] if signed else None


def _read(settings: TokenSettings, place: int) -> Caller:
    secret = os.environ.get(settings.token_env, "")
    if len(secret) < SHORTEST or not secret.isascii() or not secret.isprintable() or " " in secret:
        state = "has no token: at least 20 characters of ASCII without spaces" if secret else "is not set"
        raise ConfigError(f"auth.tokens[{place}].token_env: the environment variable {settings.token_env} {state}")
    return Caller(settings, secret)
