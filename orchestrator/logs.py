"""Logs: one canonical line per run; console on a terminal, JSON otherwise. Keys, prompts and contexts never appear.

Every line has the id of its request and of its run, if it has one.
"""

import logging
import sys

import structlog

from orchestrator.journal.results import RunResult

PERIOD_SECONDS, MOST_LINES = 10.0, 10

_log = structlog.get_logger("rlm")


def configure(level: int = logging.INFO) -> None:
    """Called by the command line; nothing below `level` is written."""
    console = sys.stderr.isatty()
    renderer = structlog.dev.ConsoleRenderer() if console else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        # Not the stderr of now: while a live line is shown, it is another, which writes above that line.
        logger_factory=lambda *_: structlog.WriteLogger(sys.stderr),
    )


def write_sparingly(*names: str) -> None:
    """Of what these loggers write, which anybody who connects can cause, a few lines in each period."""
    for each in names:
        logging.getLogger(each).addFilter(_Sparingly())


class _Sparingly(logging.Filter):
    """The first lines of each period."""

    def __init__(self) -> None:
        super().__init__()
        self._until = 0.0
        self._lines = 0

    def filter(self, record: logging.LogRecord) -> bool:
        if record.created > self._until:
            self._until, self._lines = record.created + PERIOD_SECONDS, 0
        self._lines += 1
        return self._lines <= MOST_LINES


def bind_request(request_id: str) -> None:
    """The lines from here on are of this request; those of another task are not."""
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=request_id)


def bind_run(run_id: str) -> None:
    """The same for a run."""
    structlog.contextvars.bind_contextvars(run_id=run_id)


def run_finished(result: RunResult, context_id: str) -> None:
    """The one line of a run."""
    if not structlog.is_configured():
        return  # a program that uses this as a library hears nothing that it did not ask for
    _log.info(
        "run",
        run_id=result.run_id,
        stopped=result.stopped,
        iterations=result.iterations,
        sub_calls=result.sub_calls,
        prompt_tokens=result.usage.prompt_tokens,
        completion_tokens=result.usage.completion_tokens,
        duration_ms=result.duration_ms,
        context=context_id[:12],
    )


def audit(**facts: object) -> None:
    """The one line of a request."""
    if structlog.is_configured():
        _log.info("audit", **facts)


def store_waits(reason: str) -> None:
    """What was to be written waits in memory."""
    if structlog.is_configured():
        _log.warning("store_waits", reason=reason.splitlines()[0][:200])


def store_lost(entries: int) -> None:
    """The process ends, and they could not be written."""
    if structlog.is_configured():
        _log.error("store_lost", entries=entries)


def traces_lost(reason: str) -> None:
    """Spans do not reach their collector."""
    if structlog.is_configured():
        _log.warning("traces_lost", reason=reason)


def internal_error(where: str, error: BaseException) -> None:
    """Something that should not happen: the type and the place, never values."""
    frames = error.__traceback__
    while frames is not None and frames.tb_next is not None:
        frames = frames.tb_next
    place = f"{frames.tb_frame.f_code.co_filename}:{frames.tb_lineno}" if frames else "unknown"
    _log.error("internal_error", where=where, type=type(error).__name__, place=place)
