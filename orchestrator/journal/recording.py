"""What the events of a run say that was executed before: by turn, by cell, by sub-call."""

from collections.abc import Iterator, Sequence

import msgspec

from orchestrator.amounts import SpentLimit
from orchestrator.journal.events import (
    AnyEvent,
    CallRefused,
    CellFinished,
    CellRolledBack,
    CellStarted,
    ChildFinished,
    ChildStarted,
    HistoryCompacted,
    HostCalled,
    ModelCalled,
    ModelFailed,
    ModelReplied,
    ModelWaits,
    RunFinished,
    SubcallFinished,
    SubcallReused,
    SubcallStarted,
    run_started,
)

# How a run ends by what is no doing of its own: wherever it was, it gives its draft.
FROM_OUTSIDE = ("cancelled", "max_seconds", "max_journal", "store_full")
RootEvent = HistoryCompacted | ModelCalled | CallRefused | ModelReplied | ModelFailed
SubcallEvent = SubcallStarted | SubcallReused | SubcallFinished | ChildStarted | ChildFinished
# A cell that these ended would not come to the same again: it is skipped, as it was rolled back.
CLOCK_LIMITS = ("seconds", "cancelled")


class Interrupted(Exception):
    """The recorded run ended here, by what is no doing of its own: it was cancelled, or failed."""

    def __init__(self, finished: RunFinished) -> None:
        super().__init__(finished.stopped)
        self.finished = finished


class RecordedCell(msgspec.Struct):
    """One cell, with what it asked for. `ended` is None if the journal ends within it."""

    started: CellStarted
    calls: list[HostCalled]
    subcalls: list[SubcallEvent]
    ended: CellFinished | CellRolledBack | None = None

    @property
    def stopped_by_clock(self) -> CellRolledBack | None:
        """Its end, if the clock brought it."""
        ended = self.ended
        return ended if isinstance(ended, CellRolledBack) and ended.limit in CLOCK_LIMITS else None


class Recording:
    """The journal of a run that was executed before, to its end or not."""

    def __init__(self, events: Sequence[AnyEvent]) -> None:
        self.started = run_started(events)
        self.finished = events[-1] if isinstance(events[-1], RunFinished) else None
        self.seconds = events[-1].at - events[self.started.copied].at
        self.cells: dict[int, RecordedCell] = {}
        self.replies: dict[int, ModelReplied | ModelFailed] = {}
        self.compacted: dict[int, bool] = {}  # before the calls of which turns the conversation was
        self.refused: dict[tuple[int, bool], SpentLimit] = {}  # calls of the root that were not sent: turn, best_answer
        self.asked: dict[int, SubcallStarted | ChildStarted] = {}
        self.answered: dict[int, SubcallFinished | ChildFinished] = {}
        self.in_order = list(self._sort(events))
        self.earlier = tuple(self.cells.values())[: self.started.earlier_cells]

    @property
    def loaded(self) -> bool | None:
        """Whether the run began with its context loaded; None if no cell of it has ended.

        That may have hung on other runs, which had loaded the same context: it cannot be found out again.
        """
        return next((each.ended.loaded for each in self.cells.values() if each.ended), None)

    def ended_here(self) -> Exception | None:
        """To be raised where it ended: then it ends as it did. None if the journal ends without its end."""
        if self.finished is None:
            return None
        # At max_seconds the run itself writes a partial answer, and only then ends.
        return TimeoutError() if self.finished.stopped == "max_seconds" else Interrupted(self.finished)

    def _sort(self, events: Sequence[AnyEvent]) -> Iterator[AnyEvent]:
        """Puts each event where it belongs; yields those whose order is the run's own, sub-calls excepted."""
        cell: RecordedCell | None = None
        for event in events:
            match event:
                # Several go on at once, and end in the order in which models answer: that is no doing of the run.
                case SubcallStarted() | SubcallFinished() | SubcallReused() | ChildStarted() | ChildFinished():
                    self._add_subcall(event)
                    continue
                case ModelWaits():
                    continue
                case HistoryCompacted() | ModelCalled() | CallRefused() | ModelReplied() | ModelFailed():
                    self._add_root_call(event)
                case CellStarted():
                    cell = self.cells[event.cell] = RecordedCell(event, [], [])
                case HostCalled() if cell:
                    cell.calls.append(event)
                case CellFinished() | CellRolledBack() if cell:
                    cell.ended = event
            yield event

    def _add_root_call(self, event: RootEvent) -> None:
        match event:
            case HistoryCompacted():
                self.compacted[event.turn] = True
            case ModelReplied() | ModelFailed():
                self.replies[event.turn] = event
            case CallRefused():
                self.refused[event.turn, event.best_answer] = event.limit
        self.compacted.setdefault(event.turn, False)

    def _add_subcall(self, event: SubcallEvent) -> None:
        if isinstance(event, SubcallStarted | ChildStarted):
            self.asked[event.subcall] = event
        elif isinstance(event, SubcallFinished | ChildFinished):
            self.answered[event.subcall] = event
        # Its cell began before it; only a journal that was tampered with has none.
        if cell := self.cells.get(event.cell):
            cell.subcalls.append(event)
