"""Puts a run together from its first event, and executes it: for the first time, or again."""

import msgspec

from orchestrator.budget import Budget, RunLimits
from orchestrator.config import CellLimits
from orchestrator.contexts.context import Context
from orchestrator.dialogue import prompts
from orchestrator.dialogue.command_schema import schema
from orchestrator.journal.events import RunStarted
from orchestrator.providers.messages import Message, Schema
from orchestrator.runs import direct
from orchestrator.runs.cells import Cells, Room
from orchestrator.runs.direct import Direct
from orchestrator.runs.parking import Parking
from orchestrator.runs.run import Briefing, Run
from orchestrator.runs.sources import Source
from orchestrator.runs.subcalls import SubCalls, Writer
from orchestrator.sandbox.engine import Engine
from orchestrator.sandbox.guest import Guest
from orchestrator.sandbox.messages import Function, Opening


class Tools(msgspec.Struct, frozen=True):
    """What all runs are executed with; `functions` are those that a root model is told of."""

    engine: Engine
    functions: tuple[Function, ...] = ()


async def execute(
    tools: Tools, started: RunStarted, context: Context, source: Source, journal: Writer, parking: Parking | None = None
) -> int:
    """Executes a run to its end, once its first event is written; returns how many of its cells were executed.

    Raises SandboxError; JournalError if it does not come to what is recorded of it.
    """
    limits = RunLimits(**msgspec.structs.asdict(started.limits))
    cell_limits = CellLimits(**msgspec.structs.asdict(started.cell_limits))
    opening = Opening(seed=started.seed, clock_start_ns=started.clock_start_ns, limits=cell_limits, loaded=source.loaded)
    # What a fork has from its origin, that has paid.
    forked = started.forked_from.turn if started.forked_from else None
    budget = Budget(limits, own_from=forked or 0)
    room = Room(lambda owner: Guest(tools.engine, context, opening, owner), cell_limits, started.output_limit, parking)
    cells = Cells(source, SubCalls(source, budget, journal), budget, journal, room)
    briefing = Briefing(first_messages(tools, started, context), _schema(tools, started))
    kind = Direct if started.route == "direct" else Run
    await kind(started, briefing, source, budget, journal).execute(cells, source.seconds_left(limits.max_seconds))
    return cells.executed


def first_messages(tools: Tools, started: RunStarted, context: Context) -> tuple[Message, ...]:
    """What the root model is sent first: how to work, and the question."""
    if started.route == "direct":
        return direct.first_messages(started.query, context, started.answer_schema)
    terms = prompts.Terms(
        protocol=started.protocol,
        limits=RunLimits(**msgspec.structs.asdict(started.limits)),
        cell_limits=CellLimits(**msgspec.structs.asdict(started.cell_limits)),
        output_limit=started.output_limit,
        sub_prompt_chars=started.sub_prompt_chars,
        answer_schema=started.answer_schema,
        deeper=started.depth < started.limits.max_depth,
    )
    system = prompts.system(terms, tools.functions, context)
    earlier = [(each.query, each.answer) for each in started.earlier]
    return Message("system", system), Message("user", prompts.question(terms, started.query, context, earlier))


def _schema(tools: Tools, started: RunStarted) -> Schema | None:
    """What replies are held to."""
    if started.route == "direct":
        wanted = started.answer_schema
        return wanted if wanted and wanted.get("type") == "object" else None  # servers want an object
    if started.protocol == "python":
        return None
    names = (each.name for each in tools.functions)
    return schema(tuple(name.removeprefix("modules.") for name in names if "." in name))
