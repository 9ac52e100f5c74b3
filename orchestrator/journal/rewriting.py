"""A journal that is written again by a re-execution: what is in it already must come to the same."""

from typing import Any

from orchestrator.errors import JournalError
from orchestrator.journal.events import (
    NO_CELL,
    Answer,
    AnswerRefused,
    AnyEvent,
    CellFinished,
    CellRolledBack,
    ChildFinished,
    ChildStarted,
    HostCalled,
    ModelCalled,
    RunFinished,
    SubcallFinished,
    SubcallReused,
    SubcallStarted,
    Unparsed,
)
from orchestrator.journal.journal import Journal
from orchestrator.journal.recording import FROM_OUTSIDE, Recording, SubcallEvent

EXCERPT = 200  # characters of a value in an error
# What another execution may have otherwise: times, and the words of this version of the program.
VARYING: dict[type, set[str]] = {
    ModelCalled: {"texts", "prompt_chars"},
    Unparsed: {"reason"},
    AnswerRefused: {"reason"},
    CellFinished: {"guest_seconds"},
    CellRolledBack: {"guest_seconds", "message"},
    RunFinished: {"error"},
}


class Rewriting:
    """Compares what a run writes with a recording of it, and hands what goes beyond it to `then`.

    Without `then` nothing may go beyond it. `write` raises JournalError at the first difference.
    """

    def __init__(self, recording: Recording, then: Journal | None = None) -> None:
        self._then = then
        self._recording = recording
        self._expected = [event for event in recording.in_order if not self._is_of_an_open_cell(event)]
        self._position = 0

    def write(self, event: AnyEvent) -> None:
        """Order counts, except that of sub-calls: they go on beside each other."""
        if isinstance(event, SubcallEvent):
            self._write_subcall(event)
        elif self._position == len(self._expected):
            # The recording is used up: from here on the run is a new one.
            self._write_on(event)
        else:
            expected = self._expected[self._position]
            if type(event) is type(expected) or not self._ends_early(event, expected):
                _compare(event, expected)
                self._position += 1

    async def settle(self) -> None:
        """What goes beyond the recording lasts. Raises StoreFull, Superseded."""
        if self._then is not None:
            await self._then.settle()

    def check_end(self) -> None:
        """Raises JournalError if the recording goes on."""
        if self._position < len(self._expected):
            missing = self._expected[self._position]
            raise JournalError(f"{_place(missing)}: {_tag(missing)} of the journal did not happen again")

    def _ends_early(self, event: AnyEvent, expected: AnyEvent) -> bool:
        """Whether it is of an end from outside that comes before the run is where it was: then there is nothing to compare.

        Raises what ended it then, if its end is all that is left of the recording.
        """
        interrupted = isinstance(expected, RunFinished) and expected.stopped in FROM_OUTSIDE
        if isinstance(event, Answer) and event.partial:
            return interrupted or self._then is not None  # what is a draft here is not what it was there
        if isinstance(event, RunFinished):
            if self._then is None or event.stopped not in FROM_OUTSIDE:
                return False
            self._then.write(event)
            return True
        ended = self._recording.ended_here()
        if ended is not None and (interrupted or (isinstance(expected, Answer) and expected.partial)):
            raise ended
        return False

    def _is_of_an_open_cell(self, event: AnyEvent) -> bool:
        """A run that was stopped within a cell is not executed within it again, unless it goes on.

        Its end is known and comes from the source before that cell is entered, so the calls of the cell do not happen again.
        """
        return (
            self._recording.finished is not None
            and isinstance(event, HostCalled)
            and self._recording.cells[event.cell].ended is None
        )

    def _write_subcall(self, event: SubcallEvent) -> None:
        recorded: AnyEvent | None = None
        match event:
            case SubcallStarted() | ChildStarted():
                recorded = self._recording.asked.get(event.subcall)
            case SubcallFinished() | ChildFinished():
                recorded = self._recording.answered.get(event.subcall)
            case SubcallReused():
                # One reply may be reused in many cells, so its number alone does not say which event this is.
                cell = self._recording.cells.get(event.cell)
                reused = [each for each in cell.subcalls if isinstance(each, SubcallReused)] if cell else []
                recorded = next((each for each in reused if each.subcall == event.subcall), None)
        if recorded is None:
            self._write_on(event)
        else:
            _compare(event, recorded)

    def _write_on(self, event: AnyEvent) -> None:
        if self._then is None:
            raise JournalError(f"{_place(event)}: it came to {_tag(event)}, in the journal there is none")
        self._then.write(event)


def _compare(came: AnyEvent, recorded: AnyEvent) -> None:
    if type(came) is not type(recorded):
        raise JournalError(f"{_place(came)}: it came to {_tag(came)}, in the journal {_tag(recorded)}")
    # All fields but those: one that is added later is compared without anybody thinking of it.
    varying = VARYING.get(type(came), set()) | {"at"}
    if isinstance(came, SubcallStarted) and came.cell == NO_CELL:
        varying |= {"prompt", "manner"}  # our own words
    for name in came.__struct_fields__:
        now, then = getattr(came, name), getattr(recorded, name)
        if name not in varying and now != then:
            raise JournalError(f"{_place(came)}: {name}: now {_excerpt(now)}, in the journal {_excerpt(then)}")


def _place(event: AnyEvent) -> str:
    cell, turn = getattr(event, "cell", None), getattr(event, "turn", None)
    if cell is not None:
        return f"cell {cell} (turn {turn})"
    return f"turn {turn}" if turn is not None else _tag(event)


def _tag(event: AnyEvent) -> str:
    return str(event.__struct_config__.tag)


def _excerpt(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= EXCERPT else f"{text[:EXCERPT]}..."
