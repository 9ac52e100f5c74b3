"""Executes a run again from its journal, offline: the same cells, given the same results, must come to the same."""

from collections.abc import Sequence

import msgspec

from orchestrator.config import DEFAULTS, Settings
from orchestrator.contexts.context import Context
from orchestrator.errors import InvalidRequest, JournalError
from orchestrator.journal.events import FORMAT, AnyEvent, HostCalled, RunStarted, SubcallFinished
from orchestrator.journal.recording import Recording
from orchestrator.journal.rewriting import Rewriting
from orchestrator.runs import schemas
from orchestrator.runs.execute import Tools, execute
from orchestrator.runs.forking import BEFORE_ALL
from orchestrator.runs.recorded import Recorded
from orchestrator.sandbox.engine import Engine


async def replay(events: Sequence[AnyEvent], context: Context, engine: Engine, allowed: Settings = DEFAULTS) -> int:
    """`allowed`: limits that those of the journal, which may be anybody's, must not exceed.

    Returns how many cells were executed. Raises JournalError with the first difference and its place, SandboxError."""
    recording = Recording(events)
    started = recording.started
    if context.id != started.context_id:
        raise JournalError(f"the context: the run's was {started.context_id}, this one is {context.id}")
    if started.format != FORMAT:
        raise JournalError(f"the format: the run's is {started.format}; only the version that wrote it can execute it again")
    if engine.sha256 != started.component_sha256:
        raise JournalError(f"the component: the run's was {started.component_sha256}, this one is {engine.sha256}")
    _check_limits(started, allowed)
    _check_schema(started)
    _check_given(events)
    rewriting = Rewriting(recording)
    rewriting.write(started)
    # On a slower machine the clock must not stop what it did not stop then, not even the loading of the context.
    unhurried = msgspec.structs.replace(started.cell_limits, seconds=float("inf"))
    started = msgspec.structs.replace(started, cell_limits=unhurried)
    executed = await execute(Tools(engine), started, context, Recorded(recording), rewriting)
    rewriting.check_end()
    return executed


def _check_limits(started: RunStarted, allowed: Settings) -> None:
    """Raises JournalError if it was executed with more than is allowed here. No clock stops it, so seconds are not compared."""
    for name in ("max_iterations", "max_sub_calls", "max_fuel"):
        _check_limit(name, getattr(started.limits, name), getattr(allowed, name))
    _check_limit("output_limit", started.output_limit, allowed.output_limit)
    for name in ("fuel", "memory_bytes", "output_chars", "context_inline_limit"):
        _check_limit(f"sandbox.{name}", getattr(started.cell_limits, name), getattr(allowed.sandbox, name))


def _check_schema(started: RunStarted) -> None:
    """What no run here would have begun with is held to nothing either. Raises JournalError."""
    if started.answer_schema is not None:
        try:
            schemas.check(started.answer_schema, "answer_schema")
        except InvalidRequest as error:
            raise JournalError(str(error)) from None


def _check_limit(name: str, had: int, allowed: int) -> None:
    if had > allowed:
        raise JournalError(f"{name}: the run had {had}, here {allowed} is allowed; to allow it: --set {name}={had}")


def _check_given(events: Sequence[AnyEvent]) -> None:
    """What cells were given is what sub-models replied (to earlier runs, their journals say). Raises JournalError."""
    replied = {event.reply.text for event in events if isinstance(event, SubcallFinished) and event.reply}
    for event in events:
        if (
            isinstance(event, HostCalled)
            and event.turn != BEFORE_ALL
            and event.call.name == "llm_query"
            and event.call.error is None
        ):
            texts = [each["text"] for each in msgspec.json.decode(event.call.result) if "text" in each]
            if not set(texts) <= replied:
                raise JournalError(f"cell {event.cell} (turn {event.turn}): it was given what no sub-model replied")
