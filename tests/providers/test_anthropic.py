"""Anthropic's own protocol at the wire."""

import json
import os

import httpx
import pytest
from fake_anthropic import PING, FakeAnthropic, block, event, start, stop
from fakes import HI as PROMPT
from fakes import asked, complete

from orchestrator.config import AnthropicSettings
from orchestrator.errors import ProviderError
from orchestrator.providers.anthropic import AnthropicProvider
from orchestrator.providers.messages import Message, Received, Usage
from orchestrator.providers.pool import Pool

HI = (Message("user", "hi"),)
DEFAULTS = {"model": "claude", "base_url": "http://anthropic/v1", "api_key_env": "THE_KEY"}


@pytest.fixture(autouse=True)
def key():
    os.environ["THE_KEY"] = "sk-ant-1"


def streamed(*events):
    return httpx.Response(200, headers={"content-type": "text/event-stream; charset=utf-8"}, text="".join(events))


async def ask(respond, messages=HI, schema=None, **settings):
    """What one call of a provider brought whose server is `respond` (a response, or a function of the request)."""
    handler = respond if callable(respond) else lambda request: respond
    async with httpx.AsyncClient(transport=httpx.MockTransport(handler)) as client:
        return await asked(AnthropicProvider(AnthropicSettings(**DEFAULTS | settings), client), messages, schema)


async def error_of(respond, **settings):
    with pytest.raises(ProviderError) as error:
        await ask(respond, **settings)
    return str(error.value), error.value.remedy


async def test_pieces_of_a_stream_are_joined():
    """Text in order, thinking apart, tokens as they are at the end; pings are nothing."""
    received = await ask(streamed(start(), PING, block(0, "thinking", "hm", "m"), block(1, "text", "Hé", "llo"), PING, stop()))
    assert (received.text, received.reasoning, received.usage, received.cut) == ("Héllo", "hmm", Usage(7, 5), False)


async def test_the_request_is_the_documented_one():
    """Address, key, version; the system's words apart; a limit, which is required; no schema, which theirs could not be."""
    seen = []

    def server(request):
        seen.append(request)
        return streamed(start(), stop())

    messages = (Message("system", "be brief"), Message("user", "hi"), Message("assistant", " \n"), Message("user", "again"))
    await ask(server, messages, {"type": "object"}, temperature=0.5, top_p=0.9, reasoning_effort="low")
    [request] = seen
    assert str(request.url) == "http://anthropic/v1/messages"
    assert [request.headers.get(name) for name in ("x-api-key", "anthropic-version", "authorization")] == [
        "sk-ant-1",
        "2023-06-01",
        None,
    ]
    assert json.loads(request.content) == {
        "model": "claude",
        "messages": [{"role": "user", "content": "hi"}, {"role": "user", "content": "again"}],
        "stream": True,
        "max_tokens": 8192,
        "temperature": 0.5,
        "top_p": 0.9,
        "output_config": {"effort": "low"},
        "system": "be brief",
    }


async def test_it_is_found_where_it_is_by_itself():
    """Its address and its key need not be named."""
    settings = AnthropicSettings(model="claude")
    assert (settings.base_url, settings.api_key_env) == ("https://api.anthropic.com/v1", "ANTHROPIC_API_KEY")


async def test_cached_tokens_are_of_the_prompt():
    """Theirs are counted beside the others; what a cache was filled with is of it, too."""
    usage = {"cache_read_input_tokens": 100, "cache_creation_input_tokens": 20}
    details = {"output_tokens_details": {"thinking_tokens": 3}}
    received = await ask(streamed(start(**usage), block(0, "text", "x"), stop(**details)))
    assert received.usage == Usage(127, 5, cached_tokens=100, reasoning_tokens=3)


@pytest.mark.parametrize("reason", ["max_tokens", "model_context_window_exceeded"])
async def test_a_reply_that_was_cut_is_known(reason):
    """At its limit, or at the end of the window."""
    assert (await ask(streamed(start(), block(0, "text", "x"), stop(reason)))).cut


async def test_a_refusal_is_an_error_with_what_came():
    """Another provider may answer."""
    received = Received()
    transport = httpx.MockTransport(lambda request: streamed(start(), block(0, "text", "half"), stop("refusal")))
    async with httpx.AsyncClient(transport=transport) as client:
        with pytest.raises(ProviderError) as error:
            await AnthropicProvider(AnthropicSettings(**DEFAULTS), client).complete(HI, received)
    assert (str(error.value), error.value.remedy) == ("claude: the server ended the reply: refusal", "elsewhere")
    assert (received.text, received.usage) == ("half", Usage(7, 5))


@pytest.mark.parametrize(
    ("kind", "remedy"),
    [
        ("overloaded_error", "later"),
        ("api_error", "later"),
        ("rate_limit_error", "limited"),
        ("authentication_error", "mend"),
        ("invalid_request_error", "none"),
        ("new_error", "later"),
    ],
)
async def test_an_error_inside_the_stream_is_known_by_its_kind(kind, remedy):
    """After the status 200."""
    broken = streamed(start(), block(0, "text", "x"), event("error", error={"type": kind, "message": "no"}))
    assert await error_of(broken) == (f"claude: {kind}: no", remedy)


def refusal(status, kind, message):
    return httpx.Response(status, json={"type": "error", "error": {"type": kind, "message": message}, "request_id": "r"})


@pytest.mark.parametrize(
    ("response", "message", "remedy"),
    [
        (refusal(529, "overloaded_error", "Overloaded"), "claude: HTTP 529: Overloaded", "later"),
        (refusal(429, "rate_limit_error", "slow down"), "claude: HTTP 429: slow down", "limited"),
        (refusal(401, "authentication_error", "invalid x-api-key sk-ant-1"), "claude: the key in the environment variable THE_KEY is refused (HTTP 401: invalid x-api-key ***)", "mend"),
        (refusal(413, "request_too_large", "too large"), "claude: HTTP 413: too large", "none"),
        (refusal(400, "invalid_request_error", "max_tokens: 300000 > 64000"), "claude: HTTP 400: max_tokens: 300000 > 64000", "none"),
        (refusal(400, "invalid_request_error", "Your credit balance is too low"), "claude: HTTP 400: Your credit balance is too low", "mend"),
        (streamed(start(), block(0, "text", "half")), "claude: the stream broke off", "later"),
        (streamed(), "claude: the stream broke off", "later"),
        (streamed("data: {\n\n"), "claude: sent something that is not a completion", "later"),
        (streamed("data: " + "[" * 100_000 + "\n\n"), "claude: sent something that is not a completion", "later"),
        (streamed('data: {"error": ' + "[" * 100_000 + "\n\n"), "claude: sent something that is not a completion", "later"),
        (streamed(event("content_block_delta", delta={"text": 5})), "claude: sent something that is not a completion", "later"),
        (httpx.Response(200, html="<html>"), "claude: answered with text/html instead of a completion", "mend"),
    ],
)  # fmt: skip
async def test_what_is_no_completion_is_a_clear_error(response, message, remedy):
    """The whole message, and what may help."""
    assert await error_of(response) == (message, remedy)


async def test_a_missing_model_is_told_with_those_that_exist():
    """They are listed for the same key."""

    def server(request):
        assert request.headers["x-api-key"] == "sk-ant-1"
        if request.method == "GET":
            return httpx.Response(200, json={"data": [{"type": "model", "id": "claude-a"}], "has_more": False})
        return refusal(404, "not_found_error", "model: claude")

    assert await error_of(server) == (
        "claude: there is no such model at http://anthropic/v1; these exist: claude-a",
        "mend",
    )


async def test_what_a_model_does_not_take_is_left_out():
    """Newer ones take no temperature."""
    bodies = []

    def server(request):
        bodies.append(json.loads(request.content))
        wrong = "temperature" in bodies[-1]
        return (
            refusal(400, "invalid_request_error", "`temperature` is deprecated for this model.")
            if wrong
            else streamed(start(), stop())
        )

    await ask(server, temperature=0.5)
    assert ["temperature" in body for body in bodies] == [True, False]


@pytest.mark.parametrize(
    "usage",
    [
        {"input_tokens": -1},
        {"input_tokens": "7"},
        {"input_tokens": None},
        {"input_tokens": 2**70},
        {"output_tokens_details": []},
    ],
)
async def test_a_count_that_cannot_be_believed_is_estimated(usage):
    """The reply is as good."""
    received = await ask(streamed(start(**usage), block(0, "text", "text"), stop()))
    assert (received.text, received.usage_for(HI)) == ("text", Usage(1, 1, estimated=True))


async def test_what_a_broken_reply_cost_is_estimated():
    """Its beginning counts the prompt, and next to nothing of the reply."""
    received = Received()
    transport = httpx.MockTransport(lambda request: streamed(start(), block(0, "text", "x" * 400)))
    async with httpx.AsyncClient(transport=transport) as client:
        with pytest.raises(ProviderError):
            await AnthropicProvider(AnthropicSettings(**DEFAULTS), client).complete(HI, received)
    assert received.usage_for(HI) == Usage(1, 100, estimated=True)


async def test_a_number_beyond_all_numbers_is_no_count():
    """1e400 is valid JSON."""
    received = await ask(
        streamed(start().replace('"input_tokens": 7', '"input_tokens": 1e400'), block(0, "text", "text"), stop())
    )
    assert received.usage_for(HI) == Usage(1, 1, estimated=True)


async def test_a_prompt_that_does_not_fit_is_not_sent():
    """The error says how much would fit."""
    found = await error_of(streamed(), context_window=4096, messages=(Message("user", "x" * 10_000),))
    assert found[0] == (
        "claude: the prompt has 10,000 characters, of which about 6,144 fit (context_window is 4,096 tokens, 2,048 are kept for the reply)"
    )


WHOLE = start() + PING + block(0, "thinking", "Ö\u2028") + block(1, "text", "Grüße\r\n", "日本") + stop()


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 1000])
async def test_a_stream_may_be_cut_anywhere(size):
    """Over a real connection: in the middle of a line, a word, a character."""
    fake = FakeAnthropic(WHOLE, size=size)
    async with fake.running() as url, httpx.AsyncClient() as client:
        received = await asked(AnthropicProvider(AnthropicSettings(**DEFAULTS | {"base_url": url}), client), HI)
    assert (received.text, received.reasoning, received.usage) == ("Grüße\r\n日本", "Ö\u2028", Usage(7, 5))
    assert "x-api-key: sk-ant-1" in fake.heads[0]


@pytest.mark.parametrize(
    ("end", "error"),
    [
        (len(start()), "the stream broke off"),
        (len(WHOLE) - len(event("message_stop")), "the stream broke off"),
        (len(WHOLE) // 2, "sent something that is not a completion"),
    ],
)
async def test_a_stream_that_ends_early_is_asked_again(end, error):
    """Between two events, or within one."""
    fake = FakeAnthropic(WHOLE[:end], WHOLE)
    async with fake.running() as url, httpx.AsyncClient() as client:
        pool = Pool([AnthropicProvider(AnthropicSettings(**DEFAULTS | {"base_url": url}), client)], retry_seconds=5)
        reply = await complete(pool, "root", PROMPT)
    assert (reply.text, [each.error for each in reply.failed]) == ("Grüße\r\n日本", [f"claude: {error}"])


async def test_an_overload_in_mid_stream_is_asked_again():
    """What came of it is not part of the reply."""
    broken = start() + block(0, "text", "half") + event("error", error={"type": "overloaded_error", "message": "Overloaded"})
    fake = FakeAnthropic(broken, WHOLE)
    async with fake.running() as url, httpx.AsyncClient() as client:
        pool = Pool([AnthropicProvider(AnthropicSettings(**DEFAULTS | {"base_url": url}), client)], retry_seconds=5)
        reply = await complete(pool, "root", PROMPT)
    assert (reply.text, [each.error for each in reply.failed]) == ("Grüße\r\n日本", ["claude: overloaded_error: Overloaded"])


async def test_a_stream_that_stalls_is_a_failure():
    """Pings are bytes, too: without any for stall_seconds it is over."""
    fake = FakeAnthropic(start(), hang=True)
    async with fake.running() as url, httpx.AsyncClient() as client:
        settings = AnthropicSettings(**DEFAULTS | {"base_url": url}, stall_seconds=0.2)
        with pytest.raises(ProviderError) as error:
            await asked(AnthropicProvider(settings, client), HI)
    assert (str(error.value), error.value.remedy) == (
        f"claude: nothing came from {url} for 0.2 seconds (stall_seconds)",
        "later",
    )
