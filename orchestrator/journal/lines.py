"""A journal as JSON Lines.

Each line ends with a `chain`: the sha256 of the chain before it and of the line, so that a line that was altered or is
missing is found.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator

import msgspec

from orchestrator.errors import JournalError
from orchestrator.journal.events import FORMAT, AnyEvent, RunFinished, RunStarted

READ = (1, FORMAT)
_CHAIN = re.compile(rb',"chain":"([0-9a-f]{16})"\}$')


class Chain:
    """The lines of one journal, made one after the other."""

    def __init__(self) -> None:
        self._last = ""

    def to_line(self, event: AnyEvent) -> bytes:
        """The next line: one JSON object."""
        line = msgspec.json.encode(event)
        self._last = _next(self._last, line)
        return line[:-1] + f',"chain":"{self._last}"}}\n'.encode()


def to_lines(events: Iterable[AnyEvent]) -> Iterator[bytes]:
    """One JSON object for each event."""
    return map(Chain().to_line, events)


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
        if number == 1:
            _check_format(line)
        try:
            events.append(msgspec.json.decode(line, type=AnyEvent))
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise JournalError(f"line {number}: {error}") from None
    if not events or not isinstance(events[0], RunStarted):
        raise JournalError("line 1: it is not run_started")
    if not isinstance(events[-1], RunFinished):
        raise JournalError(f"line {len(events) + 1}: the end is missing: the last event is not run_finished")
    return events


class _Beginning(msgspec.Struct):
    """What the first line of any format has, to tell which one it is."""

    event: str = ""
    format: int | None = None


def _check_format(line: bytes) -> None:
    try:
        beginning = msgspec.json.decode(line, type=_Beginning)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise JournalError(f"line 1: {error}") from None
    if beginning.event == "run_started" and beginning.format not in READ:
        written = "has no format number: a development version before 0.1.0 wrote it"
        if beginning.format is not None:
            written = f"is of format {beginning.format}: another version of this program wrote it"
        read = " and ".join(map(str, READ))
        raise JournalError(f"line 1: the journal {written}; this version reads formats {read}")


def _next(chain: str, line: bytes) -> str:
    return hashlib.sha256(chain.encode() + line).hexdigest()[:16]
