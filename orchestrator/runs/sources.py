"""Where a run takes from what is not its own doing: what models reply, and which of its cells were executed before."""

from collections.abc import Sequence
from typing import Protocol

from orchestrator.journal.parts import RecordedRunLimits
from orchestrator.journal.recording import RecordedCell
from orchestrator.providers.messages import Message, Reply, Schema
from orchestrator.runs.children import Came, Noted, Task
from orchestrator.sandbox.messages import ChildQuery, Manner, Prompt


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

    async def reply(self, turn: int, messages: Sequence[Message], schema: Schema | None) -> Reply:
        """The root model's reply. Raises ProviderError."""
        ...

    def compacted(self, turn: int) -> bool | None:
        """Whether the conversation was compacted before the call of that turn; None if that is not decided yet."""
        ...

    async def check(self, manner: Manner) -> None:
        """Before anything is asked in that manner. Raises InvalidRequest, UnknownModel."""
        ...

    async def sub_reply(self, number: int, prompt: Prompt, sample: int) -> Reply:
        """The reply to sub-call `number`; `sample`: how often the run has sent the same before. Raises ProviderError."""
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
