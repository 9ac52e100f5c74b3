"""Settings of the server itself: where it listens, and who may knock. Beside them what all settings are made of."""

from typing import Annotated

import msgspec
from msgspec import Meta

Positive = Annotated[int, Meta(ge=1)]
PositiveSeconds = Annotated[float, Meta(gt=0)]
Dollars = Annotated[float, Meta(ge=0, le=1_000_000)]  # US
NotEmpty = Annotated[str, Meta(min_length=1)]
# As a browser writes them: a name or an address, without a port; a scheme, a host and perhaps a port.
HostName = Annotated[str, Meta(pattern=r"^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])\Z")]
Origin = Annotated[str, Meta(pattern=r"^https?://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?\Z")]


class Base(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody writes for us: a file, or a request. forbid_unknown_fields: a misspelt key is an error, not ignored."""


class TokenSettings(Base, frozen=True, kw_only=True):
    """One who may ask. The token is read from the environment variable `token_env`.

    `max_runs`: at once, without child runs; `max_bytes`: of all contexts that are kept for it; `max_kept_bytes`: of its runs
    that have ended.
    """

    name: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,64}\Z")]
    token_env: NotEmpty
    max_runs: Positive = 4
    requests_per_minute: Positive = 600
    max_bytes: Positive = 10_737_418_240
    max_kept_bytes: Annotated[int, Meta(ge=0)] = 1_073_741_824


class AuthSettings(Base, frozen=True, kw_only=True):
    """Who may ask. A server that others can reach needs tokens, unless everybody may."""

    allow_anonymous: bool = False
    tokens: tuple[TokenSettings, ...] = ()


class ServerSettings(Base, frozen=True, kw_only=True):
    """Where the server listens, what it takes on at once, and by whose names it may be asked.

    `budget_bytes`: of all runs, bodies and what is kept for them; 0: seven eighths of what the machine, or its group, has.
    `hosts`: names in a Host header, beside those of this machine; `origins`: other sites whose pages may ask.
    `park_seconds`: that a run waits for models before it is parked: it gives its guest up, and its place among `max_runs`; if
    others wait for a place, it is parked after a moment.
    `shutdown_seconds`: that runs have when the server is told to stop; then they end with what they have.
    """

    host: NotEmpty = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535)] = 8080
    max_request_bytes: Positive = 536_870_912
    budget_bytes: Annotated[int, Meta(ge=0)] = 0
    max_connections: Positive = 1000
    max_runs: Positive = 64
    max_queued_runs: Annotated[int, Meta(ge=0)] = 256
    park_seconds: PositiveSeconds = 5.0
    run_journal_bytes: Positive = 134_217_728
    query_chars: Positive = 100_000
    hosts: tuple[HostName, ...] = ()
    origins: tuple[Origin, ...] = ()
    shutdown_seconds: Annotated[float, Meta(ge=0)] = 20.0
