"""Builds what answers queries, over HTTP or not; opens and closes it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from orchestrator import logs
from orchestrator.config import ContextSettings, Settings, data_folder
from orchestrator.contexts.store import ContextStore
from orchestrator.errors import ConfigError
from orchestrator.providers.cache import Cache
from orchestrator.providers.connections import Connections
from orchestrator.providers.make import make_provider
from orchestrator.providers.messages import Provider
from orchestrator.providers.needs import unpriced
from orchestrator.providers.pool import Pool
from orchestrator.providers.prices import Prices
from orchestrator.runs.execute import Tools
from orchestrator.runs.service import RunService
from orchestrator.sandbox.build.cache import Progress
from orchestrator.sandbox.engine import Engine
from orchestrator.sandbox.guest import describe
from orchestrator.store.replies import Replies
from orchestrator.store.runs import RunStore

EXPIRE_SECONDS = 10
LOOK_SECONDS = 2  # for runs that nobody holds


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
        self._contexts = contexts or open_contexts(settings.contexts)
        # From the start: runs that are gone on with have child runs before their owners ask anything.
        for each in settings.auth.tokens:
            self._contexts.of(each.name, each.max_bytes)
        self._own_engine = engine is None
        self.engine = engine or Engine(settings.sandbox, progress, module_folder=settings.module_folder)

    @asynccontextmanager
    async def open(self, *, serving: bool = False) -> AsyncIterator[RunService]:
        """Open for queries, once; what still runs at the end is cancelled.

        `serving`: runs that other processes left are gone on with. Raises ConfigError.
        """
        async with contextlib.AsyncExitStack() as opened:
            if self._own_engine:
                opened.callback(self.engine.close)
            store = await asyncio.to_thread(RunStore, self.settings.store)
            opened.push_async_callback(asyncio.to_thread, store.close)
            opened.push_async_callback(self._connections.aclose)
            replies = Replies(store, self.settings.cache)
            cache = Cache(self.settings.cache, replies)
            pool = Pool(self._providers, self.settings.retry_seconds, self._prices, cache)
            _check_prices(self.settings, pool)
            functions, _ = await asyncio.gather(describe(self.engine), pool.find_windows())
            runs = RunService(self.settings, Tools(self.engine, functions), pool, self._contexts, store)
            opened.push_async_callback(runs.close)
            await opened.enter_async_context(_beside(_expire(runs, cache, replies)))
            if serving:
                await opened.enter_async_context(_beside(_go_on(runs)))
            yield runs


def _check_prices(settings: Settings, pool: Pool) -> None:
    """Raises ConfigError if no run could begin."""
    models = pool.choose()
    if settings.max_cost is not None and (model := unpriced((*models.root, *models.sub))):
        raise ConfigError(
            f"max_cost: the price of {model} is not known; name a file that has it: `prices` in config.toml, --set prices=FILE"
        )


async def _expire(runs: RunService, cache: Cache, replies: Replies) -> None:
    """What is kept grows old while nobody asks anything, too."""
    while True:
        await asyncio.sleep(EXPIRE_SECONDS)
        cache.expire()
        with _told("what is kept"):
            await runs.expire()
            await replies.expire()


async def _go_on(runs: RunService) -> None:
    """With the runs of processes that have ended, and those that were left for a server."""
    while True:
        with _told("runs that were left"):
            await runs.go_on()
        await asyncio.sleep(LOOK_SECONDS)


@asynccontextmanager
async def _beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """It goes on meanwhile."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


@contextlib.contextmanager
def _told(what: str) -> Iterator[None]:
    """A failure is told in the log, and tried again: a database that is away comes back."""
    try:
        yield
    except Exception as error:  # noqa: BLE001  (whatever it is, the server goes on)
        logs.internal_error(what, error)


def open_contexts(kept: ContextSettings) -> ContextStore:
    """Those of the folder that the settings name. Raises NoRoom."""
    folder = Path(kept.folder) if kept.folder else data_folder() / "contexts"
    return ContextStore(folder, kept.context_bytes, kept.context_seconds)
