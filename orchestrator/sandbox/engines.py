"""The engine of new runs, and beside it those of older components, as long as runs need them."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from orchestrator.sandbox.engine import Engine


class Engines:
    """One for each component."""

    def __init__(self, newest: Engine) -> None:
        """`newest` stays its maker's to close."""
        self.newest = newest
        self._older: dict[str, Engine] = {}
        self._users: Counter[str] = Counter()
        self._making = asyncio.Lock()

    @asynccontextmanager
    async def of(self, component: str) -> AsyncIterator[Engine]:
        """That of the component with that sha256. Raises SandboxError if it is not on this machine."""
        if component == self.newest.sha256:
            yield self.newest
            return
        self._users[component] += 1
        try:
            async with self._making:
                if component not in self._older:
                    self._older[component] = await asyncio.to_thread(self.newest.of_component, component)
            yield self._older[component]
        finally:
            self._users[component] -= 1
            if not self._users[component] and (unused := self._older.pop(component, None)):
                unused.close()

    def expire(self) -> None:
        """Templates grow old."""
        for each in (self.newest, *self._older.values()):
            each.templates.expire()
