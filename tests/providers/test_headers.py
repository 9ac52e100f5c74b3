"""Headers that the configuration adds: none that would be no header, none that is another's, never shown."""

import os

import httpx
import pytest
from fakes import asked, streamed

from orchestrator.config import OpenAISettings
from orchestrator.errors import ConfigError, ProviderError
from orchestrator.providers.messages import Message
from orchestrator.providers.openai import OpenAIProvider

HI = (Message("user", "hi"),)


async def ask(respond, **settings):
    """The headers of the request, and what came."""
    seen = []

    def server(request):
        seen.append(request.headers)
        return respond

    async with httpx.AsyncClient(transport=httpx.MockTransport(server)) as client:
        provider = OpenAIProvider(OpenAISettings(model="m", base_url="http://server/v1", **settings), client)
        await asked(provider, HI)
    return seen[0]


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({"X-A": "1\r\nX-B: 2"}, "headers.X-A: its value begins or ends with a space, or has a character of no header"),
        ({"X-A": "1\n"}, "headers.X-A: its value begins or ends with a space, or has a character of no header"),
        ({"X-A": "é"}, "headers.X-A: its value begins or ends with a space, or has a character of no header"),
        ({"X-A": "\0"}, "headers.X-A: its value begins or ends with a space, or has a character of no header"),
        ({"X-A\r\nX-B": "1"}, "headers: 'X-A\\r\\nX-B' is no name of a header"),
        ({"X A": "1"}, "headers: 'X A' is no name of a header"),
        ({"": "1"}, "headers: '' is no name of a header"),
        ({"authorization": "Basic x"}, "headers.authorization: every request has its own (a key is named by api_key_env)"),
        ({"Host": "elsewhere"}, "headers.Host: every request has its own (a key is named by api_key_env)"),
        ({"Content-Length": "0"}, "headers.Content-Length: every request has its own (a key is named by api_key_env)"),
        (
            {"Transfer-Encoding": "chunked"},
            "headers.Transfer-Encoding: every request has its own (a key is named by api_key_env)",
        ),
    ],
)
async def test_what_is_no_header_is_refused_at_the_start(headers, message):
    """Before anything is asked; the value is not shown."""
    with pytest.raises(ConfigError) as error:
        await ask(streamed("x"), headers=headers)
    assert str(error.value) == f"providers: {message}"


async def test_a_header_is_sent_and_never_shown():
    """Also if the server repeats it: what is long enough to be a secret."""
    headers = {"X-Team": "team-secret", "X-Flag": "on"}
    assert (await ask(streamed("x"), headers=headers))["x-team"] == "team-secret"
    with pytest.raises(ProviderError) as error:
        await ask(httpx.Response(500, text="team-secret is on"), headers=headers)
    assert str(error.value) == "m: HTTP 500: *** is on"


async def test_a_secret_inside_a_secret_is_not_half_shown():
    """The longer one goes first."""
    os.environ["THE_KEY"] = "secret"
    with pytest.raises(ProviderError) as error:
        await ask(httpx.Response(500, text="secret-of-all secret"), api_key_env="THE_KEY", headers={"X-A": "secret-of-all"})
    assert str(error.value) == "m: HTTP 500: *** ***"
