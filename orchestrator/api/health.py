"""GET /health: 200 as long as the server lives. GET /health/ready: 200 if it could answer a query now."""

import msgspec
from litestar import get
from litestar.di import NamedDependency

from orchestrator import __version__
from orchestrator.api.openapi import SERVER, problems
from orchestrator.errors import NotReady
from orchestrator.providers.states import ProviderState, missing_roles, states
from orchestrator.runs.service import RunService


class ProviderCounts(msgspec.Struct, frozen=True):
    """How many are asked, and how many are down; GET /providers says which."""

    up: int
    down: int


class Health(msgspec.Struct, frozen=True):
    """`status` is "ok": who is not says nothing."""

    status: str
    version: str
    providers: ProviderCounts


@get("/health", summary="Whether the server lives, and how many of its providers do", tags=[SERVER], responses=problems())
async def health(runs: NamedDependency[RunService]) -> Health:
    return _health(states(runs.pool))


@get(
    "/health/ready",
    summary="Whether a query could be answered now: 503 if all providers of a role are down, or it is being stopped",
    tags=[SERVER],
    responses=problems(),
)
async def ready(runs: NamedDependency[RunService]) -> Health:
    if runs.stopping:
        raise NotReady("the server is stopping")
    found = states(runs.pool)
    if missing := missing_roles(found):
        raise NotReady(f"all providers are down for the role {' and '.join(missing)}: GET /providers says why")
    return _health(found)


def _health(found: list[ProviderState]) -> Health:
    down = [each.down for each in found]
    return Health("ok", __version__, ProviderCounts(up=down.count(False), down=down.count(True)))
