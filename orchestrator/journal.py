"""Where the events of runs are kept: in memory, the last 200 runs; and their form as JSON Lines.

Each line ends with a `chain`: the sha256 of the chain before it and of the line, so that a line that was altered or is
missing is found.
"""

import hashlib
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator

import msgspec

from orchestrator.errors import JournalError, NotFound
from orchestrator.events import AnyEvent, RunFinished, RunStarted

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


_CHAIN = re.compile(rb',"chain":"([0-9a-f]{16})"\}$')


def to_lines(events: Iterable[AnyEvent]) -> Iterator[bytes]:
    """One JSON object for each event."""
    chain = ""
    for event in events:
        line = msgspec.json.encode(event)
        chain = _next(chain, line)
        yield line[:-1] + f',"chain":"{chain}"}}\n'.encode()


def from_lines(lines: Iterable[bytes]) -> list[AnyEvent]:
    """The events of a whole run. Raises JournalError with the first line that is not as it was written."""
    events: list[AnyEvent] = []
    chain = ""
    for number, written in enumerate(lines, 1):
        found = _CHAIN.search(written.rstrip(b"\n"))
        if found is None:
            raise JournalError(f"line {number}: not a line of a journal")
        line = written[: found.start()] + b"}"
        chain = _next(chain, line)
        if chain != found[1].decode():
            raise JournalError(f"line {number}: it was altered, or a line before it is missing")
        try:
            events.append(msgspec.json.decode(line, type=AnyEvent))
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise JournalError(f"line {number}: {error}") from None
    if not events or not isinstance(events[0], RunStarted):
        raise JournalError("line 1: it is not run_started")
    if not isinstance(events[-1], RunFinished):
        raise JournalError(f"line {len(events) + 1}: the end is missing: the last event is not run_finished")
    return events


def _next(chain: str, line: bytes) -> str:
    return hashlib.sha256(chain.encode() + line).hexdigest()[:16]
