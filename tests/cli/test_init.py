"""`rlm init`: a config.toml with a model that is there, and every setting."""

import json
import os

import httpx
import pytest

from orchestrator import config
from orchestrator.cli import init
from orchestrator.cli.finding import MOST_MODELS, SERVICES, Choice, find_models
from orchestrator.config import PROVIDER_TYPES, OllamaSettings, OpenAISettings
from orchestrator.errors import InvalidRequest

TAGS = {"models": [{"name": "small", "size": 2}, {"name": "nomic-embed-text", "size": 9}, {"name": "large", "size": 5}]}
OLLAMA = "Ollama at http://127.0.0.1:11434"


@pytest.fixture(autouse=True)
def no_keys(monkeypatch):
    for name in ("OPENAI_BASE_URL", "LITELLM_API_KEY", *SERVICES):
        monkeypatch.delenv(name, raising=False)


def machine(listening):
    """A transport: {port: JSON, a Response or an error}; nothing listens elsewhere."""

    def answer(request):
        found = listening.get(request.url.port, httpx.ConnectError("refused"))
        if isinstance(found, Exception):
            raise found
        return found if isinstance(found, httpx.Response) else httpx.Response(200, json=found)

    return httpx.MockTransport(answer)


def ids(*names):
    return {"object": "list", "data": [{"id": name} for name in names]}


async def names(listening):
    return [choice.provider.model for choice in await find_models(machine(listening))]


async def test_the_models_of_servers_on_this_machine_are_found():
    """Each server where it listens by itself; of Ollama's the largest first, none that only embeds."""
    listening = {11434: TAGS, 1234: ids("qwen", "text-embedding-x"), 8080: ids("gguf"), 8000: ids("vl"), 4000: ids("proxy")}
    assert await find_models(machine(listening)) == [
        Choice(OllamaSettings(model="large"), OLLAMA),
        Choice(OllamaSettings(model="small"), OLLAMA),
        Choice(PROVIDER_TYPES["lmstudio"](model="qwen"), "LM Studio at http://127.0.0.1:1234/v1"),
        Choice(PROVIDER_TYPES["llamacpp"](model="gguf"), "llama.cpp at http://127.0.0.1:8080/v1"),
        Choice(PROVIDER_TYPES["vllm"](model="vl"), "vLLM at http://127.0.0.1:8000/v1"),
        Choice(OpenAISettings(model="proxy", base_url="http://127.0.0.1:4000/v1"), "LiteLLM at http://127.0.0.1:4000/v1"),
    ]


async def test_a_listing_may_say_nothing_where_another_says_a_size():
    """As that of llama.cpp does, which lists its model in both forms."""
    both = {"models": [{"name": "gguf", "size": ""}], "object": "list", "data": [{"id": "gguf", "meta": {"size": 246587904}}]}
    assert await names({8080: both}) == ["gguf"]


async def test_keys_in_the_environment_are_found():
    """Behind what is on this machine; LiteLLM is shown its key, and no other server."""
    os.environ |= {"DEEPSEEK_API_KEY": "k", "OPENAI_API_KEY": "k", "LITELLM_API_KEY": "k"}
    shown = {}

    def answer(request):
        shown[request.url.port] = request.headers.get("authorization")
        return httpx.Response(200, json=ids("proxy") if request.url.port == 4000 else {})

    assert [choice.provider for choice in await find_models(httpx.MockTransport(answer))] == [
        PROVIDER_TYPES["litellm"](model="proxy"),
        OpenAISettings(model="gpt-5.4-mini"),
        PROVIDER_TYPES["deepseek"](model="deepseek-flash"),
    ]
    assert shown == {11434: None, 1234: None, 8080: None, 8000: None, 4000: "Bearer k"}


@pytest.mark.parametrize("key", SERVICES)
async def test_the_key_of_each_service_is_enough(key):
    """With a model to begin with, of the type that asks for that key."""
    os.environ[key] = "k"
    [choice] = await find_models(machine({}))
    assert (choice.provider.api_key_env, choice.place) == (key, f"a service, paid by {key}")


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(404, json={"title": "Not Found"}),
        httpx.Response(200, html="<html>"),
        httpx.Response(200, content=b"\xff"),
        httpx.Response(200, content=b'{"data": ' + b"[" * 100_000),
        httpx.Response(200, content=b'{"data": []' + b" " * 2_000_000 + b"}"),
        httpx.ReadTimeout("slow"),
        {"data": 5},
        {"data": [{"id": 5}]},
        ids("", "a\nb", "\x1b[31m", "x" * 1000),
    ],
    ids=range(9),
)
async def test_what_is_no_model_server_is_passed_over(answer):
    """Anything may listen on a port; a name must fit on a line."""
    assert await names({8080: answer, 1234: ids("qwen")}) == ["qwen"]


async def test_of_a_server_with_very_many_models_some_are_shown():
    """The first ones."""
    assert len(await names({1234: ids(*map(str, range(1000)))})) == MOST_MODELS


FOUND = [Choice(OllamaSettings(model="large"), OLLAMA), Choice(OllamaSettings(model="small"), OLLAMA)]
KEY = Choice(PROVIDER_TYPES["deepseek"](model="deepseek-flash"), "a service, paid by DEEPSEEK_API_KEY")


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """run(choices, *arguments, answers=(...) on a terminal): what is said, in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(choices, *arguments, answers=None):
        async def find():
            return choices

        lines = iter(answers or ())
        terminal = answers is not None
        monkeypatch.setattr(init, "find_models", find)
        monkeypatch.setattr("sys.stdin.isatty", lambda: terminal, raising=False)
        monkeypatch.setattr("sys.stderr.isatty", lambda: terminal, raising=False)
        monkeypatch.setattr("sys.stdin.readline", lambda: next(lines, ""), raising=False)
        assert init.main(arguments) == 0
        return capsys.readouterr().err

    return run


def test_the_file_names_the_first_model_where_nobody_can_be_asked(run):
    """It says what it found, and what is in the file."""
    assert run([*FOUND, KEY]) == (
        "rlm: found Ollama at http://127.0.0.1:11434: large, small\n"
        "rlm: found a service, paid by DEEPSEEK_API_KEY: deepseek-flash\n"
        "rlm: wrote config.toml with large; now: rlm query QUESTION FILE\n"
    )
    assert config.read(init.Path("config.toml")) == config.Settings(providers=(OllamaSettings(model="large"),))


def test_keys_of_a_file_beside_it_count(run):
    """As they will when the file is used."""
    init.Path(".env").write_text("RLM_TEST_KEY=k\n")
    run(FOUND)
    assert os.environ["RLM_TEST_KEY"] == "k"


def test_the_file_says_what_else_there_was(run):
    """Beside how to choose."""
    run(FOUND)
    assert (
        "\n\n# `rlm init` found this one: Ollama at http://127.0.0.1:11434.\n"
        "# There are also: small. It must write Python well: the largest is often the best.\n[[providers]]\n# openai ("
    ) in init.Path("config.toml").read_text()


def test_on_a_terminal_it_asks_which(run):
    """Until it is told a number; the first without one."""
    said = run([*FOUND, KEY], answers=["x\n", "4\n", "3\n"])
    assert said.startswith(
        "rlm:   1  large  (Ollama at http://127.0.0.1:11434)\n"
        "rlm:   2  small  (Ollama at http://127.0.0.1:11434)\n"
        "rlm:   3  deepseek-flash  (a service, paid by DEEPSEEK_API_KEY)\n" + "Which model? 1 to 3 [1] " * 3
    )
    assert config.read(init.Path("config.toml")).providers == (KEY.provider,)
    run([*FOUND, KEY], "--force", answers=["\n"])
    assert config.read(init.Path("config.toml")).providers == (OllamaSettings(model="large"),)


def test_nothing_is_asked_if_there_is_one(run):
    """Also on a terminal."""
    assert "Which" not in run([KEY], answers=[])


def test_no_answer_writes_nothing(run):
    """Ctrl-D."""
    with pytest.raises(InvalidRequest, match=r"^no model was chosen; nothing is written$"):
        run(FOUND, answers=[])
    assert not init.Path("config.toml").exists()


def test_if_nothing_is_found_an_example_is_written(run):
    """With what to do to make it true."""
    assert run([]) == (
        "rlm: found no model server and no key: start one (ollama serve) or set DEEPSEEK_API_KEY or OPENAI_API_KEY, then again\n"
        "rlm: wrote config.toml with qwen3:8b; now: rlm query QUESTION FILE\n"
    )
    assert config.load(init.Path("config.toml")).providers == (OllamaSettings(model="qwen3:8b"),)


def test_a_file_is_never_overwritten_unasked(run):
    """--force asks for it; another name is another file."""
    run(FOUND)
    before = init.Path("config.toml").read_text()
    with pytest.raises(InvalidRequest, match=r"^config\.toml is there already; --force overwrites it$"):
        run([KEY])
    run([KEY], "other.toml")
    assert init.Path("config.toml").read_text() == before
    run([KEY], "--force")
    assert init.Path("config.toml").read_text() == init.Path("other.toml").read_text()


def test_a_place_that_cannot_be_written_is_named(run):
    """One line."""
    with pytest.raises(InvalidRequest, match=r"^nowhere/config\.toml: No such file or directory$"):
        run(FOUND, "nowhere/config.toml")


def test_a_name_with_quotes_stays_a_name(run):
    """Of a model that a server made up."""
    name = "a\" # \\ = 'é'\n".strip()
    run([Choice(OllamaSettings(model=name), OLLAMA)])
    assert config.load(init.Path("config.toml")).providers == (OllamaSettings(model=name),)
    assert json.dumps(name, ensure_ascii=False) in init.Path("config.toml").read_text()
