"""Traces: the spans of runs, as a collector gets them."""

import asyncio
import http.server
import json
import subprocess
import sys
import threading
import time

import pytest
import structlog
from fakes import FakeModel, python
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from serving import serving

from orchestrator.telemetry import otlp

CELL = "FINAL(llm_batch(['what SECRET1 is', 'and SECRET2'])[0])"
INTERNAL, CLIENT = 1, 3
ERROR = 2


class Collector:
    """A server on loopback that takes OTLP over HTTP; `seconds`: until it answers."""

    def __init__(self, seconds=0.0, status=200):
        self.received = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *arguments):
                pass

            def do_POST(self):
                content = self.rfile.read(int(self.headers["content-length"]))
                outer.received.append((self.path, self.headers, content))
                outer.closed.wait(seconds)
                self.send_response(status)
                self.end_headers()

        self.closed = threading.Event()
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self):
        self.closed.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def spans(self):
        """All that came, in their order of starting."""
        requests = [ExportTraceServiceRequest.FromString(content) for _, _, content in self.received]
        scopes = [scope for request in requests for each in request.resource_spans for scope in each.scope_spans]
        return sorted((span for scope in scopes for span in scope.spans), key=_place)


@pytest.fixture
def collector(monkeypatch):
    collector = Collector()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    yield collector
    collector.close()


@pytest.fixture
def lines():
    """The lines of the log."""
    written = []
    structlog.configure(processors=[lambda _logger, _method, event: written.append(event) or json.dumps(event)])
    yield written
    structlog.reset_defaults()


def _place(span):
    """What begins first, and of that the longest."""
    return span.start_time_unix_nano, -span.end_time_unix_nano


def attributes(span):
    def value(each):
        kind = each.WhichOneof("value")
        return tuple(map(value, each.array_value.values)) if kind == "array_value" else getattr(each, kind)

    return {each.key: value(each.value) for each in span.attributes}


async def traced(engine, model, collector):
    """The result of one query, and the spans that the collector has after the server's end."""
    async with serving(engine, model) as client:
        response = await client.post("/query", json={"query": "SECRET3?", "context": "SECRET4"})
    return response.json(), collector.spans


def tree(spans):
    """[(name, name of what it is in)]."""
    names = {span.span_id: span.name for span in spans}
    return [(span.name, names.get(span.parent_span_id)) for span in spans]


async def test_a_run_is_one_trace(engine, collector):
    """A span for the run, the turn, the call, the cell, each sub-call; each inside its own."""
    _, spans = await traced(engine, FakeModel([python(CELL)]), collector)
    assert tree(spans) == [
        ("invoke_agent rlm", None),
        ("turn", "invoke_agent rlm"),
        ("chat fake", "turn"),
        ("execute_tool python", "turn"),
        ("chat fake", "execute_tool python"),
        ("chat fake", "execute_tool python"),
    ]
    assert len({span.trace_id for span in spans}) == 1
    assert [span.kind for span in spans] == [INTERNAL, INTERNAL, CLIENT, INTERNAL, CLIENT, CLIENT]


async def test_spans_have_the_attributes_of_the_conventions(engine, collector):
    """Those for generative AI, and ours for what they do not name."""
    result, spans = await traced(engine, FakeModel([python(CELL)]), collector)
    run, turn, call, cell, first, _ = map(attributes, spans)
    tokens = {"gen_ai.usage.cache_read.input_tokens": 0, "gen_ai.usage.reasoning.output_tokens": 0}
    assert run == tokens | {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": "rlm",
        "gen_ai.provider.name": "openai",
        "gen_ai.usage.input_tokens": 30,
        "gen_ai.usage.output_tokens": 15,
        "rlm.run_id": result["run_id"],
        "rlm.stopped": "answered",
    }
    assert turn == {"rlm.turn": 1}
    chat = tokens | {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "fake",
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.output_tokens": 5,
        "rlm.attempts": 1,
        "rlm.cached": False,
    }
    assert call.pop("rlm.queue_seconds") >= 0
    assert first.pop("rlm.queue_seconds") >= 0
    assert (call, first) == (chat, chat | {"rlm.sub_call": 1})
    assert cell.pop("rlm.fuel") > 0
    assert cell.pop("rlm.guest_seconds") > 0
    assert cell == {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "python",
        "gen_ai.tool.type": "function",
        "rlm.cell": 1,
    }


async def test_spans_have_the_times_of_their_events(engine, collector):
    """What is inside begins not before, and ends not after, what it is in."""
    before = time.time_ns()
    _, spans = await traced(engine, FakeModel([python(CELL)], delay=0.05), collector)
    after = time.time_ns()
    by_id = {span.span_id: span for span in spans}
    for span in spans:
        outer = by_id.get(span.parent_span_id)
        assert (outer.start_time_unix_nano if outer else before) <= span.start_time_unix_nano
        assert span.end_time_unix_nano <= (outer.end_time_unix_nano if outer else after)
    assert all(span.end_time_unix_nano - span.start_time_unix_nano >= 50_000_000 for span in spans if span.kind == CLIENT)


async def test_no_text_is_in_a_span(engine, collector):
    """Neither the question, the context, a prompt, an answer, the code, nor an error's words."""
    code = f"print('SECRET5')\n{CELL}\nraise ValueError('SECRET6')"
    await traced(engine, FakeModel([python(code), "FINAL(SECRET7)"]), collector)
    assert len(collector.spans) > 5
    assert all(b"SECRET" not in content for _, _, content in collector.received)


@pytest.mark.parametrize(
    ("replies", "errors"),
    [
        ([python("1/0"), "FINAL(1)"], {"execute_tool python": "exception"}),
        ([python("while True: pass"), "FINAL(1)"], {"execute_tool python": "fuel"}),
        ([python("llm_query('bad')"), "FINAL(1)"], {"execute_tool python": "exception", "chat": "provider_error"}),
    ],
)
async def test_what_failed_says_so(engine, collector, replies, errors):
    """By a word of a short list; the run itself was answered."""

    def sub(_prompt):
        raise AssertionError("no answer")

    model = FakeModel(replies, sub=lambda prompt: type(prompt)("") if prompt == "bad" else prompt)
    async with serving(engine, model, sandbox=engine.settings, retry_seconds=0) as client:
        await client.post("/query", json={"query": "q", "context": "c"})
    failed = {
        span.name.removesuffix(" fake"): attributes(span)["error.type"] for span in collector.spans if span.status.code == ERROR
    }
    assert failed == errors


async def test_a_run_that_is_cut_short_ends_its_spans(engine, collector):
    """All of them, with the reason."""
    model = FakeModel([python(CELL)], delay=60)
    async with serving(engine, model) as client:
        asking = asyncio.create_task(client.post("/query", json={"query": "q", "context": "c"}))
        await asyncio.sleep(0.3)
        asking.cancel()
        await asyncio.wait_for(model.cancelled.wait(), 10)
    spans = collector.spans
    assert sorted(tree(spans), key=str) == [("chat", "turn"), ("invoke_agent rlm", None), ("turn", "invoke_agent rlm")]
    errors = {span.name: attributes(span).get("error.type") for span in spans}
    assert errors == {"chat": "cancelled", "invoke_agent rlm": "cancelled", "turn": None}


async def test_the_standard_variables_are_understood(engine, collector, monkeypatch):
    """Headers, the name of the service, other attributes of it."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20k")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "questions")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test")
    await traced(engine, FakeModel(["FINAL(1)"]), collector)
    [(path, headers, content)] = collector.received
    resource = attributes(ExportTraceServiceRequest.FromString(content).resource_spans[0].resource)
    assert (path, headers["authorization"]) == ("/v1/traces", "Bearer k")
    assert resource == {"service.name": "questions", "service.version": "0.1.0", "deployment.environment.name": "test"}


@pytest.mark.parametrize("variable", ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_SDK_DISABLED"])
async def test_without_a_collector_nothing_is_traced(engine, collector, monkeypatch, variable):
    """Off unless it is named, or if it is switched off."""
    monkeypatch.setenv(variable, "" if variable.endswith("ENDPOINT") else "true")
    await traced(engine, FakeModel(["FINAL(1)"]), collector)
    assert collector.received == []


async def test_a_setting_that_cannot_be_understood_is_told(engine, collector, monkeypatch, lines):
    """OpenTelemetry takes its default."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "soon")
    _, spans = await traced(engine, FakeModel(["FINAL(1)"]), collector)
    told = [line["reason"] for line in lines if line["event"] == "traces_lost"]
    assert (len(spans), told) == (3, ["Invalid timeout value 'soon', using default of 10 seconds"])


async def test_settings_that_cannot_be_are_told(engine, collector, monkeypatch, lines):
    """The server runs without traces: the environment may be meant for others."""
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "1")
    result, spans = await traced(engine, FakeModel(["FINAL(1)"]), collector)
    assert (result["answer"], spans) == ("1", [])
    told = [line["reason"] for line in lines if line["event"] == "traces_lost"]
    reason = "max_export_batch_size must be less than or equal to max_queue_size."
    assert told == [f"OpenTelemetry's settings in the environment: {reason}"]


async def test_a_missing_package_is_told(engine, collector, monkeypatch, lines):
    """With what installs it."""
    monkeypatch.setitem(sys.modules, "orchestrator.telemetry.otlp", None)
    result, spans = await traced(engine, FakeModel(["FINAL(1)"]), collector)
    assert (result["answer"], spans) == ("1", [])
    told = [line["reason"] for line in lines if line["event"] == "traces_lost"]
    assert told == ["OTEL_EXPORTER_OTLP_ENDPOINT is set, but OpenTelemetry is missing: pip install 'rlm-orchestrator[otel]'"]


def test_a_server_without_a_collector_does_not_load_opentelemetry():
    """It would take longer to start."""
    code = "import orchestrator.app, sys; print([each for each in sys.modules if each.startswith('opentelemetry.sdk')])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


async def test_a_dead_collector_costs_one_line(engine, collector, monkeypatch, lines):
    """However many batches are lost; queries are answered as ever."""
    collector.close()
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "20")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.05")
    model = FakeModel(["FINAL(1)"] * 10)
    async with serving(engine, model) as client:
        for _ in range(10):
            response = await client.post("/query", json={"query": "q", "context": "c"})
            assert response.json()["answer"] == "1"
            await asyncio.sleep(0.05)
    assert [line["event"] for line in lines].count("traces_lost") == 1


async def test_a_collector_that_hangs_holds_nobody_up(engine, monkeypatch):
    """Neither a query nor the end of the server, which leaves what is still queued."""
    monkeypatch.setattr(otlp, "CLOSE_SECONDS", 0.2)
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "10")
    hanging = Collector(seconds=60)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", hanging.url)
    started = time.monotonic()
    async with serving(engine, FakeModel(["FINAL(1)"] * 3)) as client:
        for _ in range(3):
            assert (await client.post("/query", json={"query": "q", "context": "c"})).json()["answer"] == "1"
            await asyncio.sleep(0.05)
    assert time.monotonic() - started < 10
    assert len(hanging.received) == 1
    hanging.close()
