"""The totals, and the state of pool and sandbox when they are read, as Prometheus reads them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import get_args

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from orchestrator.providers.pool import Pool
from orchestrator.providers.states import State, states
from orchestrator.sandbox.engine import Engine
from orchestrator.telemetry.totals import Totals

# A total of each provider, and what it is.
_OF_PROVIDERS = {
    "replies": ("rlm_replies", "Replies of models, those that failed in the end among them if anything came."),
    "prompt_tokens": ("rlm_prompt_tokens", "Tokens of prompts, of failed attempts too."),
    "completion_tokens": ("rlm_completion_tokens", "Tokens of replies, of failed attempts too."),
    "cached_tokens": ("rlm_cached_tokens", "Tokens of prompts that were in the provider's own cache."),
    "reasoning_tokens": ("rlm_reasoning_tokens", "Tokens of replies that are no text."),
    "cost": ("rlm_cost_dollars", "Cost in US dollars, of the calls of which it is known."),
    "unknown_costs": ("rlm_unknown_costs", "Calls of which the cost is not known."),
    "cache_hits": ("rlm_cache_hits", "Calls that were answered without asking, from what had been paid for."),
    "failed_attempts": ("rlm_failed_attempts", "Attempts at calls that failed and were tried again."),
}


class RunMetrics(Collector):
    """All that is known of runs, providers and the sandbox."""

    def __init__(self, totals: Totals, pool: Pool, engine: Engine) -> None:
        self._totals = totals
        self._pool = pool
        self._engine = engine

    def collect(self) -> Iterable[Metric]:
        """As they are now."""
        yield from self._of_runs()
        yield from self._of_replies()
        yield from self._of_pool()
        yield _gauge("rlm_sandboxes_alive", "Guests that hold memory.", self._engine.alive)
        yield _gauge("rlm_template_bytes", "Memory of loaded contexts.", self._engine.templates.held_bytes)

    def _of_runs(self) -> Iterator[Metric]:
        totals = self._totals
        yield _counter("rlm_runs_started", "Runs that have begun.", totals.started)
        yield _counters("rlm_runs", "Runs that have ended, by why they stopped.", "stopped", totals.stopped)
        yield _counter("rlm_turns", "Replies of root models that were acted on.", totals.turns)
        yield _counters("rlm_cells", "Cells that were begun, by kind.", "kind", totals.cells)
        yield _counters("rlm_rollbacks", "Cells that were stopped and rolled back, by limit.", "limit", totals.rollbacks)
        yield _counter("rlm_sub_calls", "Sub-calls that were sent.", totals.sub_calls)
        yield _counter("rlm_sub_calls_failed", "Sub-calls without an answer.", totals.failed_sub_calls)
        yield _counter("rlm_sub_calls_reused", "Sub-calls that were answered by one of their run.", totals.reused_sub_calls)

    def _of_replies(self) -> Iterator[Metric]:
        providers = self._totals.providers
        for field, (name, what) in _OF_PROVIDERS.items():
            yield _counters(name, what, "provider", {each: getattr(total, field) for each, total in providers.items()})
        queued = HistogramMetricFamily(
            "rlm_queue_seconds", "Time of a call in no provider's hands: queued, or held back by a limit.", labels=["provider"]
        )
        for each, total in providers.items():
            queued.add_metric([each], total.queued.buckets, total.queued.sum)
        yield queued

    def _of_pool(self) -> Iterator[Metric]:
        """`entry` is the place in [[providers]], from 0: two may have the same model's name."""
        labels = ["provider", "entry"]
        state = GaugeMetricFamily(
            "rlm_provider_state", "1 for the state that it is in (GET /providers).", labels=[*labels, "state"]
        )
        in_flight = GaugeMetricFamily("rlm_provider_calls_in_flight", "Calls that it has now.", labels=labels)
        calls = CounterMetricFamily("rlm_provider_calls", "Attempts, failed ones too.", labels=labels)
        failures = CounterMetricFamily("rlm_provider_failures", "Attempts that failed.", labels=labels)
        for number, each in enumerate(states(self._pool)):
            entry = [each.name, str(number)]
            for name in get_args(State):
                state.add_metric([*entry, name], name == each.state)
            in_flight.add_metric(entry, each.in_flight)
            calls.add_metric(entry, each.calls)
            failures.add_metric(entry, each.failures)
        yield from (state, in_flight, calls, failures)
        yield _gauge("rlm_queue_length", "Calls that wait for a provider.", len(self._pool.queue))


def _counter(name: str, what: str, value: float) -> Metric:
    return CounterMetricFamily(name, what, value)


def _gauge(name: str, what: str, value: float) -> Metric:
    return GaugeMetricFamily(name, what, value)


def _counters(name: str, what: str, label: str, values: Mapping[str, float]) -> Metric:
    family = CounterMetricFamily(name, what, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family
