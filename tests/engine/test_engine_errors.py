"""What is said of a real server that refuses, goes away, or is not there."""

import asyncio
import bisect
import os

import pytest
from fakes import asked
from llama import HI, INSTALLED, LONG, NAME, OPTIONS, WINDOW, YES_OR_NO, llama
from processes import ROOT

from orchestrator.errors import ProviderError
from orchestrator.providers.messages import Message
from orchestrator.providers.pool import Pool
from orchestrator.providers.windows import tokens_needed

pytestmark = pytest.mark.engine
GRASS = (Message("user", "grass " * WINDOW),)
PROSE = (ROOT / "CONTRIBUTING.md").read_text() * 5
CODE = "".join(path.read_text() for path in sorted((ROOT / "orchestrator").rglob("*.py")))[:200_000]
LOG = "".join(
    f"2026-11-21T20:{number % 60:02}:17Z ERROR payment: request {number * 7919} took {number % 977} ms\n"
    for number in range(999)
)
TABLE = "".join(f"{number},{number * 7919},0.{number * 104729 % 9973}\n" for number in range(3000))


async def refused(provider, messages=HI, schema=None):
    """The message of the error that a call comes to."""
    with pytest.raises(ProviderError) as error:
        await asked(provider, messages, schema)
    return str(error.value)


async def test_a_wrong_path(llama_model, llama_server):
    """The server's own words, and where base_url should end."""
    elsewhere = llama_server.url.removesuffix("v1") + "api"
    assert await refused(llama_model(base_url=elsewhere)) == (
        f"{NAME}: HTTP 404: File Not Found; base_url goes up to and including /v1 (it is {elsewhere})"
    )


async def test_a_prompt_that_is_too_long_for_the_server(llama_model):
    """It says how long the prompt is, and how long it could be."""
    assert await refused(llama_model(), GRASS) == (
        f"{NAME}: HTTP 400: request (8216 tokens) exceeds the available context size ({WINDOW} tokens), try increasing it"
    )


async def test_a_prompt_that_is_too_long_for_the_configuration(llama_model):
    """With the server's window as context_window it is not sent, and the error says how much fits."""
    assert await refused(llama_model(context_window=WINDOW), GRASS) == (
        f"{NAME}: the prompt has 49,152 characters, of which about 18,432 fit (context_window is 8,192 tokens, 2,048 are kept for the "
        "reply)"
    )


@pytest.mark.parametrize(
    "text", [PROSE, CODE, LOG, TABLE, "这是一个关于语言模型的问题。" * 500], ids=["prose", "code", "log", "table", "Chinese"]
)
async def test_what_a_window_lets_through_fits_there(llama_model, llama_server, text):
    """The longest prompt that passes has no more tokens than the window, as the model's own tokenizer counts them."""
    lengths = range(len(text))
    longest = bisect.bisect(lengths, WINDOW, key=lambda length: tokens_needed((Message("user", text[:length]),)))
    assert longest < len(text)
    counted = await llama_server.client.post("/tokenize", json={"content": text[:longest]})
    assert WINDOW / 4 < len(counted.json()["tokens"]) <= WINDOW


async def test_one_model_answers_to_any_name(llama_model):
    """A server with one model does not look at the name."""
    assert (await asked(llama_model(model="gpt-5"), HI, YES_OR_NO)).text


async def test_a_model_that_a_server_of_several_has_not(llama_model, tmp_path):
    """Those that it has are named."""
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / f"{NAME}.gguf").symlink_to(INSTALLED / "model.gguf")
    async with llama(tmp_path / "log", "--models-dir", tmp_path / "models") as several:
        assert (
            await refused(llama_model(model="gpt-5", base_url=several.url))
            == f"gpt-5: HTTP 400: model 'gpt-5' not found; these exist: {NAME}"
        )


async def test_a_key_that_is_missing_or_wrong(llama_model, tmp_path):
    """Which of the two it is."""
    os.environ["WRONG"] = "wrong-key"
    async with llama(tmp_path / "log", *OPTIONS, "--api-key", "right-key") as guarded:
        missing, wrong = [await refused(llama_model(base_url=guarded.url, api_key_env=name)) for name in (None, "WRONG")]
    said = "(HTTP 401: Invalid API Key)"
    assert missing == f"{NAME}: the server wants a key: api_key_env names the environment variable that holds it {said}"
    assert wrong == f"{NAME}: the key in the environment variable WRONG is refused {said}"


async def test_a_server_that_dies_while_it_answers(llama_model, tmp_path):
    """The call is tried again, and finds nobody."""
    async with llama(tmp_path / "log", *OPTIONS) as dying:
        call = asyncio.create_task(Pool([llama_model(base_url=dying.url)]).complete("root", HI, LONG))
        await dying.becomes(busy=1)
        dying.process.kill()
        with pytest.raises(ProviderError) as error:
            await call
    assert str(error.value) == f"{NAME}: no answer at {dying.url}: is the server running?"
