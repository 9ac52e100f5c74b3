"""The journals that are kept: in memory, of the last 200 runs."""

from collections import OrderedDict

from orchestrator.errors import NotFound
from orchestrator.journal.journal import Journal, Observer, nobody

KEPT_RUNS = 200


class Journals:
    """The journals of the last runs; the oldest leaves first."""

    def __init__(self) -> None:
        self._journals: OrderedDict[str, Journal] = OrderedDict()

    def open(self, run_id: str, observe: Observer = nobody) -> Journal:
        """A new one."""
        journal = self._journals[run_id] = Journal(run_id, observe)
        while len(self._journals) > KEPT_RUNS:
            self._journals.popitem(last=False)
        return journal

    def newest_first(self) -> list[Journal]:
        return list(reversed(self._journals.values()))

    def get(self, run_id: str) -> Journal:
        """Raises NotFound."""
        if run_id not in self._journals:
            raise NotFound(f"there is no run {run_id!r}; the last {KEPT_RUNS} are kept")
        return self._journals[run_id]
