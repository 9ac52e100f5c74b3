"""Where a run takes from what is not its own doing: what models reply, and which of its cells were executed before."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from orchestrator.amounts import Need, SpentLimit
from orchestrator.budget import Hold
from orchestrator.journal.limits import RecordedRunLimits
from orchestrator.journal.recording import RecordedCell
from orchestrator.providers.messages import Message, Reply, Schema
from orchestrator.runs.children import Came, Noted, Task
from orchestrator.sandbox.messages import CallRecord, ChildQuery, Manner, Prompt


class Sending(msgspec.Struct, frozen=True):
    """Sub-call `number` of a run, which has sent the same prompt `sample` times before."""

    number: int
    prompt: Prompt
    sample: int


class Source(Protocol):
    """Live, recorded, or recorded and then live."""

    @property
    def loaded(self) -> bool | None:
        """Whether the run began with its context loaded; None if that is not decided yet."""
        ...

    @property
    def earlier(self) -> Sequence[RecordedCell]:
        """Cells of earlier runs, which bring back what the variables held."""
        ...

    def seconds_left(self, max_seconds: float) -> float | None:
        """Of the run's; None without end."""
        ...

    def need(self, turn: int, messages: Sequence[Message], schema: Schema | None) -> Need | None:
        """What the root's call can take; None if it has been made."""
        ...

    def last_need(self, messages: Sequence[Message]) -> Need | None:
        """What a last call with these could take, recorded or not; None if nothing will be asked."""
        ...

    def refused(self, turn: int, *, best_answer: bool) -> SpentLimit | None:
        """The limit for which that call was not sent; None if it was, or if that is not decided yet."""
        ...

    async def reply(self, turn: int, messages: Sequence[Message], schema: Schema | None, hold: Hold | None) -> Reply:
        """The root model's reply. Raises ProviderError."""
        ...

    def compacted(self, turn: int) -> bool | None:
        """Whether the conversation was compacted before the call of that turn; None if that is not decided yet."""
        ...

    async def check(self, manner: Manner) -> None:
        """Before anything is asked in that manner. Raises InvalidRequest, UnknownModel."""
        ...

    async def sub_need(self, sending: Sending) -> Need | None:
        """What that call can take; None if nothing. Raises BudgetExceeded if it was not sent when that was decided."""
        ...

    async def sub_reply(self, sending: Sending, hold: Hold | None) -> Reply:
        """Raises ProviderError."""
        ...

    def told(self, cell: int, call: int) -> CallRecord | None:
        """What a cell that is executed anew was told of the budget in that call of it, counted from 1."""
        ...

    async def prepare(self, queries: Sequence[ChildQuery]) -> list[Task | Noted]:
        """What child runs would be asked; prompts, at the last depth. Raises RequestError."""
        ...

    def child_id(self, number: int) -> str:
        """The run id of the child run that is sub-call `number`."""
        ...

    async def child(self, number: int, task: Task, run_id: str, limits: RecordedRunLimits) -> Came:
        """What came of it. Raises RequestError if it cannot begin."""
        ...

    def cell(self, number: int) -> RecordedCell | None:
        """What is recorded of a cell that is about to be executed, if its end is."""
