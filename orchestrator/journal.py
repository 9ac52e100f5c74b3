"""Where the events of runs are kept: in memory, the last 200 runs."""

import time
from collections import OrderedDict
from collections.abc import Callable

import msgspec

from orchestrator.errors import NotFound
from orchestrator.events import AnyEvent

KEPT_RUNS = 200

Listener = Callable[[AnyEvent], None]


class Journal:
    """The ordered events of one run."""

    def __init__(self, run_id: str, listener: Listener | None = None) -> None:
        self.run_id = run_id
        self._listener = listener
        self.events: list[AnyEvent] = []
        self._start = time.monotonic()

    def write(self, event: AnyEvent) -> None:
        """Append an event, stamped with the seconds since the run started; then tell the listener."""
        stamped = msgspec.structs.replace(event, at=round(time.monotonic() - self._start, 6))
        self.events.append(stamped)
        if self._listener is not None:
            self._listener(stamped)


class Journals:
    """The journals of the last runs; the oldest leaves first."""

    def __init__(self) -> None:
        self._journals: OrderedDict[str, Journal] = OrderedDict()

    def open(self, run_id: str, listener: Listener | None = None) -> Journal:
        journal = self._journals[run_id] = Journal(run_id, listener)
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
