"""Where a run takes from what is not its own doing: what models reply, and which of its cells were executed before."""

import asyncio
import time
from collections.abc import Awaitable, Sequence
from typing import Protocol

import msgspec

from orchestrator.errors import JournalError, ProviderError
from orchestrator.journal.events import NO_CELL, ModelReplied, ModelWaits, RunFinished, SubcallFinished
from orchestrator.journal.journal import Journal, Speaking
from orchestrator.journal.recording import RecordedCell, Recording
from orchestrator.providers.attempts import Affinity, Request, Wait
from orchestrator.providers.messages import Message, Received, Reply, Schema
from orchestrator.providers.pool import Models, Pool
from orchestrator.providers.queue import Candidates
from orchestrator.runs import schemas
from orchestrator.runs.typed import ask_typed
from orchestrator.sandbox.messages import Manner, Prompt


class Interrupted(Exception):
    """The recorded run ended here, by what is no doing of its own: it was cancelled, or failed."""

    def __init__(self, finished: RunFinished) -> None:
        super().__init__(finished.stopped)
        self.finished = finished


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

    def cell(self, number: int) -> RecordedCell | None:
        """What is recorded of a cell that is about to be executed, if its end is."""


class Live:
    """Models are asked; nothing was executed before."""

    loaded = None
    earlier = ()

    def __init__(
        self, pool: Pool, models: Models, journal: Journal, max_seconds: float, *, cache: bool = True, owner: str = ""
    ) -> None:
        """`cache`: sub-calls may be given replies that were paid for before, by that owner."""
        self._pool = pool
        self._cache = cache
        self._models = models
        self._journal = journal
        self._owner = owner
        self._until = time.monotonic() + max_seconds
        self._affinity = Affinity()

    def seconds_left(self, max_seconds: float) -> float:
        """All of them."""
        return max_seconds

    async def reply(self, turn: int, messages: Sequence[Message], schema: Schema | None) -> Reply:
        """Raises ProviderError."""

        # Never from the cache: all that a run has seen is in its messages, so that only a question that is asked again, word
        # for word, would find anything; and who asks again wants another attempt.
        def watch(received: Received) -> None:
            self._journal.speaking = Speaking(turn, received)

        request = Request(tuple(messages), schema, affinity=self._affinity, watch=watch)
        try:
            return await self._ask(self._models.root, request, turn=turn)
        finally:
            self._journal.speaking = None

    def compacted(self, turn: int) -> None:
        """Nothing is decided."""

    async def check(self, manner: Manner) -> None:
        """Raises InvalidRequest, UnknownModel."""
        if manner.schema is not None:
            await asyncio.to_thread(schemas.check, manner.schema, "schema")
        self._sub_models(manner)

    async def sub_reply(self, number: int, prompt: Prompt, sample: int) -> Reply:
        """Raises ProviderError."""
        manner = prompt.manner
        told = () if manner.system is None else (Message("system", manner.system),)
        messages = (*told, Message("user", prompt.text))
        request = Request(messages, max_tokens=manner.max_tokens, sample=sample if self._cache else None)
        models = self._sub_models(manner)

        def ask(request: Request) -> Awaitable[Reply]:
            return self._ask(models, request, subcall=number)

        return await (ask(request) if manner.schema is None else ask_typed(ask, request, manner.schema))

    def cell(self, number: int) -> None:
        """None is recorded."""

    def _sub_models(self, manner: Manner) -> Candidates:
        """Raises UnknownModel."""
        return self._models.sub if manner.model is None else self._pool.choose_sub(manner.model, self._models)

    async def _ask(
        self, candidates: Candidates, request: Request, turn: int | None = None, subcall: int | None = None
    ) -> Reply:
        def tell(wait: Wait) -> None:
            self._journal.write(ModelWaits(turn=turn, subcall=subcall, **msgspec.structs.asdict(wait)))

        whose = {"run_id": self._journal.run_id, "owner": self._owner}
        ours = msgspec.structs.replace(request, **whose, until=self._until, tell=tell)
        return await self._pool.complete(candidates, ours)


class Recorded:
    """A recording alone: nothing is asked. What it does not have is a JournalError, or the end of the run."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self.loaded = recording.loaded
        self.earlier = recording.earlier

    def seconds_left(self, max_seconds: float) -> None:
        """No clock ends what has ended."""

    async def reply(self, turn: int, messages: Sequence[Message], schema: Schema | None) -> Reply:
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

    async def sub_reply(self, number: int, prompt: Prompt, sample: int) -> Reply:
        """Those that are of no cell: cells that are executed again are given what their calls came to.

        Raises ProviderError, Interrupted, TimeoutError, JournalError.
        """
        answered = self._recording.answered.get(number)
        if answered is None:
            raise self._end(f"sub-call {number}: the reply is not in the journal")
        return _again(answered)

    def cell(self, number: int) -> RecordedCell | None:
        """Raises Interrupted, TimeoutError if the run ended within the cell; JournalError if the journal did."""
        recorded = self._recording.cells.get(number)
        if recorded is not None and recorded.ended is None:
            raise self._end(f"cell {number}: its end is not in the journal")
        return recorded

    def _end(self, otherwise: str) -> Exception:
        finished = self._recording.finished
        if finished is None:
            return JournalError(otherwise)
        # As the run itself ends, so that it does the same again: at max_seconds it writes a partial answer, and only then ends.
        return TimeoutError() if finished.stopped == "max_seconds" else Interrupted(finished)


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

    async def reply(self, turn: int, messages: Sequence[Message], schema: Schema | None) -> Reply:
        """Raises ProviderError."""
        # A reply that never came is recorded too (ModelFailed): it fails again.
        source = self._recorded if turn in self._recording.replies else self._live
        return await source.reply(turn, messages, schema)

    def compacted(self, turn: int) -> bool | None:
        """As it is recorded, as far as that goes."""
        return self._recording.compacted.get(turn)

    async def check(self, manner: Manner) -> None:
        """Raises InvalidRequest, UnknownModel."""
        await self._live.check(manner)

    async def sub_reply(self, number: int, prompt: Prompt, sample: int) -> Reply:
        """Raises ProviderError, JournalError if another prompt had that number."""
        # Numbers are given in the order of the prompts, so the same run gives the same prompt the same number.
        recorded, answered = self._recording.asked.get(number), self._recording.answered.get(number)
        words = recorded is not None and recorded.cell != NO_CELL  # of a cell; the run's own may be another version's
        if recorded and words and (recorded.prompt, recorded.manner) != (prompt.text, prompt.manner):
            raise JournalError(f"sub-call {number}: its prompt is not that of the journal")
        if answered is None:
            return await self._live.sub_reply(number, prompt, sample)
        return _again(answered)

    def cell(self, number: int) -> RecordedCell | None:
        """None for the cell in which the journal ends: it is executed as if for the first time."""
        # Only its sub-calls are given back, one by one, by sub_reply; what it asked of modules is cheap, and asked again.
        recorded = self._recording.cells.get(number)
        return recorded if recorded is not None and recorded.ended is not None else None


def _again(answered: SubcallFinished) -> Reply:
    """As it came then. Raises ProviderError."""
    if answered.error is not None or answered.reply is None:
        raise ProviderError(answered.error or "no reply", reply=answered.reply)
    return answered.reply
