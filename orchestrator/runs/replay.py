"""Executes a run again from its journal, offline: the same cells, given the same results, must come to the same.

A cell that the wall clock stopped is not executed: it was rolled back, so it never was.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from orchestrator.budget import Budget
from orchestrator.contexts.context import Context
from orchestrator.dialogue.replies import Action, RunCell, RunCommands, parse_reply
from orchestrator.errors import JournalError, SandboxError
from orchestrator.journal.events import (
    AnyEvent,
    CellFinished,
    CellRolledBack,
    CellStarted,
    HostCall,
    ModelReplied,
    SubcallFinished,
    run_started,
)
from orchestrator.journal.journal import Journal
from orchestrator.providers.pool import Pool
from orchestrator.runs.cells import Cells
from orchestrator.runs.subcalls import SubCalls
from orchestrator.sandbox.engine import Engine
from orchestrator.sandbox.guest import Interpreter
from orchestrator.sandbox.host_imports import HostImports, Refused

CLOCK_LIMITS = ("seconds", "cancelled")
# What another execution may have otherwise.
VARYING = {"at", "guest_seconds", "message"}


class _Cell(msgspec.Struct):
    """What the journal says of one cell; `ended` is None where the run ended in it."""

    started: CellStarted
    calls: list[HostCall]
    ended: CellFinished | CellRolledBack | None = None


async def replay(events: Sequence[AnyEvent], context: Context, engine: Engine) -> int:
    """Returns how many cells were executed. Raises JournalError with the first difference and its place, SandboxError."""
    started = run_started(events)
    if context.id != started.context_id:
        raise JournalError(f"the context: the run's was {started.context_id}, this one is {context.id}")
    _check_replies(events)
    imports = _JournaledImports(context, started.seed, started.clock_start_ns)
    cells = list(_cells(events))
    first = next((each.ended for each in cells if each.ended), None)
    interpreter = Interpreter(engine, imports, context, started.seed, loaded=first.loaded if first else None)
    budget = Budget(started.max_iterations, started.max_sub_calls, started.max_seconds, started.max_fuel)
    again = Journal("replay")
    runner = Cells(interpreter, SubCalls(Pool([]), budget, again), budget, again, started.output_limit)
    executed = 0
    try:
        for cell in cells:
            if cell.ended is None or (isinstance(cell.ended, CellRolledBack) and cell.ended.limit in CLOCK_LIMITS):
                runner.skip(cell.ended.fuel if cell.ended else 0)
                if isinstance(cell.ended, CellRolledBack) and cell.ended.lost:
                    interpreter.begin_anew()
            else:
                await _replay_cell(cell, runner, imports, again)
                executed += 1
    finally:
        runner.close()
    return executed


async def _replay_cell(cell: _Cell, runner: Cells, imports: "_JournaledImports", again: Journal) -> None:
    place = f"cell {cell.started.cell} (turn {cell.started.turn})"
    again.events.clear()
    imports.expect(cell.calls)
    try:
        if cell.started.kind == "python":
            await runner.run(cell.started.turn, cell.started.code)
        else:
            await runner.run_commands(cell.started.turn, msgspec.json.decode(cell.started.code))
    except SandboxError as error:
        if isinstance(error.__cause__, JournalError):
            raise JournalError(f"{place}, {error.__cause__}") from None
        raise
    if imports.left:
        raise JournalError(f"{place}: it made {len(cell.calls) - imports.left} calls, in the journal {len(cell.calls)}")
    _compare(place, cell.ended, again.events[-1])


def _compare(place: str, journaled: Any, came: Any) -> None:
    if type(journaled) is not type(came):
        raise JournalError(f"{place}: it came to {_tag(came)}, in the journal {_tag(journaled)}")
    for name, expected in msgspec.structs.asdict(journaled).items():
        found = getattr(came, name)
        if name not in VARYING and found != expected:
            raise JournalError(f"{place}: {name}: now {_excerpt(found)}, in the journal {_excerpt(expected)}")


def _tag(event: Any) -> str:
    return str(event.__struct_config__.tag)


def _excerpt(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:200]}..."


class _JournaledImports(HostImports):
    """Answers each call with what the journal says that it was given."""

    def __init__(self, context: Context, seed: int, clock_start_ns: int) -> None:
        super().__init__(context, None, None, seed, clock_start_ns)
        self._expected: list[HostCall] = []

    @property
    def left(self) -> int:
        return len(self._expected) - len(self.calls)

    def expect(self, calls: list[HostCall]) -> None:
        self._expected = calls

    def answer(self, name: str, arguments: str, digest: str) -> msgspec.Raw:
        number = len(self.calls) + 1
        if number > len(self._expected):
            raise JournalError(f"call {number}: {name}: in the journal there is none")
        journaled = self._expected[number - 1]
        if digest != journaled.arguments_sha256:
            raise JournalError(f"call {number}: {name}: its arguments are not those of the journal")
        self.module_fuel = journaled.fuel
        if journaled.error is not None:
            raise Refused(journaled.error["type"], journaled.error["message"])
        return journaled.result


def _cells(events: Sequence[AnyEvent]) -> Iterator[_Cell]:
    cell: _Cell | None = None
    for event in events:
        if isinstance(event, CellStarted):
            if cell:
                yield cell
            cell = _Cell(event, [])
        elif isinstance(event, HostCall) and cell:
            cell.calls.append(event)
        elif isinstance(event, CellFinished | CellRolledBack) and cell:
            cell.ended = event
    if cell:
        yield cell


def _check_replies(events: Sequence[AnyEvent]) -> None:
    """What was run is what the replies say, and what cells were given is what the sub-models replied."""
    written: list[str] = []
    replied = {event.reply.text for event in events if isinstance(event, SubcallFinished) and event.reply}
    for event in events:
        match event:
            case ModelReplied():
                written = [_code(action) for action in parse_reply(event.reply.text)]
            case CellStarted() if event.code not in written:
                raise JournalError(f"cell {event.cell} (turn {event.turn}): its code is not in the reply")
            case HostCall(name="llm_query", error=None):
                texts = [each["text"] for each in msgspec.json.decode(event.result) if "text" in each]
                if not set(texts) <= replied:
                    raise JournalError(f"cell {event.cell} (turn {event.turn}): it was given what no sub-model replied")


def _code(action: Action) -> str:
    match action:
        case RunCell():
            return action.code
        case RunCommands():
            return msgspec.json.encode(action.commands).decode()
    return ""
