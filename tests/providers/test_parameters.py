"""What a server refuses by name is left out from then on."""

import asyncio
import json

import httpx
import pytest
from fakes import asked, streamed

from orchestrator.config import OpenAISettings
from orchestrator.errors import ConfigError, ProviderError
from orchestrator.providers.messages import Message
from orchestrator.providers.openai import OpenAIProvider
from orchestrator.providers.parameters import refused_name

HI = (Message("user", "hi"),)
NAMES = ["max_tokens", "temperature", "top_p", "seed", "reasoning_effort", "stream_options", "response_format"]


def pydantic(*path, said="Extra inputs are not permitted", kind="extra_forbidden", given=None):
    return [{"type": kind, "loc": list(path), "msg": said, "input": given}]


def error(message, **fields):
    return {"error": {"message": message, "type": "invalid_request_error"} | fields}


@pytest.mark.parametrize(
    ("said", "name"),
    [
        # OpenAI, Azure
        (error("Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.", param="max_tokens", code="unsupported_parameter"), "max_tokens"),
        (error("Unsupported value: 'temperature' does not support 0.2 with this model. Only the default (1) value is supported.", param="temperature", code="unsupported_value"), "temperature"),
        (error("Unrecognized request argument supplied: reasoning_effort", param=None, code=None), "reasoning_effort"),
        (error("Invalid schema for response_format 'commands': In context=(), 'minLength' is not permitted.", param="response_format"), "response_format"),
        # Mistral, in its three forms
        ({"object": "error", "message": {"detail": pydantic("body", "stream_options")}, "type": "invalid_request_error"}, "stream_options"),
        ({"object": "Error", "detail": pydantic("body", "seed"), "message": pydantic("body", "seed"), "code": 3001}, "seed"),
        ({"object": "error", "message": json.dumps({"detail": pydantic("body", "top_p")}), "type": "internal_error_proxy"}, "top_p"),
        ({"detail": pydantic("body", "response_format", "json_schema")}, "response_format"),
        # xAI
        ({"code": "Client specified an invalid argument", "error": "Model grok-4-latest does not support parameter reasoningEffort."}, "reasoning_effort"),
        # Gemini
        ([error('Invalid JSON payload received. Unknown name "seed": Cannot find field.', code=400, status="INVALID_ARGUMENT")], "seed"),
        # Groq, DeepSeek, Anthropic
        (error("property 'reasoning_effort' is unsupported"), "reasoning_effort"),
        (error("This model does not support response format `json_schema`."), "response_format"),
        (error("This response_format type is unavailable now"), "response_format"),
        (error("`temperature` is deprecated for this model."), "temperature"),
        (error("top_p: Extra inputs are not permitted"), "top_p"),
        (error("Unsupported value.", param="top_p"), "top_p"),
        # What is no refusal of a parameter
        (error("max_tokens is too large: 300000. This model supports at most 4096 completion tokens.", param="max_tokens"), None),
        (error("Invalid max_tokens value, the valid range of max_tokens is [1, 8192]"), None),
        (error("This model's maximum context length is 4096 tokens."), None),
        (error("Unsupported value: 'messages[0].role' does not support 'system' with this model.", param="messages[0].role"), None),
        (error("Unsupported content in messages. Set temperature.", param="messages[0].content"), None),
        ({"detail": pydantic("body", "messages", 0, "user", "name")}, None),
        ({"detail": pydantic("body", "model", kind="missing", said="Field required", given={"temperature": 0, "messages": "unsupported"})}, None),
        (error("no such thing: temperatures are not supported"), None),
        ({"error": None}, None),
        ([], None),
        ("not supported", None),
        (None, None),
    ],
)  # fmt: skip
def test_a_refusal_is_understood(said, name):
    """Each as the server sends it."""
    assert refused_name(json.dumps(said).encode(), NAMES) == name


@pytest.mark.parametrize(
    "content",
    [b"[" * 1_000_000, b'{"error":' * 100_000, b"\xff\xfe", b"", b'{"loc": [[]], "msg": 5}', b'{"error": {"loc": []}}'],
    ids=range(6),
)
def test_a_hostile_error_says_nothing(content):
    """Deep, broken, of wrong types."""
    assert refused_name(content, NAMES) is None


def test_what_is_quoted_far_behind_is_not_read():
    """A server may repeat the prompt, in which anything can stand."""
    said = error("the prompt is too long: " + "x" * 300 + " 'temperature' is not supported")
    assert refused_name(json.dumps(said).encode(), NAMES) is None


class Server:
    """Refuses each of `refused`, one at a time."""

    def __init__(self, *refused, status=400):
        self.refused = refused
        self.status = status
        self.bodies = []

    def __call__(self, request):
        if request.method == "GET":
            return httpx.Response(404)
        body = json.loads(request.content)
        self.bodies.append(body)
        wrong = next((name for name in self.refused if name in body), None)
        if wrong is None:
            return streamed("ok")
        return httpx.Response(self.status, json=error(f"Unsupported parameter: '{wrong}' is not supported.", param=wrong))


async def ask(server, times=1, schema=None, **settings):
    """The texts of calls of one provider."""
    defaults = {"model": "m", "base_url": "http://server/v1"}
    async with httpx.AsyncClient(transport=httpx.MockTransport(server)) as client:
        provider = OpenAIProvider(OpenAISettings(**defaults | settings), client)
        return [(await asked(provider, HI, schema)).text for _ in range(times)]


async def test_a_call_goes_on_at_once_and_the_next_ones_are_spared():
    """One request more, once."""
    server = Server("temperature")
    assert await ask(server, times=2, temperature=0.5) == ["ok", "ok"]
    assert ["temperature" in body for body in server.bodies] == [True, False, False]


async def test_calls_under_way_at_once_all_go_on():
    """Each of them is refused the same."""
    server = Server("temperature", "max_tokens")
    async with httpx.AsyncClient(transport=httpx.MockTransport(server)) as client:
        provider = OpenAIProvider(OpenAISettings(model="m", base_url="http://server/v1", temperature=0.5), client)
        replies = await asyncio.gather(*(asked(provider, HI) for _ in range(20)))
    assert {reply.text for reply in replies} == {"ok"}


async def test_the_limit_of_a_reply_is_renamed_and_never_left_out():
    """It is what the operator wants to pay at most; a server that takes neither name is told so."""
    server = Server("max_tokens")
    assert await ask(server, times=2) == ["ok", "ok"]
    assert [(body.get("max_tokens"), body.get("max_completion_tokens")) for body in server.bodies] == [
        (8192, None),
        (None, 8192),
        (None, 8192),
    ]
    with pytest.raises(
        ProviderError, match=r"^m: HTTP 400: Unsupported parameter: 'max_completion_tokens' is not supported\.$"
    ):
        await ask(Server("max_tokens", "max_completion_tokens"))


async def test_a_server_that_refuses_one_after_the_other_is_asked_once_for_each():
    """In the end only what makes the request is left."""
    names = ["stream_options", "temperature", "top_p", "seed", "reasoning_effort", "response_format", "x", "max_tokens"]
    server = Server(*names, status=422)
    extra = {"extra_body": {"x": 1}, "temperature": 1.0, "top_p": 1.0, "seed": 1, "reasoning_effort": "low"}
    assert await ask(server, schema={"type": "object"}, **extra) == ["ok"]
    assert len(server.bodies) == len(names) + 1
    assert server.bodies[-1].keys() == {"model", "messages", "stream", "max_completion_tokens"}


@pytest.mark.parametrize("name", ["model", "messages", "stream"])
async def test_what_makes_the_request_is_never_left_out(name):
    """It is asked once."""
    server = Server(name)
    with pytest.raises(ProviderError):
        await ask(server, temperature=0.5)
    assert len(server.bodies) == 1


async def test_a_refusal_of_another_status_is_a_failure():
    """Only 400 and 422 are about what was sent."""
    server = Server("temperature", status=500)
    with pytest.raises(ProviderError):
        await ask(server, temperature=0.5)
    assert len(server.bodies) == 1


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ({"messages": []}, "providers: extra_body.messages: every request has its own"),
        ({"stream": False}, "providers: extra_body.stream: every request has its own"),
        ({"model": "x"}, "providers: extra_body.model: every request has its own"),
        ({"system": "x"}, "providers: extra_body.system: every request has its own"),
        ({"x": float("nan")}, "providers: extra_body: has a date or a number that JSON does not have"),
        ({"x": {1, 2}}, "providers: extra_body: has a date or a number that JSON does not have"),
    ],
)
async def test_what_cannot_be_added_is_refused_at_the_start(extra, message):
    """Before anything is asked."""
    with pytest.raises(ConfigError) as found:
        await ask(Server(), extra_body=extra)
    assert str(found.value) == message
