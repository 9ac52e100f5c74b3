"""Where spans go: to a collector, by OTLP over HTTP, from a thread of OpenTelemetry's own.

A collector that is slow or dead costs the spans that its queue has no room for, and a line in the log each minute.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Mapping

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from orchestrator import __version__, logs
from orchestrator.journal.journal import Observer
from orchestrator.telemetry.spans import RunSpans

CLOSE_SECONDS = 2.0  # for what is still queued; then it is left
QUIET_SECONDS = 60.0
LONGEST = 300  # characters of a reason

_log = logging.getLogger("opentelemetry")


class Traces:
    """The traces of all runs of a server."""

    def __init__(self) -> None:
        """Configured by the environment. Raises ValueError."""
        self._complaints = _Complaints()
        self._complaints.begin()
        own = Resource({"service.name": "rlm", "service.version": __version__})
        self._provider = TracerProvider(resource=own.merge(OTELResourceDetector().detect()), shutdown_on_exit=False)
        try:
            self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        except ValueError:
            self._complaints.end()
            raise
        self._tracer = self._provider.get_tracer("rlm", __version__)

    def observe_run(self, provider_types: Mapping[str, str]) -> Observer:
        """The observer of one run; `provider_types`: by the names of the providers."""
        return RunSpans(self._tracer, provider_types).add

    async def close(self) -> None:
        """Sends what is left, if that is soon done."""
        # A thread that nobody waits for at the end of the program: a collector that hangs must not hold it up.
        closing = threading.Thread(target=self._provider.shutdown, daemon=True)
        closing.start()
        await asyncio.to_thread(closing.join, CLOSE_SECONDS)
        if not closing.is_alive():  # else there may be more to complain about
            self._complaints.end()


class _Complaints(logging.Handler):
    """What OpenTelemetry's own code complains about, once in a while."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._quiet_until = 0.0

    def begin(self) -> None:
        """From here on they come here alone."""
        _log.addHandler(self)
        _log.propagate = False

    def end(self) -> None:
        _log.removeHandler(self)
        _log.propagate = True

    def emit(self, record: logging.LogRecord) -> None:
        now = time.monotonic()
        if now >= self._quiet_until:
            self._quiet_until = now + QUIET_SECONDS
            logs.traces_lost(" ".join(record.getMessage().split())[:LONGEST])
