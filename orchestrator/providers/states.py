"""What each provider does now, for a person and for a program that watches."""

import math
import time
from typing import Literal

import msgspec

from orchestrator.config import HTTPSettings
from orchestrator.providers.backend import Backend
from orchestrator.providers.failures import address
from orchestrator.providers.measures import Figures
from orchestrator.providers.pool import Pool, Role

State = Literal["closed", "open", "half-open", "limited", "doubted"]  # the first three are its circuit's
DOWN: tuple[State, ...] = ("open", "doubted")  # a call would most likely fail


class ProviderState(Figures, frozen=True, kw_only=True):
    """One entry of [[providers]], and the figures of its last calls.

    `meaning` says in words what `state` is. `in_flight`: its calls; `slots_used` of `slots`: those of all models of its
    server. `waiting`: calls that wait and may go to it, or to another.
    """

    name: str
    provider_type: str
    model: str
    role: str
    address: str | None
    state: State
    meaning: str
    in_flight: int
    slots: int
    slots_used: int
    waiting: int

    @property
    def down(self) -> bool:
        return self.state in DOWN


def states(pool: Pool) -> list[ProviderState]:
    """Of all providers, in the order of the configuration."""
    return [_state_of(each, pool.queue.waiting_for(each)) for each in pool.backends]


def missing_roles(found: list[ProviderState]) -> list[Role]:
    """Those for which every provider is down."""
    roles: tuple[Role, ...] = ("root", "sub")
    return [role for role in roles if all(each.down for each in found if each.role in (role, "both"))]


def _state_of(backend: Backend, waiting: int) -> ProviderState:
    settings = backend.settings
    state, meaning = _explain(backend)
    return ProviderState(
        **msgspec.structs.asdict(backend.measures.figures()),
        name=backend.name,
        provider_type=backend.provider_type,
        model=settings.model,
        role=settings.role,
        address=address(settings) if isinstance(settings, HTTPSettings) else None,
        state=state,
        meaning=meaning,
        in_flight=backend.in_flight,
        slots=backend.slots.limit,
        slots_used=backend.slots.used,
        waiting=waiting,
    )


def _explain(backend: Backend) -> tuple[State, str]:
    match backend.circuit.state:
        case "open":
            return "open", f"its last calls failed: it is not asked for {_seconds_until(backend.circuit.open_until)} s"
        case "half-open":
            return "half-open", "its last calls failed: one call tries whether it is back"
    if backend.limited:
        return "limited", f"its rate limit ends in {_seconds_until(backend.limited_until)} s"
    if backend.doubted:
        return "doubted", "somebody has to mend it (last_error): it is asked only if there is no other"
    return "closed", "it is asked"


def _seconds_until(moment: float) -> int:
    return max(0, math.ceil(moment - time.monotonic()))
