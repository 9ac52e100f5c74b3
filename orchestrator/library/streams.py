"""The events of a run that goes on, for plain and for async loops."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any

from orchestrator.journal.events import AnyEvent
from orchestrator.library.background import Background
from orchestrator.library.results import Result
from orchestrator.runs.handles import RunHandle

_END: Any = object()


class Stream:
    """Iterate over it, plainly or with `async for`: each event as it happens. Then, or at once: `result`."""

    def __init__(
        self,
        background: Background,
        run: RunHandle,
        execute_again: Callable[[Sequence[AnyEvent]], int],
        notes: tuple[str, ...] = (),
    ) -> None:
        self._background = background
        self._run = run
        self._execute_again = execute_again
        self._notes = notes
        self._events = run.follow()

    def __iter__(self) -> Iterator[AnyEvent]:
        while (event := self._background.submit(self._next()).result()) is not _END:
            yield event

    async def __aiter__(self) -> AsyncIterator[AnyEvent]:
        while (event := await asyncio.wrap_future(self._background.submit(self._next()))) is not _END:
            yield event

    def result(self) -> Result:
        """Waits for the end. Raises SandboxError."""
        try:
            return self._background.submit(self._wait()).result()
        except KeyboardInterrupt:
            self.cancel()
            raise

    async def result_async(self) -> Result:
        """Waits for the end; the run is cancelled with who waits. Raises SandboxError."""
        try:
            return await asyncio.wrap_future(self._background.submit(self._wait()))
        except asyncio.CancelledError:
            self.cancel()
            raise

    def cancel(self) -> None:
        """Ends the run: its cell, its model calls."""
        self._background.call(self._run.cancel)

    async def _next(self) -> AnyEvent:
        return await anext(self._events, _END)

    async def _wait(self) -> Result:
        return Result(await self._run.wait(), self._execute_again, self._notes)
