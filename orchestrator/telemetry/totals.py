"""What the events of live runs add up to. Everything that it is keyed by is known beforehand: no text of a client, a model or
a backend becomes a key, and no number of theirs is taken that cannot be true.
"""

from collections.abc import Iterable
from typing import get_args

import msgspec

from orchestrator.journal.events import (
    AnyEvent,
    CellRolledBack,
    CellStarted,
    ModelFailed,
    ModelReplied,
    RunFinished,
    RunStarted,
    SubcallFinished,
    SubcallReused,
    SubcallStarted,
)
from orchestrator.journal.parts import Stopped
from orchestrator.providers.messages import Reply, Usage
from orchestrator.sandbox.messages import CellKind, TrapKind
from orchestrator.telemetry.histogram import Histogram

OTHER = "other"  # whatever is not known beforehand
MOST_TOKENS = 1 << 32  # of one reply
MOST_COST = 1e6  # of one reply, in US dollars


class ProviderTotals(msgspec.Struct):
    """Of one provider's name. `failed_attempts` were tried again, or given up; `cost` is in US dollars."""

    replies: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    cost: float = 0.0
    unknown_costs: int = 0
    cache_hits: int = 0
    failed_attempts: int = 0
    queued: Histogram = msgspec.field(default_factory=Histogram)

    def add(self, usage: Usage) -> None:
        """Tokens that it counted."""
        self.prompt_tokens += possible(usage.prompt_tokens)
        self.completion_tokens += possible(usage.completion_tokens)
        self.cached_tokens += possible(usage.cached_tokens)
        self.reasoning_tokens += possible(usage.reasoning_tokens)


class Totals:
    """An observer of all live runs of a server. Used in its event loop alone."""

    def __init__(self, providers: Iterable[str]) -> None:
        """`providers`: the names of those that are configured."""
        self.providers = {name: ProviderTotals() for name in (*providers, OTHER)}
        self.started = 0
        self.stopped = dict.fromkeys((*get_args(Stopped), OTHER), 0)
        self.turns = 0
        self.cells = dict.fromkeys(get_args(CellKind), 0)
        self.rollbacks = dict.fromkeys((*get_args(TrapKind), OTHER), 0)
        self.sub_calls = 0
        self.failed_sub_calls = 0
        self.reused_sub_calls = 0

    def add(self, event: AnyEvent) -> None:
        """One more event."""
        match event:
            case SubcallStarted():
                self.sub_calls += 1
            case SubcallFinished():
                self.failed_sub_calls += event.error is not None
                self._add_reply(event.reply)
            case SubcallReused():
                self.reused_sub_calls += 1
            case CellStarted():
                self.cells[event.kind] += 1
            case CellRolledBack():
                self.rollbacks[event.limit if event.limit in self.rollbacks else OTHER] += 1
            case ModelReplied():
                self.turns += not event.best_answer
                self._add_reply(event.reply)
            case ModelFailed():
                self._add_reply(event.reply)
            case RunStarted():
                self.started += 1
            case RunFinished():
                self.stopped[event.stopped if event.stopped in self.stopped else OTHER] += 1

    def _add_reply(self, reply: Reply | None) -> None:
        if reply is None:
            return
        provider = self._of(reply.provider)
        provider.replies += 1
        provider.cache_hits += reply.cached
        provider.queued.add(reply.waited)
        if reply.cost is not None and 0 <= reply.cost <= MOST_COST:
            provider.cost += reply.cost
        else:
            provider.unknown_costs += not reply.cached
        provider.add(reply.last_usage)
        for each in reply.failed:
            failing = self._of(each.provider)
            failing.failed_attempts += each.times
            failing.add(each.usage)

    def _of(self, name: str) -> ProviderTotals:
        return self.providers.get(name) or self.providers[OTHER]


def possible(count: int) -> int:
    """That many tokens, or 0 for what no reply has: a total never goes down, whatever a backend says."""
    return count if 0 <= count <= MOST_TOKENS else 0
