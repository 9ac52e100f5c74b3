"""What a run used, cost and took, by the names that users of similar systems know."""

from collections.abc import Sequence

import msgspec

from orchestrator.journal.events import AnyEvent, ModelFailed, ModelReplied, SubcallFinished
from orchestrator.journal.results import State, result
from orchestrator.journal.usage import ModelUsage, own


class Cost(msgspec.Struct, frozen=True):
    """US dollars; None if a price is not known: `by_model` says whose."""

    total_usd: float | None
    by_model: dict[str, float | None]


class Tokens(msgspec.Struct, frozen=True, kw_only=True):
    """`total` is prompts and completions; `cached` are part of the first, `reasoning` of the second, `retried` of both."""

    total: int
    prompt: int
    completion: int
    cached: int
    reasoning: int
    retried: int
    estimated: bool
    by_model: dict[str, int]


class CacheUse(msgspec.Struct, frozen=True):
    """Of the sub-calls that have ended: how many were answered by replies that had been paid for before."""

    hits: int
    misses: int
    hit_rate_percent: float


class RunMetrics(msgspec.Struct, frozen=True, kw_only=True):
    """`sub_lm_calls` is `sub_calls`. `model_seconds` are those of the root model's calls, `sub_calls_seconds` the sum of those
    of sub-calls, which go on side by side.
    """

    run_id: str
    success: bool
    stopped: State
    iterations: int
    sub_calls: int
    sub_lm_calls: int
    processing_time_seconds: float
    model_seconds: float
    sub_calls_seconds: float
    cost: Cost
    tokens: Tokens
    cache: CacheUse
    baseline_tokens: int
    token_savings_pct: float
    models: dict[str, ModelUsage]


def metrics(events: Sequence[AnyEvent]) -> RunMetrics:
    """Of a run, also while it goes on."""
    found = result(events)
    used = found.usage
    ended = [event for event in own(events) if isinstance(event, SubcallFinished)]
    root = [event.reply for event in own(events) if isinstance(event, ModelReplied | ModelFailed)]
    misses = len(ended) - used.cache_hits
    return RunMetrics(
        run_id=found.run_id,
        success=found.success,
        stopped=found.stopped,
        iterations=found.iterations,
        sub_calls=found.sub_calls,
        sub_lm_calls=found.sub_calls,
        processing_time_seconds=found.duration_ms / 1000,
        model_seconds=round(sum(each.seconds for each in root if each), 3),
        sub_calls_seconds=round(sum(each.reply.seconds for each in ended if each.reply), 3),
        cost=Cost(used.cost, {name: each.cost for name, each in used.models.items()}),
        tokens=Tokens(
            total=used.total_tokens,
            prompt=used.prompt_tokens,
            completion=used.completion_tokens,
            cached=used.cached_tokens,
            reasoning=used.reasoning_tokens,
            retried=used.retried_tokens,
            estimated=used.estimated,
            by_model={name: each.total_tokens for name, each in used.models.items()},
        ),
        cache=CacheUse(used.cache_hits, misses, round(100 * used.cache_hits / len(ended), 1) if ended else 0.0),
        baseline_tokens=found.baseline_tokens,
        token_savings_pct=found.token_savings_pct,
        models=used.models,
    )
