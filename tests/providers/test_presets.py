"""Each known server is asked as its documentation says."""

import json
import os

import httpx
import pytest
from fakes import asked, streamed

from orchestrator.config import PROVIDER_TYPES
from orchestrator.presets import PRESETS
from orchestrator.providers.make import make_provider
from orchestrator.providers.messages import Message

HI = (Message("user", "hi"),)
SCHEMA = {"type": "object"}
HELD = {"type": "json_schema", "json_schema": {"name": "reply", "schema": SCHEMA}}
COUNTED = {"include_usage": True}

# Where the request goes, the header of its key, and what else than messages is in its body: the limit of the reply, the
# seed's name, whether it asks for a count of tokens, the form of a schema.
WIRE = {
    "openai": ("https://api.openai.com/v1", "authorization", "max_completion_tokens", "seed", COUNTED, HELD),
    "deepseek": ("https://api.deepseek.com/v1", "authorization", "max_tokens", "seed", COUNTED, {"type": "json_object"}),
    "lmstudio": ("http://127.0.0.1:1234/v1", None, "max_tokens", "seed", COUNTED, HELD),
    "llamacpp": ("http://127.0.0.1:8080/v1", None, "max_tokens", "seed", COUNTED, HELD),
    "vllm": ("http://127.0.0.1:8000/v1", None, "max_tokens", "seed", COUNTED, HELD),
    "litellm": ("http://127.0.0.1:4000/v1", "authorization", "max_tokens", "seed", COUNTED, HELD),
    "groq": ("https://api.groq.com/openai/v1", "authorization", "max_tokens", "seed", COUNTED, None),
    "together": ("https://api.together.ai/v1", "authorization", "max_tokens", "seed", COUNTED, HELD),
    "fireworks": ("https://api.fireworks.ai/inference/v1", "authorization", "max_tokens", "seed", COUNTED, HELD),
    "mistral": ("https://api.mistral.ai/v1", "authorization", "max_tokens", "random_seed", None, HELD),
    "openrouter": ("https://openrouter.ai/api/v1", "authorization", "max_tokens", "seed", COUNTED, HELD),
    "xai": ("https://api.x.ai/v1", "authorization", "max_tokens", "seed", COUNTED, HELD),
    "perplexity": ("https://api.perplexity.ai", "authorization", "max_tokens", "seed", None, HELD),
    "cohere": ("https://api.cohere.ai/compatibility/v1", "authorization", "max_tokens", "seed", None, HELD),
    "gemini": ("https://generativelanguage.googleapis.com/v1beta/openai", "authorization", "max_tokens", "seed", COUNTED, HELD),
    "azure": ("https://mine.openai.azure.com/openai/v1", "api-key", "max_completion_tokens", "seed", COUNTED, HELD),
}
KEYS = {
    "openai": "OPENAI_API_KEY",
    "deepseek": "DEEPSEEK_API_KEY",
    "lmstudio": None,
    "llamacpp": None,
    "vllm": None,
    "litellm": "LITELLM_API_KEY",
    "groq": "GROQ_API_KEY",
    "together": "TOGETHER_API_KEY",
    "fireworks": "FIREWORKS_API_KEY",
    "mistral": "MISTRAL_API_KEY",
    "openrouter": "OPENROUTER_API_KEY",
    "xai": "XAI_API_KEY",
    "perplexity": "PERPLEXITY_API_KEY",
    "cohere": "COHERE_API_KEY",
    "gemini": "GEMINI_API_KEY",
    "azure": "AZURE_OPENAI_API_KEY",
}


async def sent(name, schema=None, **settings):
    """The request of a provider of that type, and what its server is asked before: nothing."""
    seen = []

    def server(request):
        seen.append(request)
        return streamed("x")

    if name == "azure":
        settings |= {"base_url": "https://mine.openai.azure.com/openai/v1"}
    if KEYS[name]:
        os.environ[KEYS[name]] = "sk-1"
    async with httpx.AsyncClient(transport=httpx.MockTransport(server)) as client:
        await asked(make_provider(PROVIDER_TYPES[name](model="m", **settings), client), HI, schema)
    [request] = seen
    return request


def test_each_row_is_held_to_its_documentation():
    """A new one needs a row above."""
    assert list(WIRE) == list(PRESETS) == list(KEYS)


@pytest.mark.parametrize("name", WIRE)
async def test_the_request_is_the_documented_one(name):
    """Its address, its key, and all of its body, with every parameter set."""
    base_url, header, limit, seed, usage, form = WIRE[name]
    request = await sent(name, SCHEMA, temperature=0.5, top_p=0.9, seed=1, reasoning_effort="low", max_tokens=100)
    keys = {each: request.headers[each] for each in ("authorization", "api-key", "x-api-key") if each in request.headers}
    expected = {
        "model": "m",
        "messages": [{"role": "user", "content": "hi"}],
        "stream": True,
        "stream_options": usage,
        limit: 100,
        "temperature": 0.5,
        "top_p": 0.9,
        seed: 1,
        "reasoning_effort": "low",
        "response_format": form,
    }
    assert str(request.url) == f"{base_url}/chat/completions"
    assert keys == ({header: "sk-1" if header == "api-key" else "Bearer sk-1"} if header else {})
    assert json.loads(request.content) == {key: value for key, value in expected.items() if value is not None}


@pytest.mark.parametrize("name", WIRE)
async def test_what_is_not_set_is_not_sent(name):
    """But for the limit of the reply."""
    _, _, limit, _, usage, _ = WIRE[name]
    body = json.loads((await sent(name)).content)
    assert body.keys() == {"model", "messages", "stream", limit} | ({"stream_options"} if usage else set())


async def test_a_compatible_server_elsewhere_is_not_openai():
    """It is sent no key of OpenAI's, and the name of the limit that all know."""
    os.environ["OPENAI_API_KEY"] = "sk-1"
    request = await sent("openai", base_url="http://server/v1")
    assert ("authorization" in request.headers, "max_tokens" in json.loads(request.content)) == (False, True)


async def test_what_the_operator_adds_is_in_each_request():
    """extra_body wins over a parameter, tables are merged; headers stand beside the others."""
    extra = {"top_k": 40, "temperature": 1, "stream_options": {"more": True}}
    request = await sent("vllm", temperature=0.5, extra_body=extra, headers={"X-Title": "rlm"})
    body = json.loads(request.content)
    assert (body["top_k"], body["temperature"], body["stream_options"]) == (40, 1, {"include_usage": True, "more": True})
    assert (request.headers["x-title"], request.headers["accept-encoding"]) == ("rlm", "identity")


async def test_azure_lists_no_deployments():
    """What it lists is not what requests name: an error does not say that these exist."""
    asked_for = []

    def server(request):
        asked_for.append(request.method)
        return httpx.Response(404, json={"error": {"code": "DeploymentNotFound", "message": "The deployment does not exist."}})

    os.environ["AZURE_OPENAI_API_KEY"] = "k"
    settings = PROVIDER_TYPES["azure"](model="m", base_url="https://mine.openai.azure.com/openai/v1")
    async with httpx.AsyncClient(transport=httpx.MockTransport(server)) as client:
        with pytest.raises(Exception, match=r"^m: HTTP 404: The deployment does not exist\.$"):
            await asked(make_provider(settings, client), HI)
    assert asked_for == ["POST"]


@pytest.mark.parametrize("name", ["gemini", "perplexity"])
async def test_an_address_that_is_known_is_not_doubted(name):
    """It may end without /v1."""
    os.environ[KEYS[name]] = "k"
    transport = httpx.MockTransport(lambda request: httpx.Response(404, text="no"))
    async with httpx.AsyncClient(transport=transport) as client:
        with pytest.raises(Exception, match=r"^m: HTTP 404: no$"):
            await asked(make_provider(PROVIDER_TYPES[name](model="m"), client), HI)
