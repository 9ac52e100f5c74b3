"""What a run does in its guest: cells and commands, each with its events and what the root model is told of it."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec

from orchestrator.budget import NONE_LEFT, Budget
from orchestrator.config import CellLimits
from orchestrator.dialogue import reports
from orchestrator.dialogue.commands import CONTEXT, Command, need_context
from orchestrator.errors import BudgetExceeded, JournalError, RequestError
from orchestrator.journal.events import NO_CELL, CellFinished, CellRolledBack, CellStarted, HostCalled
from orchestrator.journal.recording import RecordedCell
from orchestrator.runs.answers import Given
from orchestrator.runs.parking import Parking
from orchestrator.runs.sources import Source
from orchestrator.runs.subcalls import SubCalls, Writer
from orchestrator.sandbox.bridge import Owner
from orchestrator.sandbox.guest import Guest
from orchestrator.sandbox.messages import (
    CallRecord,
    CellKind,
    CellOutcome,
    CellRequest,
    HostCall,
    HostError,
    HostResult,
    Prompt,
    SubReply,
    Trap,
)

T = TypeVar("T")


class Report(msgspec.Struct, frozen=True):
    """`text` is for the model; `failed` says that the rest of the reply must not be run.

    `answer` is the answer that stands, `draft` what `answer["content"]` holds meanwhile.
    """

    text: str
    failed: bool
    answer: Given | None = None
    draft: str | None = None


class Room(msgspec.Struct, frozen=True):
    """Where the cells of a run are executed: their guest, its limits, and how many characters of an output the root sees.

    `parking`: None if it never waits long.
    """

    open_guest: Callable[[Owner], Guest]
    limits: CellLimits
    output_limit: int
    parking: Parking | None = None


def sent_commands(commands: str, output_limit: int) -> str:
    """JSON commands as the guest takes them: it shows of lists and texts what the root will see."""
    return f'{{"room": {output_limit}, "commands": {commands}}}'


class Cells:
    """The cells of one run, numbered from 1 over all its turns; a list of commands counts as one. Owns their guest's calls."""

    def __init__(self, source: Source, subcalls: SubCalls, budget: Budget, journal: Writer, room: Room) -> None:
        self._source = source
        self._subcalls = subcalls
        self._budget = budget
        self._journal = journal
        self._room = room
        self._guest = room.open_guest(self)
        self._turn = 0
        self._number = 0
        self._calls = 0  # of this cell
        self.executed = 0

    def close(self) -> None:
        """The run has ended."""
        self._guest.close()
        # It answers to this object, and holds the context: without a cycle both leave now, not when the collector comes by.
        del self._guest

    async def again(self, recorded: RecordedCell) -> None:
        """A cell of an earlier run, for what it leaves: its sub-calls and its work are not this run's. Raises JournalError."""
        cell = recorded.started
        self._turn, self._number, self._calls = cell.turn, cell.cell, 0
        self._journal.write(cell)
        if isinstance(recorded.ended, CellRolledBack):  # it broke the interpreter
            self._journal.write(recorded.ended)
            self._guest.begin_anew()
            return
        request = CellRequest(
            number=cell.cell,
            kind=cell.kind,
            text=self._text_for_guest(cell.kind, cell.code),
            names_context=False,  # it is recorded whether the context was loaded
            fuel=self._room.limits.fuel,
            recorded=tuple(each.call for each in recorded.calls),
        )
        outcome = await self._execute(request)
        if isinstance(outcome, Trap):
            raise JournalError(f"cell {cell.cell} of an earlier run: it was stopped now ({outcome.kind}), and not then")
        self._finish(cell.kind, outcome)

    async def run(self, turn: int, code: str) -> Report:
        """One cell of Python."""
        return await self._run(turn, "python", code, names_context=CONTEXT.search(code) is not None)

    async def run_commands(self, turn: int, commands: tuple[Command, ...]) -> Report:
        """JSON commands, in order."""
        text = msgspec.json.encode(commands).decode()
        names_context = need_context(commands) or CONTEXT.search(text) is not None
        return await self._run(turn, "commands", text, names_context=names_context)

    async def wait(self, reply: Awaitable[T]) -> T:
        """For models; if that takes long, the guest is parked meanwhile."""
        parking = self._room.parking
        return await (parking.wait(reply, self._guest.park) if parking else reply)

    async def answer(self, call: HostCall) -> HostResult:
        """What the running cell is given."""
        try:
            asked = self._subcalls.begin_children(call.children) if call.children else self._subcalls.ask(call.prompts)
            return HostResult(await self.wait(asked))
        except BudgetExceeded as error:
            return HostResult(error=HostError("BudgetError", str(error)))
        except RequestError as error:
            return HostResult(error=HostError("ValueError", str(error)))

    async def ask_aside(self, prompt: Prompt) -> SubReply:
        """A sub-call of the run itself, which is of no cell."""
        self._subcalls.begin_cell(self._turn, NO_CELL)
        try:
            [reply] = await self.wait(self._subcalls.ask([prompt]))
        except BudgetExceeded as error:
            return SubReply(error=str(error))
        return reply

    def record(self, record: CallRecord) -> None:
        """A call of the running cell was answered."""
        self._calls += 1
        self._journal.write(HostCalled(turn=self._turn, cell=self._number, call=record))

    async def _run(self, turn: int, kind: CellKind, text: str, *, names_context: bool) -> Report:
        self._turn, self._number, self._calls = turn, self._number + 1, 0
        self._journal.write(CellStarted(turn=turn, cell=self._number, kind=kind, code=text))
        self._subcalls.begin_cell(turn, self._number)
        recorded = self._source.cell(self._number)
        if recorded is not None:
            self._recall(recorded)
            if recorded.stopped_by_clock:
                return self._skip(recorded, recorded.stopped_by_clock)
        request = CellRequest(
            number=self._number,
            kind=kind,
            text=self._text_for_guest(kind, text),
            names_context=names_context,
            fuel=self._budget.fuel_left,
            recorded=tuple(each.call for each in recorded.calls) if recorded else None,
        )
        outcome = await self._execute(request)
        self._budget.charge_fuel(outcome.fuel)
        return self._roll_back(kind, outcome) if isinstance(outcome, Trap) else self._finish(kind, outcome)

    def _text_for_guest(self, kind: CellKind, text: str) -> str:
        return text if kind == "python" else sent_commands(text, self._room.output_limit)

    async def _execute(self, request: CellRequest) -> CellOutcome | Trap:
        place = f"cell {self._number} (turn {self._turn})"
        try:
            outcome = await self._guest.run(request)
        except JournalError as error:
            # What the journal itself compares says its place already.
            raise (error if str(error).startswith(place) else JournalError(f"{place}, {error}")) from None
        if request.recorded is not None and self._calls < len(request.recorded):
            raise JournalError(f"{place}: it made {self._calls} calls, in the journal {len(request.recorded)}")
        self.executed += 1
        return outcome

    def _recall(self, recorded: RecordedCell) -> None:
        """What the cell spent when it was executed before."""
        self._subcalls.recall(recorded.subcalls)
        if any(each.call.error and each.call.error.message == NONE_LEFT for each in recorded.calls):
            self._budget.refused = True

    def _skip(self, recorded: RecordedCell, stopped: CellRolledBack) -> Report:
        """The clock stopped it, and would not stop it at the same place again; it was rolled back, so it never was."""
        for call in recorded.calls:
            self._journal.write(call)
        self._budget.charge_fuel(stopped.fuel)
        self._subcalls.roll_back()
        self._journal.write(stopped)
        if stopped.lost:
            self._guest.begin_anew()
        return self._report_stopped(stopped.message)

    def _finish(self, kind: CellKind, outcome: CellOutcome) -> Report:
        shown = reports.shorten(outcome.head, outcome.tail, outcome.length, self._room.output_limit)
        self._journal.write(
            CellFinished(
                turn=self._turn,
                cell=self._number,
                output=shown,
                output_chars=outcome.length,
                error=outcome.error,
                answer=outcome.answer,
                fuel=outcome.fuel,
                guest_seconds=outcome.seconds,
                effects=outcome.effects,
                loaded=outcome.loaded,
            )
        )
        text = reports.cell_report(self._number, kind, shown, outcome.length, outcome.error)
        answer = None if outcome.answer is None else Given(outcome.answer, is_json=outcome.answer_is_json)
        return Report(text, outcome.error is not None, answer, outcome.draft)

    def _roll_back(self, kind: CellKind, trap: Trap) -> Report:
        message = reports.rolled_back_message(trap, kind, self._room.limits, self._subcalls.roll_back())
        self._journal.write(
            CellRolledBack(
                turn=self._turn,
                cell=self._number,
                limit=trap.kind,
                message=message,
                fuel=trap.fuel,
                guest_seconds=trap.seconds,
                lost=trap.lost,
                effects=trap.effects,
                loaded=trap.loaded,
            )
        )
        return self._report_stopped(message)

    def _report_stopped(self, message: str) -> Report:
        return Report(f"Block {self._number} was stopped. {message}", failed=True)
