"""create_app: the only place where objects are built, connected and closed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from litestar import Litestar
from litestar.datastructures import State
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig

from orchestrator import __version__
from orchestrator.api import problems
from orchestrator.api.health import health
from orchestrator.api.query import debug, query
from orchestrator.api.requests import StrictRequest
from orchestrator.config import Settings
from orchestrator.pool import Pool
from orchestrator.providers import make_provider
from orchestrator.run import Tools
from orchestrator.runs import Runs
from orchestrator.sandbox.component import Progress
from orchestrator.sandbox.engine import Engine
from orchestrator.sandbox.interpreter import describe

# The pool limits concurrency itself; httpx's own defaults (100 connections, 5 s wait for one) would cut it short.
CONNECTIONS = httpx.Limits(max_connections=None, max_keepalive_connections=100)
TIMEOUTS = httpx.Timeout(None, connect=10.0)


def create_app(
    settings: Settings,
    progress: Progress = print,
    engine: Engine | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Litestar:
    """The application. An `engine` that is given stays the caller's to close. Raises ConfigError, SandboxError."""
    client = httpx.AsyncClient(limits=CONNECTIONS, timeout=TIMEOUTS, transport=transport)
    # Before the engine: a mistake in the configuration should not wait for a build.
    providers = [make_provider(each, client) for each in settings.providers]
    using = engine or Engine(settings.sandbox, progress)

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        async with client:
            tools = Tools(using, Pool(providers), await describe(using), settings.output_limit)
            app.state.runs = Runs(settings, tools)
            yield
        if engine is None:
            using.close()

    def runs(state: State) -> Runs:
        started: Runs = state.runs
        return started

    return Litestar(
        route_handlers=[health, query, debug],
        lifespan=[lifespan],
        state=State({"settings": settings}),
        dependencies={"runs": Provide(runs, sync_to_thread=False)},
        request_class=StrictRequest,
        request_max_body_size=settings.server.max_request_bytes,
        exception_handlers=problems.HANDLERS,
        openapi_config=OpenAPIConfig(title="Recursive language models", version=__version__),
        logging_config=None,
    )
