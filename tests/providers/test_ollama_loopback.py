"""The Ollama provider against a server on loopback that cuts, reloads and fails as the real one does."""

import asyncio
import contextlib
import json
import re

import httpx
import pytest
from fake_ollama import FakeOllama, truncated
from fakes import complete

from orchestrator.config import OllamaSettings
from orchestrator.errors import ProviderError
from orchestrator.providers.messages import Message
from orchestrator.providers.ollama import OllamaProvider
from orchestrator.providers.pool import Pool


@contextlib.asynccontextmanager
async def pool_over(server, model="qwen3", **settings):
    async with server.running() as url, httpx.AsyncClient(timeout=None) as client:
        yield Pool([OllamaProvider(OllamaSettings(model=model, base_url=url, **settings), client)], retry_seconds=1.5)


async def ask(server, *prompts, **settings):
    """The last of the replies."""
    async with pool_over(server, **settings) as models:
        for prompt in prompts:
            reply = await complete(models, "sub", (Message("user", prompt),))
    return reply


def test_the_fake_cuts_a_long_prompt_without_a_word():
    """As the real one does: the beginning is gone, the system message stays."""
    messages = [{"role": "system", "content": "rules"}, {"role": "user", "content": "first " + "x" * 100}]
    assert truncated(messages, window=10) == [messages[0], {"role": "user", "content": "x" * 35}]


async def test_without_num_ctx_the_beginning_would_be_cut():
    """With status 200, and nothing in the reply that says so but the count."""
    chat = {"model": "qwen3", "messages": [{"role": "user", "content": "first " + "x" * 100_000}], "stream": True}
    async with FakeOllama().running() as url, httpx.AsyncClient() as client:
        response = await client.post(f"{url}/api/chat", json=chat)
    lines = [json.loads(line) for line in response.text.splitlines()]
    said = "".join(line["message"]["content"] for line in lines)
    assert (response.status_code, said, lines[-1]["prompt_eval_count"]) == (200, "x" * 16_384 + " 16384", 4096)


async def test_a_prompt_of_more_tokens_than_we_thought_is_an_error_and_not_cut():
    """The server counts for itself, and is told not to cut."""
    server = FakeOllama()
    server.token = 1
    with pytest.raises(ProviderError) as error:
        await ask(server, "x" * 10_000)
    assert str(error.value) == "qwen3: HTTP 400: the input length exceeds the context length"


async def test_a_streamed_reply_arrives_whole():
    """Text, thinking beside it, and the server's own counts."""
    reply = await ask(FakeOllama(), "hello there")
    assert (reply.text, reply.reasoning) == ("hello 11", "hmm")
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens, reply.usage.estimated) == (2, 3, False)


async def test_a_long_prompt_is_not_cut():
    """num_ctx grows with it: its first word and all its characters reach the model."""
    prompt = "first " + "x" * 100_000
    assert (await ask(FakeOllama(), prompt)).text == f"first {len(prompt)}"


async def test_the_model_is_loaded_anew_only_where_the_window_doubles():
    """Prompts of all sizes, two loads."""
    server = FakeOllama()
    await ask(server, "x" * 100, "x" * 4_000, "x" * 20_000, "x" * 20_100, "x" * 100)
    assert server.loaded == [4096, 16384]


@pytest.mark.parametrize(("idle", "loaded"), [(59, [4096]), (60, [4096, 4096])])
async def test_keep_alive_decides_how_long_an_idle_model_stays(idle, loaded):
    """The configured time reaches the server, and counts from the last call."""
    server = FakeOllama()
    async with pool_over(server, keep_alive="1m") as models:
        for seconds in (0, 30, idle):
            server.now += seconds
            await complete(models, "sub")
    assert server.loaded == loaded


async def test_a_model_that_is_still_loading_is_waited_for():
    """The first byte comes late; the call is not made twice."""
    server = FakeOllama("slow")
    reply = await ask(server, "hello there")
    assert (reply.text, reply.attempts, len(server.chats)) == ("hello 11", 1, 1)


async def test_a_prompt_beyond_the_model_is_an_error_before_it_is_sent():
    """It says what it needs and what there is."""
    server = FakeOllama()
    with pytest.raises(ProviderError) as error:
        await ask(server, "x" * 200_000)
    assert str(error.value) == (
        "qwen3: the prompt has 200,000 characters, of which about 116,737 fit (the model's context length is 40,960 tokens, 2,048 are kept for the "
        "reply)"
    )
    assert server.chats == []


def without_port(error):
    return re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT", str(error))


@pytest.mark.parametrize("settings", [{}, {"num_ctx": 8192}], ids=["by /api/show", "by /api/chat"])
async def test_a_model_that_is_not_there_is_named(settings):
    """Beside those that are there, whichever request the server refuses first."""
    with pytest.raises(ProviderError) as error:
        await ask(FakeOllama(), "hi", model="llama9", **settings)
    assert without_port(error.value) == "llama9: there is no such model at http://127.0.0.1:PORT; these exist: qwen3"


@pytest.mark.parametrize("trouble", ["busy", "error", "cut"])
async def test_a_passing_trouble_is_tried_again(trouble):
    """A full queue, an error in mid-stream, a stream that breaks off: the second attempt answers."""
    reply = await ask(FakeOllama(trouble), "hello there")
    assert (reply.text, reply.attempts) == ("hello 11", 2)


@pytest.mark.parametrize(
    ("trouble", "message"),
    [
        ("busy", "qwen3: HTTP 503: server busy, please try again. maximum pending requests exceeded"),
        ("error", "qwen3: an error was encountered while running the model: unexpected EOF"),
        ("cut", "qwen3: the connection to http://127.0.0.1:PORT was lost (RemoteProtocolError)"),
    ],
)
async def test_a_lasting_trouble_is_told(trouble, message):
    """The whole message, after the second attempt."""
    with pytest.raises(ProviderError) as error:
        await ask(FakeOllama(trouble, trouble), "hello")
    assert without_port(error.value) == message


async def test_a_cancelled_call_closes_its_connection():
    """So that the server stops computing."""
    server = FakeOllama("hang")
    async with pool_over(server) as models:
        call = asyncio.create_task(complete(models, "sub"))
        await asyncio.wait_for(server.asked.wait(), 5)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await asyncio.wait_for(server.closed.wait(), 5)
