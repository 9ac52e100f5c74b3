"""What a run does in its guest: cells and commands, each with its events and what the root model is told of it."""

import msgspec

from orchestrator.budget import Budget
from orchestrator.dialogue import prompts
from orchestrator.dialogue.commands import Command, read_context
from orchestrator.journal.events import CellFinished, CellKind, CellRolledBack, CellStarted, HostCall
from orchestrator.journal.journal import Journal
from orchestrator.runs.subcalls import SubCalls
from orchestrator.sandbox.guest import CellOutcome, Interpreter
from orchestrator.sandbox.limits import Trap


class Report(msgspec.Struct, frozen=True):
    """`text` is for the model; `failed` says that the rest of the reply must not be run.

    `answer` is the answer that stands, `draft` what `answer["content"]` holds meanwhile.
    """

    text: str
    failed: bool
    answer: str | None = None
    draft: str | None = None


class Cells:
    """The cells of one run, numbered from 1 over all its turns; a list of commands counts as one."""

    def __init__(
        self, interpreter: Interpreter, subcalls: SubCalls, budget: Budget, journal: Journal, output_limit: int
    ) -> None:
        self._interpreter = interpreter
        self._subcalls = subcalls
        self._budget = budget
        self._journal = journal
        self._output_limit = output_limit
        self._number = 0

    def close(self) -> None:
        """The run has ended."""
        self._interpreter.close()

    def skip(self, fuel: int) -> None:
        """A cell that is not executed here; it used that fuel where it was."""
        self._number += 1
        self._budget.fuel_left -= fuel

    async def run(self, turn: int, code: str) -> Report:
        """One cell of Python."""
        self._start(turn, "python", code)
        return self._report(turn, await self._interpreter.run_cell(self._number, code))

    async def run_commands(self, turn: int, commands: tuple[Command, ...]) -> Report:
        """JSON commands, in order."""
        text = msgspec.json.encode(commands).decode()
        self._start(turn, "commands", text)
        outcome = await self._interpreter.run_commands(self._number, text, names_context=read_context(commands))
        return self._report(turn, outcome)

    def _start(self, turn: int, kind: CellKind, code: str) -> None:
        self._number += 1
        self._interpreter.fuel = min(self._interpreter.limits.fuel, self._budget.fuel_left)
        self._subcalls.begin_cell(turn, self._number)
        self._journal.write(CellStarted(turn=turn, cell=self._number, kind=kind, code=code))

    def _report(self, turn: int, outcome: CellOutcome | Trap) -> Report:
        self._budget.fuel_left -= outcome.fuel
        for call in self._interpreter.imports.calls:
            self._journal.write(HostCall(turn=turn, cell=self._number, **msgspec.structs.asdict(call)))
        return self._rolled_back(turn, outcome) if isinstance(outcome, Trap) else self._finished(turn, outcome)

    def _finished(self, turn: int, outcome: CellOutcome) -> Report:
        shown = prompts.shortened(outcome.head, outcome.tail, outcome.length, self._output_limit)
        self._journal.write(
            CellFinished(
                turn=turn,
                cell=self._number,
                output=shown,
                output_chars=outcome.length,
                error=outcome.error,
                answer=outcome.answer,
                fuel=outcome.fuel,
                guest_seconds=outcome.seconds,
                effects=self._interpreter.imports.effects,
                loaded=bool(self._interpreter.loaded),
            )
        )
        text = prompts.cell_report(self._number, shown, outcome.length, outcome.error)
        return Report(text, outcome.error is not None, outcome.answer, outcome.draft)

    def _rolled_back(self, turn: int, trap: Trap) -> Report:
        message = prompts.rolled_back(trap, self._interpreter.limits, self._subcalls.roll_back())
        self._journal.write(
            CellRolledBack(
                turn=turn,
                cell=self._number,
                limit=trap.kind,
                message=message,
                fuel=trap.fuel,
                guest_seconds=trap.seconds,
                lost=trap.lost,
                effects=self._interpreter.imports.effects,
                loaded=bool(self._interpreter.loaded),
            )
        )
        return Report(f"Block {self._number} was stopped. {message}", failed=True)
