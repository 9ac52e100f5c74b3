"""The source of a run whose models are asked now."""

import asyncio
import time
import uuid
from collections.abc import Awaitable, Sequence

import msgspec

from orchestrator.errors import InvalidRequest
from orchestrator.journal.events import (
    ModelWaits,
)
from orchestrator.journal.journal import Journal, Speaking
from orchestrator.journal.parts import RecordedRunLimits
from orchestrator.providers.attempts import Affinity, Request, Wait
from orchestrator.providers.messages import Message, Received, Reply, Schema
from orchestrator.providers.pool import Models, Pool
from orchestrator.providers.queue import Candidates
from orchestrator.runs import schemas
from orchestrator.runs.children import Came, Children, Noted, Task
from orchestrator.runs.typed import ask_typed
from orchestrator.sandbox.messages import ChildQuery, Manner, Prompt


class Live:
    """Models are asked; nothing was executed before."""

    loaded = None
    earlier = ()

    def __init__(  # noqa: PLR0913  (all that a run is asked with)
        self,
        pool: Pool,
        models: Models,
        journal: Journal,
        max_seconds: float,
        *,
        cache: bool = True,
        owner: str = "",
        children: Children | None = None,
    ) -> None:
        """`cache`: sub-calls may be given replies that were paid for before, by that owner. `children`: None for none."""
        self._children = children
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

    async def prepare(self, queries: Sequence[ChildQuery]) -> list[Task | Noted]:
        """Raises RequestError."""
        if self._children is None:
            raise InvalidRequest("rlm_query: there are no child runs here")
        return await self._children.prepare(queries)

    def child_id(self, number: int) -> str:
        """A new one."""
        return uuid.uuid4().hex

    async def child(self, number: int, task: Task, run_id: str, limits: RecordedRunLimits, *, resumed: bool = False) -> Came:
        """Raises RequestError."""
        if self._children is None:
            raise InvalidRequest("rlm_query: there are no child runs here")
        return await self._children.execute(run_id, task, limits, resumed=resumed)

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
