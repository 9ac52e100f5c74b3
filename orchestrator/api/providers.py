"""GET /providers: what each provider does now."""

import msgspec
from litestar import get
from litestar.di import NamedDependency

from orchestrator.api.openapi import SERVER, problems
from orchestrator.providers.states import ProviderState, states
from orchestrator.runs.service import RunService


class ProviderList(msgspec.Struct, frozen=True):
    """In the order of the configuration; `queue_length`: calls that wait for any of them."""

    queue_length: int
    providers: list[ProviderState]


@get(
    "/providers",
    summary="What each provider does now: its state, calls, latency, last error",
    tags=[SERVER],
    responses=problems(),
)
async def list_providers(runs: NamedDependency[RunService]) -> ProviderList:
    return ProviderList(len(runs.pool.queue), states(runs.pool))
