"""The HTTP interface."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from litestar import Litestar
from litestar.datastructures import State
from litestar.di import Provide

from orchestrator import config
from orchestrator.api import problems
from orchestrator.api.arriving import InTime
from orchestrator.api.asking import owned_runs
from orchestrator.api.audit import Audit
from orchestrator.api.body import StrictRequest
from orchestrator.api.contexts import add_context, delete_context, get_context, get_lines, get_text, list_contexts
from orchestrator.api.guards import Doors, json_body
from orchestrator.api.health import health, ready
from orchestrator.api.metrics import RequestMetrics, metrics
from orchestrator.api.openapi import describe
from orchestrator.api.providers import list_providers
from orchestrator.api.query import debug, query, stream
from orchestrator.api.request_ids import RequestIds
from orchestrator.api.run_changes import cancel_run, delete_run, fork_run, replay_run, start_run
from orchestrator.api.runs import get_events, get_journal, get_metrics, get_run, get_script, list_runs
from orchestrator.api.safe import SafeResponses
from orchestrator.api.sign_in import sign_in
from orchestrator.api.tokens import Caller, Tokens
from orchestrator.api.visualize import assets, root, visualize
from orchestrator.contexts.store import ContextStore
from orchestrator.opening import Orchestrator
from orchestrator.runs.owned import OwnedRuns
from orchestrator.runs.service import RunService
from orchestrator.telemetry.metrics import RunMetrics
from orchestrator.telemetry.totals import Totals
from orchestrator.telemetry.tracing import tracing

CONFIG = Path("config.toml")


def create_app(orchestrator: Orchestrator | None = None) -> Litestar:
    """The HTTP interface of an orchestrator; without one, of config.toml, or of the defaults where there is none."""
    orchestrator = orchestrator or Orchestrator(config.load(CONFIG) if CONFIG.exists() else config.DEFAULTS, print)
    settings = orchestrator.settings
    tokens = Tokens(settings.auth, settings.server)
    requests = RequestMetrics()

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        # The traces end last: what still runs ends before, and is traced to its end.
        async with tracing() as traces, orchestrator.open(serving=True) as runs:
            app.state.runs = runs
            totals = Totals(runs.pool.provider_types)
            runs.observers.add(lambda: totals.add)
            requests.registry.register(RunMetrics(totals, runs.pool, orchestrator.engine))
            if traces is not None:
                runs.observers.add(lambda: traces.observe_run(runs.pool.provider_types))
            yield

    def runs(state: State) -> RunService:
        started: RunService = state.runs
        return started

    def caller(request: StrictRequest) -> Caller:
        return request.auth

    def owned(request: StrictRequest) -> OwnedRuns:
        return owned_runs(request)

    def contexts(request: StrictRequest) -> ContextStore:
        return request.contexts

    app = Litestar(
        route_handlers=[
            *(health, ready, metrics, list_providers),
            *(query, debug, stream, start_run, fork_run, cancel_run, replay_run, delete_run),
            *(list_runs, get_run, get_events, get_journal, get_script, get_metrics, root, visualize, assets, sign_in),
            *(add_context, list_contexts, get_context, get_text, get_lines, delete_context),
        ],
        lifespan=[lifespan],
        state=State({"settings": settings, "requests": requests, "tokens": tokens}),
        middleware=[requests.middleware],
        after_exception=[requests.count_unrouted],
        dependencies={
            "runs": Provide(runs, sync_to_thread=False),
            "caller": Provide(caller, sync_to_thread=False),
            "owned": Provide(owned, sync_to_thread=False),
            "contexts": Provide(contexts, sync_to_thread=False),
        },
        request_class=StrictRequest,
        guards=[json_body],
        request_max_body_size=settings.server.max_request_bytes,
        exception_handlers=problems.HANDLERS,
        openapi_config=describe(tokens),
        logging_config=None,
    )
    doors = Doors(InTime(app.asgi_handler), settings.server, tokens, requests.count_refused)
    app.asgi_handler = RequestIds(SafeResponses(Audit(doors)))
    return app
