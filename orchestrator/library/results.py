"""What a run came to, and how to see it again."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from orchestrator.journal import history, results
from orchestrator.journal.events import AnyEvent
from orchestrator.journal.export import script
from orchestrator.journal.history import Turn
from orchestrator.journal.lines import to_lines
from orchestrator.journal.metrics import RunMetrics, metrics
from orchestrator.journal.usage import RunUsage


class Result:
    """`answer` is partial unless `success`, a text or a value of the `answer_schema`; `stopped` says why the run ended.

    `error`: what went wrong, if anything did.

    `notes`: of the context's files, which were left out, and why.
    """

    def __init__(
        self, events: Sequence[AnyEvent], execute_again: Callable[[Sequence[AnyEvent]], int], notes: tuple[str, ...] = ()
    ) -> None:
        self.events = tuple(events)
        self.notes = notes
        self._execute_again = execute_again
        found = results.result(events)
        self.run_id: str = found.run_id
        self.success: bool = found.success
        self.answer: Any = found.answer
        self.error: str | None = found.error
        self.stopped: str = found.stopped
        self.iterations: int = found.iterations
        self.sub_calls: int = found.sub_calls
        self.usage: RunUsage = found.usage
        self.baseline_tokens: int = found.baseline_tokens
        self.token_savings_pct: float = found.token_savings_pct
        self.duration_ms: int = found.duration_ms
        self.bypassed: bool = found.bypassed

    @property
    def turns(self) -> list[Turn]:
        """Each reply of the root model, with what it did."""
        return history.turns(self.events)

    @property
    def metrics(self) -> RunMetrics:
        """What the run used, cost and took."""
        return metrics(self.events)

    @property
    def journal(self) -> bytes:
        """As JSON Lines: what `rlm replay` and `rlm export` read."""
        return b"".join(to_lines(self.events))

    def save(self, path: str | Path) -> None:
        """Writes the journal."""
        Path(path).write_bytes(self.journal)

    def script(self) -> str:
        """The run as one Python script. Raises JournalError if it has JSON commands."""
        return script(self.events)

    def replay(self) -> int:
        """Executes the run again, without any model; returns how many cells. Raises JournalError at the first difference."""
        return self._execute_again(self.events)

    def __repr__(self) -> str:
        return f"<Result {self.run_id[:8]}: {self.stopped}, answer {self.answer!r:.200}>"
