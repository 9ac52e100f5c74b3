"""What a real LiteLLM proxy makes of failures, and what we make of that. Run by `make test-gateway`, which installs it."""

import asyncio
import contextlib
import json

import backends
import pytest
from fakes import complete
from litellm_gateway import Gateway, free_port

from orchestrator.errors import ProviderError
from orchestrator.providers.attempts import Wait
from orchestrator.providers.connections import Connections

pytestmark = pytest.mark.gateway
FAILED = "LiteLLM: model group 'up' failed with the error above. No fallback was attempted."


def refused(status, *headers, message="no"):
    """A behaviour of the upstream."""

    async def behave(writer, text):
        writer.write(backends.refusal(status, *headers, body=json.dumps({"error": {"message": message}}).encode()))

    return behave


async def test_an_upstream_that_limits_is_told_under_another_name(gateway):
    """Its retry-after is not the gateway's own."""
    gateway.upstream.behaviours = iter([refused("429 Too Many Requests", "retry-after: 7")])
    response = await gateway.post("up", stream=True)
    told = {name: value for name, value in response.headers.items() if "retry" in name}
    assert (response.status_code, told) == (429, {"llm_provider-retry-after": "7"})


async def test_a_gateway_that_has_no_deployment_left_says_when(gateway):
    """By a retry-after of its own."""
    gateway.upstream.behaviours = iter([refused("429 Too Many Requests", "retry-after: 7")] * 20)
    for _ in range(20):
        response = await gateway.post("twice", stream=True)
        if response.json()["error"]["type"] == "all_deployments_in_cooldown":
            break
    told = {name: int(value) for name, value in response.headers.items() if "retry" in name}
    assert (response.status_code, list(told)) == (429, ["retry-after"])
    assert 5 <= told["retry-after"] <= 7


async def test_a_rate_limit_is_waited_out(gateway):
    """As long as the upstream says; who waits is told."""
    gateway.upstream.behaviours = iter([refused("429 Too Many Requests", "retry-after: 2", message="slow down")])
    waits = []
    reply = await complete(gateway.pool("up"), "sub", tell=waits.append)
    reason = f"up: HTTP 429: litellm.RateLimitError: RateLimitError: OpenAIException - slow down {FAILED}"
    assert (reply.text, reply.attempts, waits) == ("yes", 2, [Wait("up", 2.0, reason)])


async def test_another_model_answers_for_one_that_is_limited(gateway):
    """At once."""
    gateway.upstream.behaviours = iter([refused("429 Too Many Requests", "retry-after: 60")])
    async with asyncio.timeout(10):
        reply = await complete(gateway.pool("up", "mock"), "sub")
    assert (reply.text, reply.provider, [each.provider for each in reply.failed]) == ("mocked", "mock", ["up"])


async def test_an_unknown_model_is_told_with_those_that_exist(gateway):
    """By their names at the gateway."""
    assert await failure(gateway.pool("nope")) == (
        "nope: HTTP 400: /chat/completions: Invalid model name passed in model=nope. Call `/v1/models` to view available models "
        "for your key.; these exist: up, unpriced, locked, twice, mock, coder"
    )


async def test_an_upstream_that_is_down_is_told(gateway):
    """In the gateway's words."""
    await gateway.upstream.stop()
    try:
        said = await failure(gateway.pool("up"))
    finally:
        await gateway.upstream.start()
    assert said == (
        f"up: HTTP 500: litellm.InternalServerError: InternalServerError: OpenAIException - Connection error. {FAILED}"
    )


async def test_another_model_answers_for_one_whose_upstream_is_down(gateway):
    """Through the same gateway."""
    await gateway.upstream.stop()
    try:
        reply = await complete(gateway.pool("up", "mock"), "sub")
    finally:
        await gateway.upstream.start()
    assert (reply.text, reply.provider) == ("mocked", "mock")


async def test_a_gateway_that_is_down_is_told(monkeypatch):
    """By its address."""
    monkeypatch.setenv("LITELLM_API_KEY", "any")
    url = f"http://127.0.0.1:{free_port()}/v1"
    async with contextlib.aclosing(Connections()) as connections:
        gone = Gateway(url, None, connections)
        assert await failure(gone.pool("up")) == f"up: no answer at {url}: is the server running?"


async def failure(pool):
    """The message of a call that fails."""
    with pytest.raises(ProviderError) as error:
        await complete(pool, "sub")
    return str(error.value)


async def broken_off(writer, text):
    """A behaviour of the upstream: pieces that are framed, as by real servers, and no end."""
    writer.write(backends.head("200 OK", "content-type: text/event-stream", "transfer-encoding: chunked") + b"\r\n")
    for each in ("half", " of", " it"):
        piece = backends.chunk(each)
        writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        await asyncio.sleep(0.2)  # the gateway has sent its 200 before the end


async def test_a_stream_that_breaks_off_is_no_reply(gateway):
    """Another model answers."""
    gateway.upstream.behaviours = iter([broken_off])
    reply = await complete(gateway.pool("up", "mock"), "sub")
    assert (reply.text, [each.provider for each in reply.failed]) == ("mocked", ["up"])


async def test_an_error_in_a_stream_is_told_in_its_words(gateway):
    """As one before it is."""
    gateway.upstream.behaviours = iter([broken_off])
    assert await failure(gateway.pool("up")) == (
        "up: litellm.APIConnectionError: APIConnectionError: OpenAIException - Response payload is not completed: "
        "<TransferEncodingError: 400, message='Not enough data to satisfy transfer length header.'>"
    )


async def test_the_gateway_takes_a_stream_without_an_end_for_a_whole_one(gateway):
    """If its connection is closed in good order: it makes up finish_reason and usage, so that we cannot know."""

    async def half(writer, text):
        writer.write(backends.head("200 OK") + backends.STREAM + backends.chunk("half"))

    gateway.upstream.behaviours = iter([half])
    reply = await complete(gateway.pool("up"), "sub")
    assert (reply.text, reply.usage.estimated, reply.failed) == ("half", False, ())


async def test_a_wrong_key_is_told(gateway, monkeypatch):
    """By the environment variable that holds it."""
    monkeypatch.setenv("LITELLM_API_KEY", "sk-wrong")
    assert await failure(gateway.pool("up")) == (
        "up: the key in the environment variable LITELLM_API_KEY is refused (HTTP 400: No connected db.)"
    )


async def test_a_wrong_key_of_the_gateway_is_not_taken_for_ours(gateway):
    """The upstream refuses what is in the gateway's configuration."""
    gateway.upstream.behaviours = iter([refused("401 Unauthorized", message="bad key")])
    assert await failure(gateway.pool("locked")) == (
        "locked: HTTP 401: litellm.AuthenticationError: AuthenticationError: OpenAIException - bad key "
        + FAILED.replace("'up'", "'locked'")
    )


async def test_a_rate_limit_in_milliseconds_is_waited_out(gateway):
    """Passed on under another name, like the one in seconds."""
    gateway.upstream.behaviours = iter([refused("429 Too Many Requests", "retry-after-ms: 2000")])
    waits = []
    await complete(gateway.pool("up"), "sub", tell=waits.append)
    assert [each.seconds for each in waits] == [2.0]
