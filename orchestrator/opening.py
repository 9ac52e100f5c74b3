"""Builds what answers queries, over HTTP or not; opens and closes it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from orchestrator.config import ContextSettings, Settings, data_folder
from orchestrator.contexts.store import ContextStore
from orchestrator.providers.cache import Cache
from orchestrator.providers.connections import Connections
from orchestrator.providers.make import make_provider
from orchestrator.providers.messages import Provider
from orchestrator.providers.pool import Pool
from orchestrator.providers.prices import Prices
from orchestrator.runs.execute import Tools
from orchestrator.runs.service import RunService
from orchestrator.sandbox.build.cache import Progress
from orchestrator.sandbox.engine import Engine
from orchestrator.sandbox.guest import describe

EXPIRE_SECONDS = 10


class Orchestrator:
    """Everything that answers queries, over HTTP or not."""

    def __init__(
        self,
        settings: Settings,
        progress: Progress,
        engine: Engine | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        providers: Sequence[Provider] = (),
        contexts: ContextStore | None = None,
    ) -> None:
        """`providers`: beside those of the settings; `contexts`: instead of the folder that they name.

        An `engine` that is given stays the caller's to close.
        Raises ConfigError, SandboxError.
        """
        self.settings = settings
        self._connections = Connections(transport, settings.proxy)
        # Before the engine: a mistake in the configuration should not wait for a build.
        self._providers = [*(make_provider(each, self._connections) for each in settings.providers), *providers]
        self._prices = Prices(Path(settings.prices) if settings.prices else None)
        self._cache = Cache(settings.cache)
        self._contexts = contexts or open_contexts(settings.contexts)
        self._own_engine = engine is None
        self.engine = engine or Engine(settings.sandbox, progress, module_folder=settings.module_folder)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[RunService]:
        """Open for queries, once; what still runs at the end is cancelled."""
        expiring = asyncio.create_task(self._expire())
        try:
            async with contextlib.aclosing(self._connections):
                pool = Pool(self._providers, self.settings.retry_seconds, self._prices, self._cache)
                functions, _ = await asyncio.gather(describe(self.engine), pool.find_windows())
                runs = RunService(self.settings, Tools(self.engine, functions), pool, self._contexts)
                try:
                    yield runs
                finally:
                    await runs.close()
        finally:
            expiring.cancel()
            if self._own_engine:
                self.engine.close()

    async def _expire(self) -> None:
        """Templates, contexts and replies grow old while nobody asks anything, too."""
        while True:
            await asyncio.sleep(EXPIRE_SECONDS)
            self.engine.templates.expire()
            self._cache.expire()
            await asyncio.to_thread(self._contexts.expire)


def open_contexts(kept: ContextSettings) -> ContextStore:
    """Those of the folder that the settings name. Raises NoRoom."""
    folder = Path(kept.folder) if kept.folder else data_folder() / "contexts"
    return ContextStore(folder, kept.context_bytes, kept.context_seconds)
