"""The OpenAI-compatible protocol at the wire."""

import json
import os

import httpx
import pytest
from fakes import streamed

from orchestrator.config import OpenAISettings
from orchestrator.errors import ProviderError
from orchestrator.providers.messages import Completion, Message, Usage
from orchestrator.providers.openai import OpenAIProvider

HI = (Message("user", "hi"),)


async def complete(respond, messages=HI, schema=None, **settings):
    """One call of a provider whose server is `respond` (a response, or a function of the request)."""
    handler = respond if callable(respond) else lambda request: respond
    async with httpx.AsyncClient(transport=httpx.MockTransport(handler)) as client:
        provider = OpenAIProvider(OpenAISettings(model="m", base_url="http://server/v1", **settings), client)
        return await provider.complete(messages, schema)


async def error_of(respond, **settings):
    with pytest.raises(ProviderError) as error:
        await complete(respond, **settings)
    return str(error.value), error.value.retry


def events(*chunks, done=True):
    body = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + ("data: [DONE]\n\n" if done else "")
    return httpx.Response(200, headers={"content-type": "text/event-stream; charset=utf-8"}, text=body)


def delta(finish_reason=None, **fields):
    return {"choices": [{"index": 0, "delta": fields, "finish_reason": finish_reason}]}


async def test_pieces_of_a_stream_are_joined():
    """Text in order, usage from the last chunk."""
    usage = {"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 2}}
    completion = await complete(events(delta(role="assistant"), delta(content="Hé"), delta("stop", content="llo"), usage))
    assert completion == Completion(text="Héllo", usage=Usage(7, 2))


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
async def test_reasoning_is_kept_apart(field):
    """A provider-side reasoning field never becomes text."""
    completion = await complete(events(delta(**{field: "hmm"}), delta("stop", content="yes")))
    assert (completion.text, completion.reasoning) == ("yes", "hmm")


async def test_tokens_that_were_not_counted_are_estimated():
    """Four characters a token, and said to be an estimate."""
    completion = await complete(events(delta("stop", content="hello")), (Message("user", "12345678"),))
    assert completion.usage == Usage(2, 2, estimated=True)


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
    ("response", "message", "retry"),
    [
        (httpx.Response(401, json={"error": "no"}), 'm: HTTP 401: {"error":"no"}', False),
        (httpx.Response(404, text=""), "m: HTTP 404: no text", False),
        (httpx.Response(429, text="slow\ndown"), "m: HTTP 429: slow down", True),
        (httpx.Response(500, text="oops"), "m: HTTP 500: oops", True),
        (httpx.Response(503, text="x" * 1000), f"m: HTTP 503: {'x' * 190}", True),
        (httpx.Response(200, html="<html>"), "m: answered with text/html instead of a completion", False),
        (httpx.Response(200, content=b""), "m: answered with no content type instead of a completion", False),
        (httpx.Response(200, json=[1]), "m: sent something that is not a completion", True),
        (events({"choices": 5}), "m: sent something that is not a completion", True),
        (events(delta(content="half"), done=False), "m: the stream broke off", True),
        (events({"error": {"message": "overloaded"}}), 'm: {"message":"overloaded"}', True),
    ],
)
async def test_what_is_no_completion_is_a_clear_error(response, message, retry):
    """The whole message, and whether the same call may succeed later."""
    assert await error_of(response) == (message, retry)


async def test_retry_after_is_kept():
    """In seconds, for the pool."""
    with pytest.raises(ProviderError) as error:
        await complete(httpx.Response(429, headers={"retry-after": "7"}))
    assert error.value.after == 7.0


async def test_a_lost_connection_is_a_clear_error():
    """The kind of failure, no address, no trace."""

    def server(request):
        raise httpx.ConnectError("refused")

    assert await error_of(server) == ("m: no answer: ConnectError", True)


async def test_the_key_is_never_in_an_error():
    """Also when the server repeats it."""
    os.environ["THE_KEY"] = "sk-secret"
    response = httpx.Response(401, text="Incorrect API key: sk-secret")
    assert await error_of(response, api_key_env="THE_KEY") == ("m: HTTP 401: Incorrect API key: ***", False)


@pytest.mark.parametrize(
    ("form", "sent"),
    [
        ("json_schema", {"type": "json_schema", "json_schema": {"name": "commands", "schema": {"type": "object"}}}),
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
