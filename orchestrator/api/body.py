"""JSON bodies as they arrive: what is not Unicode text is refused with its place, never altered; a context in one is put aside.

A body with a context may be large. It is written to the folder of contexts while it arrives, and what the handlers see of
it is small: the context has become its `context_id`.
"""

import asyncio
import tempfile
from pathlib import Path
from typing import Any

import msgspec
from litestar import Request

from orchestrator.api.tokens import Caller
from orchestrator.contexts.context import Context
from orchestrator.contexts.json_body import Taken, take
from orchestrator.contexts.json_process import arriving_folder, take_in_process
from orchestrator.contexts.store import ContextStore
from orchestrator.errors import InvalidRequest, NoRoom
from orchestrator.runs.admission import Bodies

# A body up to this is decoded where it is, in a millisecond; up to the other in a thread.
TINY, SMALL = 1 << 15, 1 << 20


class StrictRequest(Request[Any, Caller, Any]):
    """A request whose JSON body is exact."""

    async def body(self) -> bytes:
        """What is left of the body when its context is put aside. Raises InvalidRequest, NoRoom, Busy."""
        if "rest" not in self.state:
            self.state.rest = await self._receive(self.contexts, self.app.state.runs.bodies)
        rest: bytes = self.state.rest
        return rest

    async def json(self) -> Any:
        """It, decoded. Raises InvalidRequest, NoRoom."""
        return msgspec.json.decode(await self.body())

    @property
    def contexts(self) -> ContextStore:
        """Those of who asks."""
        contexts: ContextStore = self.app.state.runs.contexts
        return contexts if self.auth.max_bytes is None else contexts.of(self.auth.name, self.auth.max_bytes)

    async def _receive(self, contexts: ContextStore, bodies: Bodies) -> bytes:
        with tempfile.SpooledTemporaryFile(SMALL, dir=str(contexts.folder)) as body, bodies.taking() as take:
            async for piece in self.stream():
                take(len(piece))
                try:
                    body.write(piece)
                except OSError as error:
                    raise NoRoom(f"there is no room for the body: {error.strerror}") from None
            if not body.tell():
                raise InvalidRequest("the body is empty; send JSON with query and context")
            taken, context = await _put_aside(body, contexts, bodies)
        if context is None:
            return taken.rest
        # It is held here until a run uses it.
        self.state.context = context
        return msgspec.json.encode(msgspec.json.decode(taken.rest) | {"context_id": context.id})


async def _put_aside(
    body: "tempfile.SpooledTemporaryFile[bytes]", contexts: ContextStore, bodies: Bodies
) -> tuple[Taken, Context | None]:
    size = body.tell()
    body.seek(0)
    if size <= SMALL:
        # A thread: what is broken, or has many escapes, takes longer to explain or to write.
        arguments = (body.read(), contexts.folder, contexts.max_bytes)
        taken = take(*arguments) if size <= TINY else await asyncio.to_thread(take, *arguments)
        return taken, await _keep(taken, contexts)
    body.flush()
    async with bodies.readers:
        return await _put_large_aside(body.fileno(), contexts)


async def _put_large_aside(body: int, contexts: ContextStore) -> tuple[Taken, Context | None]:
    with arriving_folder(contexts.folder) as folder:
        taken = await take_in_process(body, folder, contexts.max_bytes)
        return taken, await _keep(taken, contexts)


async def _keep(taken: Taken, contexts: ContextStore) -> Context | None:
    if taken.identity is None or taken.path is None:
        return None
    return await asyncio.to_thread(contexts.take, Path(taken.path), taken.identity)
