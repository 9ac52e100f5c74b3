"""The mistakes of the first day: each is one line that says what to do."""

import os
import socket

import pytest
from commands import rlm  # noqa: F401  a fixture
from model_server import model_server
from serving import serving_app

from orchestrator.config import PROVIDER_TYPES, OllamaSettings, Settings
from orchestrator.opening import Orchestrator

PROVIDERS = ", ".join(PROVIDER_TYPES)
NOWHERE = "http://127.0.0.1:9"
FILES = {
    "text": b"hello",
    "empty": b"",
    "blank": b" \n\t\r\n",
    "folder/one": b"\n",
    "folder/two": b"",
    "german": "Grüße aus Köln".encode("cp1252"),
    "russian": "Привет, мир".encode("cp1251"),
    "japanese": "日本語です".encode("shift_jis"),
    "notepad": "hello".encode("utf-16"),
    "image.png": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
    "noise": bytes(range(128, 256)),
    "journal": b"hello\n",
    "unknown-key.toml": b'modle = "x"\n',
    "unknown-type.toml": b'[[providers]]\nprovider_type = "gpt"\nmodel = "x"\n',
    "no-key.toml": b'[[providers]]\nprovider_type = "deepseek"\nmodel = "deepseek-flash"\n',
    "bad-url.toml": b'[[providers]]\nprovider_type = "openai"\nmodel = "x"\nbase_url = "http://localhost:port/v1"\n',
    "bad-host.toml": b'[server]\nhost = "300.1.1.1"\n[auth]\nallow_anonymous = true\n[[providers]]\nprovider_type = "ollama"\nmodel = "x"\n',
}


@pytest.fixture(autouse=True)
def files(tmp_path):
    """Those above, and a folder with nothing in it."""
    (tmp_path / "nothing").mkdir()
    for name, content in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("query q", "name what the question is about: a FILE, a FOLDER, several of them, or - for standard input"),
        ("query q nowhere", "nowhere: there is no such file or folder"),
        ("query text q", "q: there is no such file or folder; the question comes first: rlm query QUESTION FILE"),
        ("query q empty", "empty: it is empty"),
        ("query q blank", "blank: it is empty"),
        ("query q -", "-: it is empty"),
        ("query q folder empty", "folder, empty: all 3 files are empty"),
        ("query q nothing", "nothing: there is no file in it"),
        ("query q - -", "-: standard input can be read once only"),
        ("query q german", "german: not valid UTF-8 at byte 2; it reads 'Grüße aus Köln' in cp1252, 'GrьЯe aus Kцln' in cp1251, 'Gr\\ue3eae aus K鰈n' in gb18030: choose with --encoding NAME"),
        ("query q russian", "russian: not valid UTF-8 at byte 0; it reads 'Ïðèâåò, ìèð' in cp1252, 'Привет, мир' in cp1251: choose with --encoding NAME"),
        ("query q japanese", "japanese: not valid UTF-8 at byte 0; it reads '“ú–{Œê‚Å‚·' in cp1252, '“ъ–{Њк‚Е‚·' in cp1251, '日本語です' in shift_jis, '擔杮岅偱偡' in gb18030: choose with --encoding NAME"),  # noqa: RUF001
        ("query q notepad", "notepad: not valid UTF-8 at byte 0; it reads 'hello' in utf-16: choose with --encoding NAME"),
        ("query q image.png", "image.png: not valid UTF-8 at byte 0, and looks like no text at all"),
        ("query q noise", "noise: not valid UTF-8 at byte 0, nor in another known encoding"),
        ("query q text --encoding hex", "encoding: there is no text encoding 'hex'; there are utf-16, cp1252, gb18030, ..."),
        ("query q text german --encoding ascii", "german: not valid ascii at byte 2; it reads 'Grüße aus Köln' in cp1252, 'GrьЯe aus Kцln' in cp1251, 'Gr\\ue3eae aus K鰈n' in gb18030: choose with --encoding NAME"),
        ("query q text --model qwen3", f"'qwen3' is no PROVIDER/MODEL, as ollama/qwen3:32b is; providers are {PROVIDERS}"),
        ("query q text --model gpt/x", f"'gpt/x' is no PROVIDER/MODEL, as ollama/qwen3:32b is; providers are {PROVIDERS}"),
        ("query q text --model ollama/", f"'ollama/' is no PROVIDER/MODEL, as ollama/qwen3:32b is; providers are {PROVIDERS}"),
        ("query q text --model deepseek/deepseek-flash", "--model: providers[0].api_key_env: the environment variable DEEPSEEK_API_KEY is not set"),
        ("query q text --model openai/x", "--model: providers[0].api_key_env: the environment variable OPENAI_API_KEY is not set"),
        ("query q text --model scripted/nowhere", "providers: the script nowhere cannot be read: No such file or directory"),
        ("query q text --model ollama/x --set max_turns=5", "--set max_turns: there is no such limit; there are max_iterations, max_sub_calls, max_depth, max_parallel_children, max_seconds, max_fuel, max_total_tokens, max_cost, retry_seconds, output_limit, history_chars, protocol, module_folder, prices, proxy, sandbox.fuel, sandbox.seconds, sandbox.memory_bytes, sandbox.output_chars, sandbox.context_inline_limit, sandbox.template_bytes, sandbox.template_seconds"),
        ("query q text --model ollama/x --set max_cost=1", "max_cost: the price of x is not known; name a file that has it: `prices` in config.toml, --set prices=FILE"),
        ("query q text --model ollama/x --set max_cost=nan", "--set max_cost: Expected `float` >= 0.0"),
        ("query q text --model ollama/x --set max_iterations=0", "--set max_iterations: Expected `int` >= 1"),
        ("query q text --model ollama/x --set sandbox.seconds=long", "--set sandbox.seconds: Expected `float`, got `str`"),
        ("query q text --model ollama/x --set sandbox=5", "--set sandbox: there is no such limit; there are max_iterations, max_sub_calls, max_depth, max_parallel_children, max_seconds, max_fuel, max_total_tokens, max_cost, retry_seconds, output_limit, history_chars, protocol, module_folder, prices, proxy, sandbox.fuel, sandbox.seconds, sandbox.memory_bytes, sandbox.output_chars, sandbox.context_inline_limit, sandbox.template_bytes, sandbox.template_seconds"),
        ("query q text --model ollama/x --set max_iterations", "--set max_iterations: write KEY=VALUE, as in --set sandbox.seconds=5"),
        ("query q text --config nowhere.toml", "nowhere.toml: cannot be read: No such file or directory"),
        ("query q text --config unknown-key.toml", "unknown-key.toml: modle: unknown key"),
        ("query q text --config unknown-type.toml", f"unknown-type.toml: providers[0].provider_type: there is no 'gpt'; these exist: {PROVIDERS}"),
        ("query q text --config no-key.toml", "no-key.toml: providers[0].api_key_env: the environment variable DEEPSEEK_API_KEY is not set"),
        ("query q text --config bad-url.toml", "providers: base_url: 'http://localhost:port/v1' is no URL: Invalid port: 'port'"),
        ("query q text --model ollama/x --journal nowhere/journal", "--journal: nowhere/journal: No such file or directory"),
        ("init unknown-key.toml", "unknown-key.toml is there already; --force overwrites it"),
        ("serve --config bad-host.toml", "server.host, server.port: cannot listen on 300.1.1.1:8080: Name or service not known"),
        ("serve --config bad-host.toml --port 99999", "--port: 99999 is not a port (0 to 65535)"),
        ("replay nowhere", "nowhere: there is no such file"),
        ("replay abc", "abc: there is no such run, and no such file; DATA has the last 200 runs"),
        ("export abc --script", "abc: there is no such run, and no such file; DATA has the last 200 runs"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_that_says_what_to_do(rlm, tmp_path, arguments, message):  # noqa: F811
    """Status 2, nothing on stdout, and no model was asked."""
    data = str(tmp_path / "data" / "rlm" / "journals")
    status, out, err = rlm(*arguments.split())
    assert (status, out, err.replace(data, "DATA")) == (2, "", f"rlm: {message}\n")


def test_an_empty_question_is_refused(rlm):  # noqa: F811
    """By what refuses it of HTTP's callers too."""
    assert rlm("query", " ", "text", "--model", "ollama/x")[::2] == (2, "rlm: query: it is empty\n")


def test_a_port_that_is_taken_is_named(rlm):  # noqa: F811
    """With a way out."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert rlm("serve", "--port", port)[::2] == (
            2,
            "rlm: no config.toml here: settings have their defaults, and a scripted model answers the questions of the demo; "
            "`rlm init` names a model that this machine has\n"
            f"rlm: server.host, server.port: cannot listen on 127.0.0.1:{port}: Address already in use; --port 0 takes a free one\n",
        )


def configure(base_url, kind="openai", model="fake", key=None):
    lines = [f'provider_type = "{kind}"', f'model = "{model}"', f'base_url = "{base_url}"']
    lines += [f'api_key_env = "{key}"'] if key else []
    with open("config.toml", "w") as file:
        file.write("[[providers]]\n" + "\n".join(lines))


REFUSED = (401, {"error": {"message": "Incorrect API key provided"}})
MISSING = (404, {"error": {"message": "The model `x` does not exist."}})
LOST = (404, {"detail": "Not Found"})


@pytest.mark.parametrize(
    ("settings", "reply", "message"),
    [
        ({"base_url": NOWHERE, "kind": "ollama"}, None, "fake: no answer at http://127.0.0.1:9: is `ollama serve` running?"),
        ({"base_url": f"{NOWHERE}/v1"}, None, "fake: no answer at http://127.0.0.1:9/v1: is the server running?"),
        ({"base_url": "http://no-such-host.invalid/v1"}, None, "fake: the host 'no-such-host.invalid' is not known: is base_url right?"),
        ({"model": "x"}, MISSING, "x: there is no such model at URL; these exist: fake"),
        ({"model": "fake"}, LOST, "fake: HTTP 404: Not Found"),
        ({}, REFUSED, "fake: the server wants a key: api_key_env names the environment variable that holds it (HTTP 401: Incorrect API key provided)"),
        ({"key": "THE_KEY"}, REFUSED, "fake: the key in the environment variable THE_KEY is refused (HTTP 401: Incorrect API key provided)"),
    ],
    ids=["ollama-down", "server-down", "unknown-host", "no-such-model", "lost", "no-key", "wrong-key"],
)  # fmt: skip
def test_what_a_model_server_refuses_is_one_line_that_says_what_to_do(rlm, settings, reply, message):  # noqa: F811
    """Status 1, and nothing on stdout: there was a run, which asked in vain."""
    os.environ["THE_KEY"] = "sk-1"
    with model_server(reply, reply) as url:
        configure(**{"base_url": url} | settings)
        status, out, err = rlm("query", "q", "text")
    asked, said = err.splitlines()
    assert (status, out, said.replace(url, "URL")) == (1, "", f"rlm: provider_error: {message}")
    assert asked.endswith("turn 1: asks the model")


def test_a_base_url_without_v1_is_told(rlm):  # noqa: F811
    """The server has nothing there, and lists no models there."""
    with model_server(LOST) as url:
        root = url.removesuffix("/v1")
        configure(root)
        err = rlm("query", "q", "text")[2]
    assert err.splitlines()[-1] == (
        f"rlm: provider_error: fake: HTTP 404: Not Found; base_url goes up to and including /v1 (it is {root})"
    )


def test_a_proxy_is_not_asked_for_what_is_on_this_machine(rlm, monkeypatch):  # noqa: F811
    """Environments of companies name one for all of HTTP."""
    for name in ("HTTP_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.setenv(name, NOWHERE)
    with model_server("FINAL(1)") as url:
        configure(url)
        assert rlm("query", "q", "text")[:2] == (0, "1\n")


async def test_the_results_of_http_say_the_same(engine):
    """They are made where models are asked."""
    settings = Settings(providers=(OllamaSettings(model="fake", base_url=NOWHERE),), retry_seconds=0.001)
    async with serving_app(Orchestrator(settings, print, engine=engine)) as client:
        result = (await client.post("/query", json={"query": "q", "context": "c"})).json()
    assert (result["stopped"], result["error"]) == (
        "provider_error",
        "fake: no answer at http://127.0.0.1:9: is `ollama serve` running?",
    )
