"""The ordered events of one run."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from typing import Any, Protocol

import msgspec

from orchestrator.errors import JournalFull
from orchestrator.journal.events import Answer, AnyEvent, RunFinished, RunStarted
from orchestrator.providers.messages import Received

UNBOUNDED = 1 << 62
Observer = Callable[[AnyEvent], None]


def nobody(event: AnyEvent) -> None:
    pass


class Speaking(msgspec.Struct, frozen=True):
    """A reply of the root model that is under way: what has come of it, which is not written down before it is whole."""

    turn: int
    received: Received


class Sink(Protocol):
    """Where events last."""

    def append(self, content: bytes) -> None:
        """The next event, as JSON."""
        ...

    async def settle(self) -> None:
        """What was appended lasts from now on. Raises StoreFull, Superseded."""
        ...


class _Nowhere:
    def append(self, content: bytes) -> None:
        pass

    async def settle(self) -> None:
        pass


class Journal:
    """Written by one run, in the event loop; followed there by any number of readers."""

    def __init__(
        self,
        run_id: str,
        observe: Observer = nobody,
        *,
        sink: Sink | None = None,
        max_bytes: int = UNBOUNDED,
        events: Sequence[AnyEvent] = (),
    ) -> None:
        """`observe` is shown each event as it is written; it raises nothing. `events`: that were written before."""
        self.run_id = run_id
        self.events = list(events)
        self._bytes = sum(len(msgspec.json.encode(each)) for each in events)  # of all of them
        self._max_bytes = max_bytes
        self._observe = observe
        self._sink = sink or _Nowhere()
        self._start = time.monotonic() - (events[-1].at if events else 0.0)
        self._written = asyncio.Event()
        self._left = False
        self.speaking: Speaking | None = None

    @property
    def finished(self) -> bool:
        return bool(self.events) and isinstance(self.events[-1], RunFinished)

    @property
    def size(self) -> int:
        """Bytes of all events as JSON."""
        return self._bytes

    def write(self, event: AnyEvent) -> None:
        """Append an event, stamped with the seconds since the run started. Raises JournalFull.

        Beginning and end always have room.
        """
        if self._left:
            return
        stamped = msgspec.structs.replace(event, at=round(time.monotonic() - self._start, 6))
        content = msgspec.json.encode(stamped)
        if self._bytes + len(content) > self._max_bytes and not isinstance(event, RunStarted | Answer | RunFinished):
            raise JournalFull(f"its journal would have more than {self._max_bytes} bytes (server.run_journal_bytes)")
        self._bytes += len(content)
        self.events.append(stamped)
        self._sink.append(content)
        self._observe(stamped)
        # Who waits has this one; who waits from now on waits for the next.
        self._written.set()
        self._written = asyncio.Event()

    def copy(self, events: Sequence[AnyEvent]) -> None:
        """What another run did, as it is there: nobody is shown it as news."""
        for event in events:
            content = msgspec.json.encode(event)
            self._bytes += len(content)
            self.events.append(event)
            self._sink.append(content)
        self._start = time.monotonic() - self.events[-1].at

    async def settle(self) -> None:
        """All that was written lasts, whatever happens to this process. Raises StoreFull, Superseded."""
        await self._sink.settle()

    @property
    def left(self) -> bool:
        """Whether the run is to be gone on with, elsewhere or later."""
        return self._left

    def leave(self) -> None:
        """Nothing more is written: the run is to be gone on with from here, so its end in this process is not its end."""
        self._left = True

    async def follow(self, from_event: int = 0) -> AsyncIterator[AnyEvent]:
        """The events from that one on (0 is the first), also those to come; ends after run_finished."""
        position = from_event
        while True:
            while position < len(self.events):
                yield self.events[position]
                position += 1
            if self.finished:
                return
            await self.change()

    def change(self) -> Coroutine[Any, Any, Any]:
        """To be awaited: the next event after this call."""
        return self._written.wait()
