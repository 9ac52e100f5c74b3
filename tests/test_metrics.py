"""Metrics: what the events of live runs add up to, and how they are read."""

import asyncio
import math

import msgspec
import pytest
from fakes import FAKE_MODEL, FakeModel, python, streamed
from prometheus_client.parser import text_string_to_metric_families
from serving import serving, serving_app

from orchestrator.config import OpenAISettings, SandboxSettings, Settings
from orchestrator.journal.events import CellRolledBack, ModelFailed, ModelReplied, RunFinished, SubcallFinished
from orchestrator.opening import Orchestrator
from orchestrator.providers.messages import FailedAttempt, Reply, Usage
from orchestrator.sandbox.messages import Effects
from orchestrator.telemetry.histogram import BOUNDS, Histogram
from orchestrator.telemetry.totals import Totals


class Answers(FakeModel):
    """One cell with two sub-calls, whatever the question is."""

    def __init__(self, code="FINAL(llm_batch(['a', 'b'])[0])"):
        super().__init__()
        self.code = code

    async def handle_async_request(self, request):
        self.replies = [python(self.code)]
        return await super().handle_async_request(request)


async def scraped(client):
    """{(name, label value, ...): value} of all samples that are not 0, without buckets and times of creation."""
    text = (await client.get("/metrics")).text
    samples = [each for family in text_string_to_metric_families(text) for each in family.samples]
    keys = [(each.name, *each.labels.values()) for each in samples]
    assert len(set(keys)) == len(keys)
    return {
        key: each.value
        for key, each in zip(keys, samples, strict=True)
        if each.value and not each.name.endswith(("_bucket", "_created"))
    }


def reply(provider="m", usage=None, **fields):
    return Reply(provider=provider, text="t", reasoning="", usage=usage or Usage(10, 5), attempts=1, seconds=1.0, **fields)


def answered(*replies):
    """The totals after these replies to sub-calls, by the providers m and n."""
    totals = Totals(["m", "n"])
    for number, each in enumerate(replies, 1):
        totals.add(SubcallFinished(turn=1, cell=1, subcall=number, reply=each, error=None))
    return totals


async def test_a_run_is_counted_by_its_events(engine):
    """Everything that is not 0 after one query; requests to /metrics are not among it."""
    async with serving(engine, Answers()) as client:
        await client.post("/query", json={"query": "q", "context": "c"})
        await client.get("/metrics")
        found = await scraped(client)
    for name in ("rlm_template_bytes", "rlm_sandboxes_alive"):  # of other tests, on the same engine
        found.pop((name,), None)
    seconds = {key: found.pop(key) for key in list(found) if key[0].endswith("_seconds_sum")}
    assert {key[0] for key in seconds} == {"rlm_request_duration_seconds_sum", "rlm_queue_seconds_sum"}
    assert found == {
        ("rlm_requests_total", "POST", "/query", "200"): 1,
        ("rlm_request_duration_seconds_count", "POST", "/query", "200"): 1,
        ("rlm_runs_started_total",): 1,
        ("rlm_runs_total", "answered"): 1,
        ("rlm_turns_total",): 1,
        ("rlm_cells_total", "python"): 1,
        ("rlm_sub_calls_total",): 2,
        ("rlm_replies_total", "fake"): 3,
        ("rlm_prompt_tokens_total", "fake"): 30,
        ("rlm_completion_tokens_total", "fake"): 15,
        ("rlm_unknown_costs_total", "fake"): 3,
        ("rlm_queue_seconds_count", "fake"): 3,
        ("rlm_provider_state", "0", "fake", "closed"): 1,
        ("rlm_provider_calls_total", "0", "fake"): 3,
    }


async def test_metrics_are_what_prometheus_reads(engine):
    """The text format, by its own content type."""
    async with serving(engine, FakeModel()) as client:
        response = await client.get("/metrics")
    assert response.headers["content-type"] == "text/plain; version=1.0.0; charset=utf-8"


async def test_two_servers_in_one_process_count_for_themselves(engine):
    """Neither shares a registry with the other, nor has the other's registered twice."""
    async with serving(engine, Answers()) as first, serving(engine, Answers()) as second:
        await first.post("/query", json={"query": "q", "context": "c"})
        assert (await scraped(first))["rlm_runs_total", "answered"] == 1
        assert ("rlm_runs_total", "answered") not in await scraped(second)


async def test_nothing_that_a_client_sends_becomes_a_label(engine):
    """1,000 paths, hosts, methods and ids make as many series as one of each."""
    async with serving(engine, FakeModel()) as client:

        async def attack(number):
            await client.get(f"/nowhere/{number}", headers={"x-request-id": f"id{number}"})
            await client.get("/health", headers={"host": f"h{number}"})
            await client.get(f"/runs/{number}?{number}={number}")
            # Others do not come so far: the server's parser knows these, and a few more.
            await client.request(("PURGE", "PROPFIND", "MKCOL")[number % 3], "/health")
            await client.get("/health", headers={"host": f"not a host {number}"})

        await attack(0)
        before = len((await client.get("/metrics")).text.splitlines())
        await asyncio.gather(*map(attack, range(1, 250)))
        found = await scraped(client)
        after = len((await client.get("/metrics")).text.splitlines())
    assert after == before
    assert {key[1:]: value for key, value in found.items() if key[0] == "rlm_requests_total"} == {
        ("GET", "none", "404"): 250,
        ("GET", "/runs/{run_id}", "404"): 250,
        ("other", "none", "405"): 250,
        ("GET", "none", "403"): 500,
    }


async def test_two_providers_with_one_name_are_two_entries(engine):
    """Prometheus would refuse the same series twice."""
    providers = tuple(OpenAISettings(model="same", base_url=f"http://{host}/v1") for host in ("a", "b"))
    async with serving_app(Orchestrator(Settings(providers=providers), print, engine=engine, transport=Answers())) as client:
        found = await scraped(client)
    assert {key for key in found if key[0] == "rlm_provider_state"} == {
        ("rlm_provider_state", "0", "same", "closed"),
        ("rlm_provider_state", "1", "same", "closed"),
    }


async def test_a_rollback_is_counted_by_its_limit(engine):
    """Fuel, here."""
    model = FakeModel([python("while True: pass"), "I do not know"])
    async with serving(engine, model, sandbox=engine.settings, max_iterations=1) as client:
        await client.post("/query", json={"query": "q", "context": "c"})
        found = await scraped(client)
    assert found["rlm_rollbacks_total", "fuel"] == 1
    assert found["rlm_runs_total", "max_iterations"] == 1


async def test_guests_and_templates_are_seen_while_they_live(new_engine):
    """A run that waits for a model keeps its guest; the loaded context stays behind."""
    asked = asyncio.Event()

    class Waits(Answers):
        async def handle_async_request(self, request):
            if self.root_messages:
                asked.set()
                await asyncio.sleep(60)
            return await super().handle_async_request(request)

    async with serving(new_engine(SandboxSettings()), Waits("FINAL(llm_query(context))")) as client:
        before = await scraped(client)
        run = asyncio.create_task(client.post("/query", json={"query": "q", "context": "guests and templates"}))
        await asyncio.wait_for(asked.wait(), 10)
        during = await scraped(client)
        run.cancel()
    assert {"rlm_sandboxes_alive", "rlm_template_bytes"} & {key[0] for key in before} == set()
    assert during["rlm_sandboxes_alive",] >= 1
    assert during["rlm_template_bytes",] > len("guests and templates")
    assert during["rlm_provider_calls_in_flight", "0", "fake"] == 1


async def test_a_run_goes_on_if_an_observer_fails(engine):
    """A server that cannot count still answers."""
    service = Orchestrator(Settings(providers=(FAKE_MODEL,)), print, engine=engine, transport=Answers())
    async with serving_app(service) as client:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Totals, "add", lambda self, event: 1 / 0)
            response = await client.post("/query", json={"query": "q", "context": "c"})
    assert response.json()["answer"] == "A"


def test_tokens_of_failed_attempts_count_for_those_who_failed():
    """What the reply says is the sum of all attempts."""
    failed = FailedAttempt(provider="n", error="x", times=2, usage=Usage(8, 1, cached_tokens=4))
    totals = answered(reply("m", Usage(18, 6, cached_tokens=6, reasoning_tokens=2), failed=(failed,)))
    m, n = totals.providers["m"], totals.providers["n"]
    assert (m.prompt_tokens, m.completion_tokens, m.cached_tokens, m.reasoning_tokens, m.failed_attempts) == (10, 5, 2, 2, 0)
    assert (n.prompt_tokens, n.completion_tokens, n.cached_tokens, n.reasoning_tokens, n.failed_attempts) == (8, 1, 4, 0, 2)


def test_an_unknown_cost_is_not_zero():
    """It is counted apart; a hit of the cache costs nothing, whatever is known."""
    totals = answered(reply(cost=0.5), reply(cost=None), reply(cost=None, cached=True), reply(cost=0.0, cached=True)).providers[
        "m"
    ]
    assert (totals.cost, totals.unknown_costs, totals.cache_hits) == (0.5, 1, 2)


@pytest.mark.parametrize("cost", [-1.0, math.nan, math.inf, 1e300])
def test_a_cost_that_cannot_be_is_unknown(cost):
    """One reply cannot spoil the sum."""
    totals = answered(reply(cost=cost)).providers["m"]
    assert (totals.cost, totals.unknown_costs) == (0.0, 1)


@pytest.mark.parametrize("tokens", [-5, 10**400])
async def test_a_backend_cannot_break_the_metrics_by_its_numbers(engine, tokens):
    """Counts that no reply has are estimated instead."""
    usage = msgspec.json.encode({"usage": {"prompt_tokens": 7, "completion_tokens": 1}}).replace(b"7", str(tokens).encode())
    chunk = b'data: {"choices": [{"delta": {"content": "FINAL(1)"}, "finish_reason": "stop"}]}\n\ndata: ' + usage + b"\n\n"
    answer = streamed("")
    answer = type(answer)(200, headers={"content-type": "text/event-stream"}, content=chunk)
    async with serving(engine, FakeModel([answer, streamed("FINAL(2)")])) as client:
        await client.post("/query", json={"query": "q", "context": "c"})
        found = await scraped(client)
    assert 0 < found["rlm_prompt_tokens_total", "fake"] < 10_000
    assert found["rlm_runs_total", "answered"] == 1


def test_a_name_that_is_not_configured_is_no_key():
    """10,000 providers that a journal names are one."""
    totals = answered(*(reply(f"invented {number}") for number in range(10_000)))
    assert list(totals.providers) == ["m", "n", "other"]
    assert totals.providers["other"].replies == 10_000


def test_a_reason_that_is_not_known_is_no_key():
    """Neither of a rollback nor of an end."""
    totals = Totals([])
    effects = Effects(context_reads=0, reads_sha256="", clock_ns=0, random_draws=0)
    stopped = CellRolledBack(
        turn=1, cell=1, limit="new", message="", fuel=0, guest_seconds=0, lost=False, effects=effects, loaded=False
    )
    totals.add(stopped)
    totals.add(RunFinished(stopped="new", error=None))
    assert (totals.rollbacks["other"], totals.stopped["other"], "new" in totals.rollbacks) == (1, 1, False)


def test_the_call_for_a_best_answer_is_no_turn():
    """It is a reply."""
    totals = Totals(["m"])
    totals.add(ModelReplied(turn=1, reply=reply()))
    totals.add(ModelReplied(turn=2, reply=reply(), best_answer=True))
    totals.add(ModelFailed(turn=3, error="x", reply=reply()))
    assert (totals.turns, totals.providers["m"].replies) == (1, 3)


def test_a_histogram_counts_what_is_at_most_each_bound():
    """As Prometheus has it: each bucket has those before it, too."""
    histogram = Histogram()
    for seconds in (0.0, 0.01, 0.2, 10_000.0):
        histogram.add(seconds)
    assert [count for _, count in histogram.buckets] == [2, 2, *[3] * (len(BOUNDS) - 2), 4]
    assert [bound for bound, _ in histogram.buckets[-2:]] == ["1800.0", "+Inf"]
    assert histogram.sum == pytest.approx(10_000.21)
