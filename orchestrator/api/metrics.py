"""GET /metrics, for Prometheus; and the middleware that counts requests, all of one application alone."""

from typing import Any

from litestar import Response, get
from litestar.datastructures import State
from litestar.enums import ScopeType
from litestar.exceptions import HTTPException
from litestar.plugins.prometheus import PrometheusConfig, PrometheusMiddleware
from litestar.types import HTTPScope, Scope
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from orchestrator.api.openapi import SERVER, problems

UNCOUNTED = "uncounted"  # of a route: it does not count itself
NO_ROUTE = "none"  # the path of what no route answers
_METHODS = {"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"}
_LABELS = ("method", "path", "status_code")


@get(
    "/metrics",
    summary="Metrics in the text format of Prometheus",
    media_type="text/plain",
    opt={UNCOUNTED: True},
    tags=[SERVER],
    responses=problems(),
)
async def metrics(state: State) -> Response[bytes]:
    registry: CollectorRegistry = state.requests.registry
    # As a header: of a media type the framework says the charset again.
    return Response(generate_latest(registry), headers={"content-type": CONTENT_TYPE_LATEST})


class RequestMetrics:
    """The requests to one application, by the template of their route: nothing that a client sends becomes a label."""

    def __init__(self) -> None:
        """Its registry is its own, so that two applications in one process do not share their counts."""
        self.registry = CollectorRegistry()
        # By the names that the plugin asks for.
        self.count = Counter("rlm_requests", "Requests.", _LABELS, registry=self.registry)
        self.seconds = Histogram("rlm_request_duration_seconds", "Until the last byte.", _LABELS, registry=self.registry)
        self.in_progress = Gauge("rlm_requests_in_progress", "Requests.", _LABELS[:2], registry=self.registry)
        self.errors = Counter("rlm_requests_error", "Requests with a status from 500.", _LABELS, registry=self.registry)
        self.middleware = PrometheusConfig(
            middleware_class=_middleware(self), exclude_opt_key=UNCOUNTED, group_path=True
        ).middleware

    async def count_unrouted(self, error: Exception, scope: Scope) -> None:
        """A hook for exceptions: no middleware sees what has no route."""
        if scope["type"] == ScopeType.HTTP and "path_template" not in scope:
            self.count_refused(scope, error.status_code if isinstance(error, HTTPException) else 500)

    def count_refused(self, scope: Scope, status: int) -> None:
        """What came to no route."""
        if scope["type"] == ScopeType.HTTP:
            self.count.labels(_method(scope), NO_ROUTE, status).inc()


def _middleware(requests: RequestMetrics) -> type[PrometheusMiddleware]:
    class Counting(PrometheusMiddleware):
        """The plugin's own keeps its counts in its class, for all applications."""

        def request_count(self, labels: dict[str, Any]) -> Counter:
            return requests.count

        def request_time(self, labels: dict[str, Any]) -> Histogram:
            return requests.seconds

        def requests_in_progress(self, labels: dict[str, Any]) -> Gauge:
            return requests.in_progress

        def requests_error_count(self, labels: dict[str, Any]) -> Counter:
            return requests.errors

        def _get_default_labels(self, request: Any) -> dict[str, str | int | float]:
            # The status follows when it is known.
            return {"method": _method(request.scope), "path": request.scope["path_template"]}

    return Counting


def _method(scope: HTTPScope) -> str:
    return scope["method"] if scope["method"] in _METHODS else "other"
