"""The ordered events of one run."""

import time
from collections.abc import Callable

import msgspec

from orchestrator.journal.events import AnyEvent

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
