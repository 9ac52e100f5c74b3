"""The journals that are kept: in memory, of the last 200 runs."""

from collections import OrderedDict

from orchestrator.errors import NotFound
from orchestrator.journal.journal import Journal, Observer, nobody

KEPT_RUNS = 200


class Journals:
    """The journals of the last runs; the oldest leaves first."""

    def __init__(self) -> None:
        self._journals: OrderedDict[str, Journal] = OrderedDict()

    def open(self, run_id: str, observe: Observer = nobody, owner: str = "") -> Journal:
        """A new one, which only its owner sees."""
        journal = self._journals[run_id] = Journal(run_id, observe, owner)
        while len(self._journals) > KEPT_RUNS:
            self._journals.popitem(last=False)
        return journal

    def newest_first(self, owner: str = "") -> list[Journal]:
        return [each for each in reversed(self._journals.values()) if each.owner == owner]

    def get(self, run_id: str, owner: str = "") -> Journal:
        """Raises NotFound."""
        journal = self._journals.get(run_id)
        if journal is None or journal.owner != owner:
            raise NotFound(f"there is no run {run_id[:100]!r}; the last {KEPT_RUNS} are kept")
        return journal
