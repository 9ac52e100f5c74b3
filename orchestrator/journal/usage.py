"""What a run used and what that cost, by model and in all: a fold over its events."""

import functools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from orchestrator.journal.events import AnyEvent, ChildFinished, ModelFailed, ModelReplied, SubcallFinished, run_started
from orchestrator.journal.parts import Spent
from orchestrator.providers.messages import Reply, Usage, add_costs, estimate_tokens


class ModelUsage(msgspec.Struct, frozen=True, kw_only=True):
    """`cached_tokens` are part of the prompts', `reasoning_tokens` of the completions'; `estimated` if a server did not count.

    `retried_tokens` are those of attempts that brought no reply. `cost`: US dollars; None if a price is not known.
    `cache_hits`: replies that were paid for before; they are no calls.
    """

    calls: int
    cache_hits: int
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    reasoning_tokens: int
    retried_tokens: int
    estimated: bool
    cost: float | None

    @property
    def total_tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens


class RunUsage(ModelUsage, frozen=True, kw_only=True):
    """Of all models together; `models` has each by its name, and says whose cost is not known."""

    models: dict[str, ModelUsage]


def own(events: Sequence[AnyEvent]) -> Sequence[AnyEvent]:
    """What the run itself did, and paid for: without what a fork has from its origin."""
    return events[1 + run_started(events).copied :]


def usage(events: Iterable[AnyEvent]) -> RunUsage:
    """Of all calls, their failed attempts and those of child runs included."""
    parts = list(spent(events))
    models: dict[str, list[Spent]] = {}
    for part in parts:
        models.setdefault(part.model, []).append(part)
    by_model = {model: ModelUsage(**_sum(each)) for model, each in models.items()}
    return RunUsage(**_sum(parts), models=by_model)


def spent(events: Iterable[AnyEvent]) -> Iterator[Spent]:
    """By each reply, or child run."""
    for event in events:
        if isinstance(event, ModelReplied | ModelFailed | SubcallFinished) and event.reply is not None:
            yield from _parts(event.reply)
        elif isinstance(event, ChildFinished):
            yield from event.spent


def spent_by_model(events: Iterable[AnyEvent]) -> tuple[Spent, ...]:
    """Of each model what brought replies, and what did not."""
    parts: dict[tuple[str, bool], list[Spent]] = {}
    for each in spent(events):
        parts.setdefault((each.model, each.retried), []).append(each)
    return tuple(
        Spent(
            model,
            sum(each.calls for each in own),
            functools.reduce(Usage.__add__, (each.usage for each in own)),
            add_costs(each.cost for each in own),
            retried=retried,
            hits=sum(each.hits for each in own),
        )
        for (model, retried), own in parts.items()
    )


def replies(events: Iterable[AnyEvent]) -> Iterator[Reply]:
    """Of the root model and of sub-models, also those of which an error came."""
    for event in events:
        if isinstance(event, ModelReplied | ModelFailed | SubcallFinished) and event.reply is not None:
            yield event.reply


def baseline_tokens(events: Sequence[AnyEvent]) -> int:
    """About so many would have been read, had the whole input been sent once with the question."""
    started = run_started(events)
    return estimate_tokens(started.context_length + len(started.query))


def savings_pct(baseline: int, used: RunUsage) -> float:
    """Percent of the baseline that were not used; negative if the run used more. All that it read and wrote counts."""
    return round(100 * (1 - used.total_tokens / baseline), 1)


def _parts(reply: Reply) -> Iterator[Spent]:
    rest = reply.attempts - sum(each.times for each in reply.failed)
    own = reply.last_usage
    for each in reply.failed:
        yield Spent(each.provider, each.times, each.usage, each.cost, retried=True)
    # Nothing is left of a call whose attempts all failed.
    if rest or own.total or reply.cached:
        yield Spent(reply.provider, rest, own, reply.last_cost, hits=int(reply.cached))


def _sum(parts: Sequence[Spent]) -> dict[str, Any]:
    counts = ("prompt_tokens", "completion_tokens", "cached_tokens", "reasoning_tokens")
    return {name: sum([getattr(each.usage, name) for each in parts]) for name in counts} | {
        "calls": sum([each.calls for each in parts]),
        "cache_hits": sum([each.hits for each in parts]),
        "retried_tokens": sum([each.usage.total for each in parts if each.retried]),
        "estimated": any(each.usage.estimated for each in parts),
        "cost": add_costs([each.cost for each in parts]),
    }
