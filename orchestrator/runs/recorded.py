"""The sources of a run that was executed before: its recording alone, or that and then its models."""

from collections.abc import Sequence

from orchestrator.amounts import Need, SpentLimit
from orchestrator.budget import Hold
from orchestrator.errors import JournalError, NotAfforded, ProviderError
from orchestrator.journal.events import (
    NO_CELL,
    ChildFinished,
    ChildStarted,
    ModelReplied,
    SubcallFinished,
    SubcallStarted,
)
from orchestrator.journal.limits import RecordedRunLimits
from orchestrator.journal.recording import RecordedCell, Recording
from orchestrator.providers.messages import Message, Reply, Schema
from orchestrator.runs.children import Came, Noted, Task
from orchestrator.runs.live import Live
from orchestrator.runs.sources import Sending
from orchestrator.sandbox.messages import CallRecord, ChildQuery, Manner, Prompt


class Recorded:
    """A recording alone: nothing is asked. What it does not have is a JournalError, or the end of the run."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self.loaded = recording.loaded
        self.earlier = recording.earlier

    def seconds_left(self, max_seconds: float) -> None:
        """No clock ends what has ended."""

    def need(self, turn: int, messages: Sequence[Message], schema: Schema | None) -> None:
        """All calls have been made."""

    def last_need(self, messages: Sequence[Message]) -> None:
        """Nothing is asked."""

    def refused(self, turn: int, *, best_answer: bool) -> SpentLimit | None:
        """As it is recorded."""
        return self._recording.refused.get((turn, best_answer))

    async def reply(self, turn: int, messages: Sequence[Message], schema: Schema | None, hold: Hold | None) -> Reply:
        """Raises ProviderError, Interrupted, TimeoutError, JournalError."""
        recorded = self._recording.replies.get(turn)
        if recorded is None:
            raise self._end(f"turn {turn}: the reply is not in the journal")
        if isinstance(recorded, ModelReplied):
            return recorded.reply
        raise ProviderError(recorded.error, reply=recorded.reply)

    def compacted(self, turn: int) -> bool | None:
        """As it is recorded."""
        return self._recording.compacted.get(turn)

    async def check(self, manner: Manner) -> None:
        """Nothing is asked."""

    async def sub_need(self, sending: Sending) -> None:
        """Raises NotAfforded."""
        if sending.number not in self._recording.asked:
            raise NotAfforded("it was not sent when this was recorded", "max_total_tokens")

    async def sub_reply(self, sending: Sending, hold: Hold | None) -> Reply:
        """Those that are of no cell: cells that are executed again are given what their calls came to.

        Raises ProviderError, Interrupted, TimeoutError, JournalError.
        """
        answered = self._recording.answered.get(sending.number)
        if not isinstance(answered, SubcallFinished):
            raise self._end(f"sub-call {sending.number}: the reply is not in the journal")
        return _again(answered)

    async def prepare(self, queries: Sequence[ChildQuery]) -> list[Task | Noted]:
        """Never: child runs are of cells."""
        raise JournalError("a child run: it is not in the journal")

    def child_id(self, number: int) -> str:
        """Never."""
        raise JournalError(f"child run {number}: it is not in the journal")

    async def child(self, number: int, task: Task, run_id: str, limits: RecordedRunLimits) -> Came:
        """Never."""
        raise JournalError(f"child run {number}: it is not in the journal")

    def told(self, cell: int, call: int) -> None:
        """Cells are given all their calls came to."""

    def cell(self, number: int) -> RecordedCell | None:
        """Raises Interrupted, TimeoutError if the run ended within the cell; JournalError if the journal did."""
        recorded = self._recording.cells.get(number)
        if recorded is not None and recorded.ended is None:
            raise self._end(f"cell {number}: its end is not in the journal")
        return recorded

    def _end(self, otherwise: str) -> Exception:
        return self._recording.ended_here() or JournalError(otherwise)


class RecordedThenLive:
    """What is recorded is never asked again; what is not, is asked."""

    def __init__(self, recording: Recording, live: Live) -> None:
        self._recording = recording
        self._recorded = Recorded(recording)
        self._live = live
        self.loaded = recording.loaded
        self.earlier = recording.earlier

    def seconds_left(self, max_seconds: float) -> float:
        """Those that the run had not used when its journal ends."""
        return max(0.0, max_seconds - self._recording.seconds)

    def need(self, turn: int, messages: Sequence[Message], schema: Schema | None) -> Need | None:
        """None for what is recorded."""
        return None if turn in self._recording.replies else self._live.need(turn, messages, schema)

    def last_need(self, messages: Sequence[Message]) -> Need:
        """Also where it is recorded: the root model was told what is left beside it."""
        return self._live.last_need(messages)

    def refused(self, turn: int, *, best_answer: bool) -> SpentLimit | None:
        """As it is recorded, as far as that goes."""
        return self._recorded.refused(turn, best_answer=best_answer)

    async def reply(self, turn: int, messages: Sequence[Message], schema: Schema | None, hold: Hold | None) -> Reply:
        """Raises ProviderError."""
        # A reply that never came is recorded too (ModelFailed): it fails again.
        source = self._recorded if turn in self._recording.replies else self._live
        return await source.reply(turn, messages, schema, hold)

    def compacted(self, turn: int) -> bool | None:
        """As it is recorded, as far as that goes."""
        return self._recording.compacted.get(turn)

    async def check(self, manner: Manner) -> None:
        """Raises InvalidRequest, UnknownModel."""
        await self._live.check(manner)

    async def sub_need(self, sending: Sending) -> Need | None:
        """None for what is recorded."""
        return None if sending.number in self._recording.answered else await self._live.sub_need(sending)

    async def sub_reply(self, sending: Sending, hold: Hold | None) -> Reply:
        """Raises ProviderError, JournalError if another prompt had that number."""
        number, prompt = sending.number, sending.prompt
        # Numbers are given in the order of the prompts, so the same run gives the same prompt the same number.
        recorded, answered = self._recording.asked.get(number), self._recording.answered.get(number)
        if recorded is not None and recorded.cell != NO_CELL:  # the words of the run's own may be another version's
            _check_same(number, recorded, prompt)
        if not isinstance(answered, SubcallFinished):
            return await self._live.sub_reply(sending, hold)
        return _again(answered)

    async def prepare(self, queries: Sequence[ChildQuery]) -> list[Task | Noted]:
        """Raises RequestError."""
        return await self._live.prepare(queries)

    def child_id(self, number: int) -> str:
        """That which it had."""
        recorded = self._recording.asked.get(number)
        return recorded.run_id if isinstance(recorded, ChildStarted) else self._live.child_id(number)

    async def child(self, number: int, task: Task, run_id: str, limits: RecordedRunLimits) -> Came:
        """Raises RequestError."""
        answered = self._recording.answered.get(number)
        if isinstance(answered, ChildFinished):
            return Came(answered.answer, answered.error, answered.sub_calls, answered.fuel, answered.spent)
        return await self._live.child(number, task, run_id, limits, resumed=number in self._recording.asked)

    def told(self, cell: int, call: int) -> CallRecord | None:
        """The same again, though by now the clock and the configuration may say otherwise."""
        recorded = self._recording.cells.get(cell)
        if recorded is None or call > len(recorded.calls):
            return None
        record = recorded.calls[call - 1].call
        was_refused = record.error is not None and record.error.type == "BudgetError"
        return record if record.name == "budget" or (record.name in ("llm_query", "rlm_query") and was_refused) else None

    def cell(self, number: int) -> RecordedCell | None:
        """None for the cell in which the journal ends: it is executed as if for the first time."""
        # Only its sub-calls are given back, one by one, by sub_reply; what it asked of modules is cheap, and asked again.
        recorded = self._recording.cells.get(number)
        return recorded if recorded is not None and recorded.ended is not None else None


def _check_same(number: int, recorded: SubcallStarted | ChildStarted, prompt: Prompt) -> None:
    """Raises JournalError."""
    if isinstance(recorded, ChildStarted) or (recorded.prompt, recorded.manner) != (prompt.text, prompt.manner):
        raise JournalError(f"sub-call {number}: its prompt is not that of the journal")


def _again(answered: SubcallFinished) -> Reply:
    """As it came then. Raises ProviderError."""
    if answered.error is not None or answered.reply is None:
        raise ProviderError(answered.error or "no reply", reply=answered.reply)
    return answered.reply
