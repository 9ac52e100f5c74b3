"""Whether runs are traced: only if the environment names a collector, by the variables that all programs with OpenTelemetry
have, and only if OpenTelemetry is installed.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from orchestrator import logs

if TYPE_CHECKING:
    from orchestrator.telemetry.otlp import Traces

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")


@asynccontextmanager
async def tracing() -> AsyncIterator["Traces | None"]:
    """The traces of a server, None without a collector; at the end what is left of them is sent."""
    traces = _begin()
    try:
        yield traces
    finally:
        if traces is not None:
            await traces.close()


def _begin() -> "Traces | None":
    """What is missing is told, and stops nothing: the environment may be meant for other programs."""
    named = next((each for each in ENDPOINTS if os.environ.get(each)), None)
    if named is None or os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return None
    try:
        # It takes a while, and may not be there.
        from orchestrator.telemetry.otlp import Traces  # noqa: PLC0415
    except ImportError:
        logs.traces_lost(f"{named} is set, but OpenTelemetry is missing: pip install 'rlm-orchestrator[otel]'")
        return None
    try:
        return Traces()
    except ValueError as error:
        logs.traces_lost(f"OpenTelemetry's settings in the environment: {error}")
        return None
