"""What is known of a provider by its last calls."""

import time
from collections import deque

import msgspec

from orchestrator.errors import ProviderError
from orchestrator.providers.messages import Usage

KEPT = 200  # calls that the figures are of


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """Of the last 200 calls that brought a reply, in seconds; the counts are of all calls since the start.

    `last_failure_seconds`: how long ago that was.
    """

    calls: int
    failures: int
    latency_p50: float | None
    latency_p95: float | None
    tokens_per_second: float | None
    last_error: str | None
    last_failure_seconds: float | None


class Measures:
    """Counts the calls of one provider."""

    def __init__(self) -> None:
        self._calls = self._failures = 0
        self._seconds: deque[float] = deque(maxlen=KEPT)
        self._tokens: deque[int] = deque(maxlen=KEPT)
        self._failed: tuple[float, str] | None = None

    def add_reply(self, seconds: float, usage: Usage) -> None:
        """A call that brought one."""
        self._calls += 1
        self._seconds.append(seconds)
        self._tokens.append(usage.completion_tokens)

    def add_failure(self, error: ProviderError) -> None:
        """A call that brought none."""
        self._calls += 1
        self._failures += 1
        self._failed = (time.monotonic(), str(error))

    @property
    def last_error(self) -> str | None:
        return self._failed[1] if self._failed else None

    def figures(self) -> Figures:
        """As they are now."""
        in_order = sorted(self._seconds)
        total = sum(in_order)
        return Figures(
            calls=self._calls,
            failures=self._failures,
            latency_p50=in_order[len(in_order) // 2] if in_order else None,
            latency_p95=in_order[len(in_order) * 95 // 100] if in_order else None,
            tokens_per_second=sum(self._tokens) / total if total else None,
            last_error=self.last_error,
            last_failure_seconds=time.monotonic() - self._failed[0] if self._failed else None,
        )
