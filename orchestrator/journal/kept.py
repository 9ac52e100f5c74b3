"""The journals that are kept: in memory, of the last 200 runs, and of so many bytes."""

from collections import Counter, OrderedDict

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
        self._opened: Counter[str] = Counter()  # of each owner: one for all would tell how many runs the others make

    @property
    def held_bytes(self) -> int:
        """Of runs that have ended."""
        return sum(each.bytes for each in self._journals.values() if each.finished)

    def open(self, run_id: str, observe: Observer = nobody, owner: str = "") -> Journal:
        """A new one, which only its owner sees."""
        self._opened[owner] += 1
        number = self._opened[owner]
        journal = self._journals[run_id] = Journal(run_id, observe, owner=owner, max_bytes=self._run_bytes, number=number)
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

    def newest_first(self, owner: str = "", before: int | None = None) -> list[Journal]:
        """All of that owner, or those that were opened before its journal of that number."""
        owned = [each for each in reversed(self._journals.values()) if each.owner == owner]
        return [each for each in owned if before is None or each.number < before]

    def get(self, run_id: str, owner: str = "") -> Journal:
        """Raises NotFound."""
        journal = self._journals.get(run_id)
        if journal is None or journal.owner != owner:
            raise NotFound(f"there is no run {run_id[:100]!r}; the last {KEPT_RUNS} are kept")
        return journal
