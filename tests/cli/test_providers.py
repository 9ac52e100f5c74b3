"""`rlm providers`: a line for each, and what to do."""

import asyncio
import re

import pytest
from commands import rlm  # noqa: F401  a fixture
from fake_ollama import FakeOllama
from model_server import model_server

from orchestrator import shipped

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def providers(rlm, tmp_path):  # noqa: F811
    """providers(table, ...): (status, stdout) of the command for these entries; times are N."""

    def run(*entries):
        tables = ("".join(f"{key} = {value!r}\n" for key, value in each.items()) for each in entries)
        (tmp_path / "config.toml").write_text("".join(f"[[providers]]\n{table}" for table in tables))
        status, out, _ = rlm("providers")
        return status, re.sub(r"\d+\.\d s", "N s", out)

    return run


def openai(url, model="fake", **more):
    return {"provider_type": "openai", "model": model, "base_url": url} | more


def refusing(status, message):
    return model_server(sub=lambda _prompt: (status, {"error": {"message": message}}))


def test_one_that_answers_is_ok(providers):
    """With its seconds, and its window if that is known."""
    with model_server() as url:
        assert providers(openai(url), openai(url, context_window=8192, alias="small")) == (
            0,
            "ok    openai/fake: N s, window not known (context_window)\nok    small: N s, window 8,192 tokens\n",
        )


def test_one_that_is_wrong_is_status_1(providers):
    """In the order of the configuration."""
    with model_server() as url:
        status, out = providers(openai(f"{NOWHERE}/v1", "x"), openai(url))
    assert status == 1
    assert out == (
        f"WRONG openai/x: no answer at {NOWHERE}/v1: is the server running?\n"
        "ok    openai/fake: N s, window not known (context_window)\n"
    )


def test_a_server_that_is_not_running_says_how_to_start_it(providers):
    """Ollama's, by its command."""
    status, out = providers({"provider_type": "ollama", "model": "qwen3", "base_url": NOWHERE})
    assert (status, out) == (1, f"WRONG ollama/qwen3: no answer at {NOWHERE}: is `ollama serve` running?\n")


async def test_a_model_that_ollama_does_not_have_names_those_that_exist(providers):
    """And one that it has says how much it reads."""
    async with FakeOllama().running() as url:
        entries = [{"provider_type": "ollama", "model": model, "base_url": url} for model in ("qwen3", "qwen4")]
        status, out = await asyncio.to_thread(providers, *entries)
    assert status == 1
    assert out == (
        "ok    ollama/qwen3: N s, window 40,960 tokens\n"
        f"WRONG ollama/qwen4: there is no such model at {url}; these exist: qwen3\n"
    )


def test_a_model_that_is_not_listed_is_told_though_it_answers(providers):
    """Some servers answer with whatever they have loaded."""
    with model_server() as url:
        status, out = providers(openai(url, "other"))
    assert (status, out) == (
        0,
        f"ok    openai/other: N s, window not known (context_window); {url} answers, but does not list this model; these exist: fake\n",
    )


def test_a_wrong_key_names_its_variable(providers, monkeypatch):
    """And is not printed, though the server repeats it."""
    monkeypatch.setenv("MY_KEY", "sk-secret")
    with refusing(401, "invalid key sk-secret") as url:
        status, out = providers(openai(url, api_key_env="MY_KEY"))
    assert (status, out) == (
        1,
        "WRONG openai/fake: the key in the environment variable MY_KEY is refused (HTTP 401: invalid key ***)\n",
    )


async def test_a_window_that_is_too_small_is_wrong(providers):
    """Not even one word would fit."""
    async with FakeOllama().running() as url:
        entry = {"provider_type": "ollama", "model": "qwen3", "base_url": url, "num_ctx": 1024}
        status, out = await asyncio.to_thread(providers, entry)
    assert (status, out) == (
        1,
        "WRONG ollama/qwen3: the prompt has 27 characters, of which about 0 fit (num_ctx is 1,024 tokens, 2,048 are kept for the reply)\n",
    )


def test_an_empty_reply_is_wrong(providers):
    """A model that only thinks has no room left to answer."""
    with model_server(sub=lambda _prompt: "") as url:
        status, out = providers(openai(url, max_tokens=5))
    assert (status, out) == (1, "WRONG openai/fake: the reply is empty; max_tokens is 5, reasoning included\n")


def test_a_script_is_no_model(rlm):  # noqa: F811
    """It is not asked."""
    assert rlm("providers")[:2] == (0, f"ok    scripted/{shipped.SCRIPTS}: no model: it has the replies of its script\n")


def test_a_server_that_steers_terminals_does_not_steer_this_one(providers):
    """What it says is on one line."""
    with refusing(500, "\x1b[2Jgone\nok    all is well") as url:
        status, out = providers(openai(url))
    assert status == 1
    assert len(out.splitlines()) == 1
