"""What a server says of itself: its providers, whether it is ready, and the ids of requests."""

import json

import httpx
import pytest
import structlog
from fakes import FakeModel, python
from serving import serving

REFUSED = httpx.Response(401, json={"error": {"message": "no such key"}})


def answers(replies):
    """A model that gives these, and then 1."""
    return FakeModel([*replies, *["FINAL(1)"] * 5])


async def ask(client, **headers):
    return await client.post("/query", json={"query": "q", "context": "c"}, headers=headers)


async def test_providers_are_listed(engine):
    """What is configured, what each does now, and how its last calls went."""
    async with serving(engine, answers([])) as client:
        await ask(client)
        listed = (await client.get("/providers")).json()
    [provider] = listed["providers"]
    latency = provider.pop("latency_p50"), provider.pop("latency_p95")
    assert 0 < latency[0] <= latency[1]
    assert provider.pop("tokens_per_second") > 0
    assert listed["queue_length"] == 0
    assert provider == {
        "name": "fake",
        "provider_type": "openai",
        "model": "fake",
        "role": "both",
        "address": "http://model/v1",
        "state": "closed",
        "meaning": "it is asked",
        "in_flight": 0,
        "slots": 16,
        "slots_used": 0,
        "waiting": 0,
        "calls": 1,
        "failures": 0,
        "last_error": None,
        "last_failure_seconds": None,
    }


async def test_a_server_that_could_answer_is_ready(engine):
    """With the same body as /health."""
    async with serving(engine, FakeModel()) as client:
        ready, health = await client.get("/health/ready"), await client.get("/health")
    assert (ready.status_code, ready.json()) == (200, health.json())


async def test_a_server_whose_models_are_down_lives_and_is_not_ready(engine):
    """The problem says for what; /providers says why."""
    async with serving(engine, answers([REFUSED])) as client:
        await ask(client)
        ready, health = await client.get("/health/ready"), await client.get("/health")
        [provider] = (await client.get("/providers")).json()["providers"]
    detail = "all providers are down for the role root and sub: GET /providers says why"
    assert ready.headers["content-type"] == "application/problem+json"
    assert ready.json() == {"type": "about:blank", "title": "Service Unavailable", "status": 503, "detail": detail}
    assert (health.status_code, health.json()["providers"]) == (200, {"up": 0, "down": 1})
    assert provider["state"] == "doubted"
    assert (
        provider["last_error"]
        == "fake: the server wants a key: api_key_env names the environment variable that holds it (HTTP 401: no such key)"
    )


@pytest.mark.parametrize("given", ["a", "7f3.A_b-c", "x" * 64])
async def test_a_plain_id_of_a_request_is_taken(engine, given):
    """And is in the response."""
    async with serving(engine, FakeModel()) as client:
        response = await client.get("/health", headers={"x-request-id": given})
    assert response.headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["", "x" * 65, "a b", "{}", "a\tb", '"', "é".encode()])
async def test_another_id_is_made_instead(engine, given):
    """32 hexadecimal digits."""
    async with serving(engine, FakeModel()) as client:
        response = await client.get("/health", headers={"x-request-id": given})
    assert len(bytes.fromhex(response.headers["x-request-id"])) == 16


@pytest.mark.parametrize(("path", "status"), [("/nowhere", 404), ("/runs/x", 404), ("/query", 405)])
async def test_what_is_refused_has_an_id_too(engine, path, status):
    """Without a route as well."""
    async with serving(engine, FakeModel()) as client:
        response = await client.get(path, headers={"x-request-id": "mine"})
    assert (response.status_code, response.headers["x-request-id"]) == (status, "mine")


@pytest.fixture
def lines():
    """The lines of the log, as the command line configures them but for the end."""
    written = []
    processors = [
        structlog.contextvars.merge_contextvars,
        lambda _logger, _method, event: written.append(event) or json.dumps(event),
    ]
    structlog.configure(processors=processors)
    yield written
    structlog.reset_defaults()


async def test_the_line_of_a_run_has_the_id_of_its_request(engine, lines):
    """Beside its own, whatever requests went on meanwhile."""
    async with serving(engine, FakeModel([python("FINAL(1)"), python("FINAL(2)")])) as client:
        found = [(await ask(client, **{"x-request-id": name})).json()["run_id"] for name in ("first", "second")]
    assert [(line["event"], line["request_id"], line["run_id"]) for line in lines if line["event"] == "run"] == [
        ("run", "first", found[0]),
        ("run", "second", found[1]),
    ]


async def test_an_error_of_ours_has_both_ids(engine, lines, monkeypatch):
    """So that it is found from what the caller was answered."""
    monkeypatch.setattr("orchestrator.runs.execute.first_messages", lambda *_: 1 / 0)
    async with serving(engine, FakeModel()) as client:
        response = await ask(client, **{"x-request-id": "mine"})
        [run] = (await client.get("/runs")).json()["runs"]
    assert response.status_code == 500
    [line] = [line for line in lines if line["event"] == "internal_error"]
    assert (line["request_id"], line["run_id"], line["type"]) == ("mine", run["run_id"], "ZeroDivisionError")
