"""Where the events of runs are kept: in memory, the last 200 runs."""

import time
from collections import OrderedDict

import msgspec

from orchestrator.errors import NotFound
from orchestrator.events import AnyEvent

KEPT_RUNS = 200


class Journal:
    """The ordered events of one run."""

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        self.events: list[AnyEvent] = []
        self._start = time.monotonic()

    def write(self, event: AnyEvent) -> None:
        """Append an event, stamped with the seconds since the run started."""
        at = round(time.monotonic() - self._start, 6)
        self.events.append(msgspec.structs.replace(event, at=at))


class Journals:
    """The journals of the last runs; the oldest leaves first."""

    def __init__(self) -> None:
        self._journals: OrderedDict[str, Journal] = OrderedDict()

    def open(self, run_id: str) -> Journal:
        journal = self._journals[run_id] = Journal(run_id)
        while len(self._journals) > KEPT_RUNS:
            self._journals.popitem(last=False)
        return journal

    def get(self, run_id: str) -> Journal:
        """Raises NotFound."""
        if run_id not in self._journals:
            raise NotFound(f"there is no run {run_id!r}; the last {KEPT_RUNS} are kept")
        return self._journals[run_id]
