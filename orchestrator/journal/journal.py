"""The ordered events of one run."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable

import msgspec

from orchestrator.errors import JournalFull
from orchestrator.journal.events import Answer, AnyEvent, RunFinished, RunStarted

UNBOUNDED = 1 << 62
Observer = Callable[[AnyEvent], None]


def nobody(event: AnyEvent) -> None:
    pass


class Journal:
    """Written by one run, in the event loop; followed there by any number of readers."""

    def __init__(
        self, run_id: str, observe: Observer = nobody, *, owner: str = "", max_bytes: int = UNBOUNDED, number: int = 0
    ) -> None:
        """`observe` is shown each event as it is written; it raises nothing. `number`: its place among those of its owner."""
        self.run_id = run_id
        self.owner = owner
        self.number = number
        self.bytes = 0  # of all events, as JSON
        self._max_bytes = max_bytes
        self._observe = observe
        self.events: list[AnyEvent] = []
        self._start = time.monotonic()
        self._written = asyncio.Event()

    @property
    def finished(self) -> bool:
        return bool(self.events) and isinstance(self.events[-1], RunFinished)

    def write(self, event: AnyEvent) -> None:
        """Append an event, stamped with the seconds since the run started. Raises JournalFull.

        Beginning and end always have room.
        """
        stamped = msgspec.structs.replace(event, at=round(time.monotonic() - self._start, 6))
        size = len(msgspec.json.encode(stamped))
        if self.bytes + size > self._max_bytes and not isinstance(event, RunStarted | Answer | RunFinished):
            raise JournalFull(f"its journal would have more than {self._max_bytes} bytes (server.run_journal_bytes)")
        self.bytes += size
        self.events.append(stamped)
        self._observe(stamped)
        # Who waits has this one; who waits from now on waits for the next.
        self._written.set()
        self._written = asyncio.Event()

    async def follow(self, from_event: int = 0) -> AsyncIterator[AnyEvent]:
        """The events from that one on (0 is the first), also those to come; ends after run_finished."""
        position = from_event
        while True:
            while position < len(self.events):
                yield self.events[position]
                position += 1
            if self.finished:
                return
            await self._written.wait()
