"""A run as a trace: a span for it, and for each turn, model call, cell and sub-call, by the conventions for generative AI.

A span begins and ends with its events, at their times. It says how much and how long, never what: no text that a client, a
model or a backend wrote is in it, except for the names of models.
"""

from collections.abc import Mapping

from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer, set_span_in_context

from orchestrator.journal.events import (
    AnyEvent,
    CellFinished,
    CellRolledBack,
    CellStarted,
    ModelCalled,
    ModelFailed,
    ModelReplied,
    RunFinished,
    RunStarted,
    SubcallFinished,
    SubcallStarted,
)
from orchestrator.providers.messages import Reply, Usage
from orchestrator.telemetry.totals import possible

AGENT = "rlm"
UNKNOWN = "_OTHER"  # as the conventions have it

Attributes = dict[str, str | int | float | bool | tuple[str, ...]]
Key = tuple[str, int]  # what a span is of; sub-calls have numbers
RUN, TURN, MODEL, CELL = (("run", 0), ("turn", 0), ("model", 0), ("cell", 0))
_INSIDE = {"turn": RUN, "model": TURN, "cell": TURN, "sub-call": CELL}


class RunSpans:
    """An observer of one run; what is open at its end ends with it."""

    def __init__(self, tracer: Tracer, provider_types: Mapping[str, str]) -> None:
        """`provider_types`: by the names of the providers."""
        self._tracer = tracer
        self._provider_types = provider_types
        self._start_ns = 0
        self._open: dict[Key, Span] = {}
        self._usage = Usage()
        self._root_type = UNKNOWN

    def add(self, event: AnyEvent) -> None:
        """One more event."""
        match event:
            case RunStarted():
                self._start_ns = event.clock_start_ns
                named: Attributes = {"gen_ai.agent.name": AGENT, "rlm.run_id": event.run_id}
                self._begin(RUN, event, f"invoke_agent {AGENT}", named)
            case ModelCalled():
                self._end(TURN, event)
                self._begin(TURN, event, "turn", {"rlm.turn": event.turn})
                self._begin(MODEL, event, "chat", {})
            case ModelReplied():
                self._end_call(MODEL, event, event.reply, None)
            case ModelFailed():
                self._end_call(MODEL, event, event.reply, event.error)
            case CellStarted():
                tool: Attributes = {"gen_ai.tool.name": event.kind, "gen_ai.tool.type": "function", "rlm.cell": event.cell}
                self._begin(CELL, event, f"execute_tool {event.kind}", tool)
            case CellFinished() | CellRolledBack():
                self._end_cell(event)
            case SubcallStarted():
                self._begin(("sub-call", event.subcall), event, "chat", {"rlm.sub_call": event.subcall})
            case SubcallFinished():
                self._end_call(("sub-call", event.subcall), event, event.reply, event.error)
            case RunFinished():
                self._end_run(event)

    def _begin(self, key: Key, event: AnyEvent, name: str, attributes: Attributes) -> None:
        operation = name.partition(" ")[0]
        if operation != "turn":
            attributes = {"gen_ai.operation.name": operation} | attributes
        # None: a trace of its own, whatever the request is part of.
        outer = self._open.get(_INSIDE[key[0]]) if key != RUN else None
        context = set_span_in_context(outer) if outer else Context()
        kind = SpanKind.CLIENT if operation == "chat" else SpanKind.INTERNAL
        self._open[key] = self._tracer.start_span(name, context, kind, attributes, start_time=self._time(event))

    def _end_call(self, key: Key, event: AnyEvent, reply: Reply | None, error: str | None) -> None:
        # Who answers is known at the end.
        provider_type = self._provider_types.get(reply.provider, UNKNOWN) if reply else UNKNOWN
        attributes: Attributes = {"gen_ai.provider.name": provider_type}
        if reply is not None:
            self._usage += reply.usage
            attributes |= _of_reply(reply)
            self._open[key].update_name(f"chat {reply.provider}")
        if key == MODEL:
            self._root_type = provider_type
        self._end(key, event, attributes, "provider_error" if error else None)

    def _end_cell(self, event: CellFinished | CellRolledBack) -> None:
        spent: Attributes = {"rlm.fuel": event.fuel, "rlm.guest_seconds": event.guest_seconds}
        if isinstance(event, CellRolledBack):
            self._end(CELL, event, spent, event.limit)
        else:
            self._end(CELL, event, spent, "exception" if event.error else None)

    def _end_run(self, event: RunFinished) -> None:
        # The innermost first; what goes on then was stopped by the end of the run.
        for key in reversed([each for each in self._open if each not in (RUN, TURN)]):
            self._end(key, event, error=event.stopped)
        self._end(TURN, event)
        ended = {"rlm.stopped": event.stopped, "gen_ai.provider.name": self._root_type} | _of_usage(self._usage)
        self._end(RUN, event, ended, None if event.stopped == "answered" else event.stopped)

    def _end(self, key: Key, event: AnyEvent, attributes: Attributes | None = None, error: str | None = None) -> None:
        span = self._open.pop(key, None)
        if span is None:
            return
        span.set_attributes(attributes or {})
        if error:
            span.set_attribute("error.type", error)
            span.set_status(StatusCode.ERROR)
        span.end(self._time(event))

    def _time(self, event: AnyEvent) -> int:
        return self._start_ns + round(event.at * 1e9)


def _of_reply(reply: Reply) -> Attributes:
    attributes: Attributes = {
        "gen_ai.request.model": reply.provider,
        "gen_ai.response.finish_reasons": ("length" if reply.cut else "stop",),
        "rlm.attempts": reply.attempts,
        "rlm.queue_seconds": reply.waited,
        "rlm.cached": reply.cached,
    }
    if reply.cost is not None:
        attributes["rlm.cost_dollars"] = reply.cost
    return attributes | _of_usage(reply.usage)


def _of_usage(usage: Usage) -> Attributes:
    return {
        "gen_ai.usage.input_tokens": possible(usage.prompt_tokens),
        "gen_ai.usage.output_tokens": possible(usage.completion_tokens),
        "gen_ai.usage.cache_read.input_tokens": possible(usage.cached_tokens),
        "gen_ai.usage.reasoning.output_tokens": possible(usage.reasoning_tokens),
    }
