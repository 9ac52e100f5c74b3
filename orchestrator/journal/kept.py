"""The journals that are kept: in memory, of the last 200 runs, and of so many bytes."""

from collections import OrderedDict

from orchestrator.errors import NotFound
from orchestrator.journal.journal import UNBOUNDED, Journal, Observer, nobody

KEPT_RUNS = 200


class Journals:
    """The journals of the last runs. The oldest leaves first; one of a run that goes on stays."""

    def __init__(self, max_bytes: int = UNBOUNDED, run_bytes: int = UNBOUNDED) -> None:
        """`max_bytes`: of all runs that have ended; `run_bytes`: of each."""
        self._max_bytes = max_bytes
        self._run_bytes = run_bytes
        self._journals: OrderedDict[str, Journal] = OrderedDict()
        self._opened = 0

    @property
    def held_bytes(self) -> int:
        """Of runs that have ended."""
        return sum(each.bytes for each in self._journals.values() if each.finished)

    def open(self, run_id: str, observe: Observer = nobody) -> Journal:
        """A new one."""
        self._opened += 1
        journal = self._journals[run_id] = Journal(run_id, observe, max_bytes=self._run_bytes, number=self._opened)
        self.let_go()
        return journal

    def let_go(self) -> None:
        """Of what is too much. Whoever opens a journal, or ends one, calls this."""
        held = self.held_bytes
        for journal in [each for each in self._journals.values() if each.finished]:
            if held <= self._max_bytes and len(self._journals) <= KEPT_RUNS:
                break
            held -= journal.bytes
            del self._journals[journal.run_id]

    def newest_first(self, before: int | None = None) -> list[Journal]:
        """All, or those that were opened before that number."""
        return [each for each in reversed(self._journals.values()) if before is None or each.number < before]

    def get(self, run_id: str) -> Journal:
        """Raises NotFound."""
        if run_id not in self._journals:
            raise NotFound(f"there is no run {run_id[:100]!r}; the last {KEPT_RUNS} are kept")
        return self._journals[run_id]
