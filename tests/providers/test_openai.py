"""The OpenAI-compatible protocol at the wire."""

import json
import os
import socket

import httpx
import pytest
from fakes import asked, delta, events, streamed

from orchestrator.config import OpenAISettings
from orchestrator.errors import ConfigError, ProviderError
from orchestrator.providers import wire
from orchestrator.providers.messages import Message, Usage
from orchestrator.providers.openai import OpenAIProvider

HI = (Message("user", "hi"),)


async def complete(respond, messages=HI, schema=None, **settings):
    """One call of a provider whose server is `respond` (a response, or a function of the request)."""
    handler = respond if callable(respond) else lambda request: respond
    async with httpx.AsyncClient(transport=httpx.MockTransport(handler)) as client:
        provider = OpenAIProvider(OpenAISettings(**{"model": "m", "base_url": "http://server/v1"} | settings), client)
        return await asked(provider, messages, schema)


async def error_of(respond, **settings):
    with pytest.raises(ProviderError) as error:
        await complete(respond, **settings)
    return str(error.value), error.value.remedy


async def test_pieces_of_a_stream_are_joined():
    """Text in order, usage from the last chunk."""
    usage = {"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 2}}
    completion = await complete(events(delta(role="assistant"), delta(content="Hé"), delta("stop", content="llo"), usage))
    assert (completion.text, completion.reasoning, completion.usage, completion.cut) == ("Héllo", "", Usage(7, 2), False)


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
async def test_reasoning_is_kept_apart(field):
    """A provider-side reasoning field never becomes text."""
    completion = await complete(events(delta(**{field: "hmm"}), delta("stop", content="yes")))
    assert (completion.text, completion.reasoning) == ("yes", "hmm")


async def test_tokens_that_were_not_counted_are_estimated():
    """Four characters a token, and said to be an estimate."""
    messages = (Message("user", "12345678"),)
    completion = await complete(events(delta("stop", content="hello")), messages)
    assert (completion.usage, completion.usage_for(messages)) == (None, Usage(2, 2, estimated=True))


async def test_a_reply_that_was_cut_is_known():
    """finish_reason is "length"."""
    assert (await complete(events(delta("length", content="hel")))).cut


async def test_openai_itself_has_another_name_for_the_limit():
    """Its newer models refuse max_tokens."""
    seen = []

    def server(request):
        seen.append(json.loads(request.content))
        return streamed("x")

    os.environ["OPENAI_API_KEY"] = "sk-1"
    await complete(server, base_url="https://api.openai.com/v1", max_tokens=100)
    assert (seen[0]["max_completion_tokens"], "max_tokens" in seen[0]) == (100, False)


async def test_an_event_is_what_ends_with_a_line_feed():
    """Other line separators of Unicode may stand in a text."""
    body = 'data: {"choices": [{"delta": {"content": "a\u2028b\u2029c\x85d"}, "finish_reason": "stop"}]}\r\n\r\n'
    response = httpx.Response(200, headers={"content-type": "text/event-stream"}, content=body.encode())
    assert (await complete(response)).text == "a\u2028b\u2029c\x85d"


async def test_an_endless_reply_is_an_error(monkeypatch):
    """Of any form; nothing more is read."""
    monkeypatch.setattr(wire, "MOST_REPLY_BYTES", 1 << 20)
    body = b"data: " + b" " * (1 << 21)
    for kind in ("text/event-stream", "application/json"):
        message = await error_of(httpx.Response(200, headers={"content-type": kind}, content=body))
        assert message[0] == "m: sent more than 1 MiB in one reply"


async def test_the_request_is_the_documented_one():
    """Path, key, model, messages, streaming with usage."""
    seen = []

    def server(request):
        seen.append((str(request.url), request.headers["authorization"], json.loads(request.content)))
        return streamed("x")

    os.environ["THE_KEY"] = "sk-1"
    await complete(server, api_key_env="THE_KEY")
    assert seen == [
        (
            "http://server/v1/chat/completions",
            "Bearer sk-1",
            {
                "model": "m",
                "messages": [{"role": "user", "content": "hi"}],
                "stream": True,
                "stream_options": {"include_usage": True},
                "max_tokens": 8192,
            },
        )
    ]


async def test_a_server_that_does_not_stream_is_understood():
    """One JSON body with a message instead of deltas."""
    body = {
        "choices": [{"message": {"role": "assistant", "content": "whole"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1},
    }
    assert (await complete(httpx.Response(200, json=body))).text == "whole"


@pytest.mark.parametrize("content", [None, ""])
async def test_no_content_is_an_empty_text(content):
    """null and "" are a reply with nothing in it; the pool asks again."""
    assert (await complete(events(delta("stop", content=content)))).text == ""


@pytest.mark.parametrize(
    ("response", "message", "remedy"),
    [
        (
            httpx.Response(401, json={"error": "no"}),
            "m: the server wants a key: api_key_env names the environment variable that holds it (HTTP 401: no)",
            "mend",
        ),
        (httpx.Response(404, text=""), "m: HTTP 404: no text", "mend"),
        (httpx.Response(400, json={"detail": [{"loc": 1}]}), 'm: HTTP 400: {"detail":[{"loc":1}]}', "none"),
        (httpx.Response(422, json={"error": {"message": "too long"}}), "m: HTTP 422: too long", "none"),
        (httpx.Response(429, text="slow\ndown"), "m: HTTP 429: slow down", "limited"),
        (httpx.Response(500, text="oops"), "m: HTTP 500: oops", "later"),
        (httpx.Response(503, text="x" * 1000), f"m: HTTP 503: {'x' * 200}", "later"),
        (httpx.Response(200, html="<html>"), "m: answered with text/html instead of a completion", "mend"),
        (httpx.Response(200, content=b""), "m: answered with no content type instead of a completion", "mend"),
        (httpx.Response(200, json=[1]), "m: sent something that is not a completion", "later"),
        (events({"choices": 5}), "m: sent something that is not a completion", "later"),
        (
            httpx.Response(200, content=b'{"error":' + b"[" * 100_000, headers={"content-type": "application/json"}),
            "m: sent something that is not a completion",
            "later",
        ),
        (
            httpx.Response(
                200,
                content=b'{"choices": [{"message": {"content": ' + b'[{"thinking":' * 100_000,
                headers={"content-type": "application/json"},
            ),
            "m: sent something that is not a completion",
            "later",
        ),
        (events(delta(content=[{"text": 5}])), "m: sent something that is not a completion", "later"),
        (events(delta(content="half"), done=False), "m: the stream broke off", "later"),
        (events({"error": {"message": "overloaded"}}), "m: overloaded", "later"),
    ],
)
async def test_what_is_no_completion_is_a_clear_error(response, message, remedy):
    """The whole message, and what may help."""
    assert await error_of(response) == (message, remedy)


async def test_retry_after_is_kept():
    """In seconds, for the pool."""
    with pytest.raises(ProviderError) as error:
        await complete(httpx.Response(429, headers={"retry-after": "7"}))
    assert error.value.after == 7.0


async def test_a_lost_connection_is_a_clear_error():
    """The kind of failure, and no trace."""

    def server(request):
        raise httpx.ReadError("reset")

    assert await error_of(server) == ("m: the connection to http://server/v1 was lost (ReadError)", "later")


async def test_a_host_that_is_not_known_is_named():
    """As the resolver says."""

    def server(request):
        raise httpx.ConnectError("Name or service not known") from socket.gaierror(-2, "Name or service not known")

    assert await error_of(server) == ("m: the host 'server' is not known: is base_url right?", "later")


async def test_what_is_secret_in_an_address_is_not_told():
    """A user and a password before the host, a key behind the path."""

    def server(request):
        raise httpx.ConnectError("refused")

    found = await error_of(server, base_url="http://user:secret@server/v1?key=secret")
    assert found == ("m: no answer at http://server/v1: is the server running?", "later")


def lists(*names, refusal):
    """A server that lists these models, and answers all else with `refusal`."""
    listing = httpx.Response(200, json={"object": "list", "data": [{"id": name, "object": "model"} for name in names]})
    return lambda request: listing if request.method == "GET" else refusal


@pytest.mark.parametrize(
    ("server", "message"),
    [
        (lists("a", "b", refusal=httpx.Response(404, text="")), "m: there is no such model at http://server/v1; these exist: a, b"),
        (lists(refusal=httpx.Response(404, text="")), "m: there is no such model at http://server/v1; it has none"),
        (lists("m", refusal=httpx.Response(404, text="gone")), "m: HTTP 404: gone"),
        (lists("a", refusal=httpx.Response(400, json={"error": {"message": "Model Not Exist"}})), "m: HTTP 400: Model Not Exist; these exist: a"),
        (lists("a", refusal=httpx.Response(400, text="too long")), "m: HTTP 400: too long"),
        (lists(*(f"model-{number:02}" for number in range(30)), refusal=httpx.Response(404)), "m: there is no such model at http://server/v1; these exist: model-00, model-01, model-02, model-03, model-04, model-05, model-06, model-07, model-08, model-09, model-10, model-11, model-12, model-13, model-14, ... (30 in all)"),
    ],
)  # fmt: skip
async def test_a_missing_model_is_told_with_those_that_exist(server, message):
    """The whole message; a few names of many."""
    assert (await error_of(server))[0] == message


async def test_a_request_that_is_refused_says_nothing_of_the_provider():
    """Unless it is about the model's name."""
    refused = [httpx.Response(400, text=text) for text in ("Model Not Exist", "too long")]
    assert [(await error_of(lists("a", refusal=each)))[1] for each in refused] == ["mend", "none"]


@pytest.mark.parametrize(
    ("response", "message"),
    [
        (httpx.Response(404, json={"detail": "Not Found"}), "m: HTTP 404: Not Found; base_url goes up to and including /v1 (it is http://server)"),
        (httpx.Response(200, html="<html>"), "m: answered with text/html instead of a completion; base_url goes up to and including /v1 (it is http://server)"),
        (httpx.Response(200, json={"error": "Unexpected endpoint or method."}), 'm: Unexpected endpoint or method.; base_url goes up to and including /v1 (it is http://server)'),
    ],
)  # fmt: skip
async def test_a_base_url_without_v1_is_told(response, message):
    """Servers answer what they do not have in several ways."""
    assert (await error_of(response, base_url="http://server/"))[0] == message


@pytest.mark.parametrize(
    ("settings", "key", "message"),
    [
        ({"base_url": "http://localhost:abc"}, "k", "providers: base_url: 'http://localhost:abc' is no URL: Invalid port: 'abc'"),
        ({"base_url": "http://:80"}, "k", "providers: base_url: 'http://:80' is no URL: it has no host"),
        ({"base_url": "http://a:65536/v1"}, "k", "providers: base_url: 'http://a:65536/v1' is no URL: the last port is 65535"),
        ({}, "sk-1\n", "providers: api_key_env: the key in the environment variable THE_KEY has a space, a line end or another character that no key has"),
        ({}, "sk-\u00e9", "providers: api_key_env: the key in the environment variable THE_KEY has a space, a line end or another character that no key has"),
    ],
)  # fmt: skip
async def test_what_no_request_can_be_made_of_is_refused_at_the_start(settings, key, message):
    """Before anything is asked."""
    os.environ["THE_KEY"] = key
    with pytest.raises(ConfigError) as error:
        await complete(streamed("x"), api_key_env="THE_KEY", **settings)
    assert str(error.value) == message


async def test_the_key_is_never_in_an_error():
    """Also when the server repeats it."""
    os.environ["THE_KEY"] = "sk-secret"
    response = httpx.Response(401, text="Incorrect API key: sk-secret")
    assert await error_of(response, api_key_env="THE_KEY") == (
        "m: the key in the environment variable THE_KEY is refused (HTTP 401: Incorrect API key: ***)",
        "mend",
    )
    half = httpx.Response(500, text="x" * 195 + "sk-secret")
    assert await error_of(half, api_key_env="THE_KEY") == (f"m: HTTP 500: {'x' * 195}***", "later")


@pytest.mark.parametrize(
    ("form", "sent"),
    [
        ("json_schema", {"type": "json_schema", "json_schema": {"name": "reply", "schema": {"type": "object"}}}),
        ("json_object", {"type": "json_object"}),
        ("none", None),
    ],
)
async def test_a_schema_constrains_decoding_in_the_form_that_the_server_takes(form, sent):
    """response_format says which; without a schema nothing is sent."""
    formats = []

    def server(request):
        formats.append(json.loads(request.content).get("response_format"))
        return events(delta("stop", content="{}"))

    await complete(server, schema={"type": "object"}, response_format=form)
    await complete(server, response_format=form)
    assert formats == [sent, None]


async def test_a_prompt_that_does_not_fit_is_not_sent():
    """The error says how much would fit."""
    found = await error_of(streamed("x"), context_window=4096, messages=(Message("user", "é" * 10_000),))
    assert found[0] == (
        "m: the prompt has 10,000 characters, of which about 3,072 fit (context_window is 4,096 tokens, 2,048 are kept for the reply)"
    )


async def test_each_digit_counts_as_a_token():
    """To many models it is one: a table of numbers takes three times the room of prose."""
    found = await error_of(streamed("x"), context_window=4096, messages=(Message("user", "7" * 3000),))
    assert found[0] == (
        "m: the prompt has 3,000 characters, of which about 2,048 fit (context_window is 4,096 tokens, 2,048 are kept for the reply)"
    )
