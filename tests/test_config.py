"""config.toml: strict, and its errors name the key."""

import os
import re
from pathlib import Path

import msgspec
import pytest

from orchestrator import config, server_settings
from orchestrator.cli.config_text import config_text
from orchestrator.config import PROVIDER_TYPES, OllamaSettings, OpenAISettings, ScriptedSettings, Settings
from orchestrator.errors import ConfigError
from orchestrator.presets import PRESETS

ROOT = Path(__file__).parents[1]
OLLAMA = '[[providers]]\nprovider_type = "ollama"\nmodel = "m"\n'
ANTHROPIC = OLLAMA.replace("ollama", "anthropic")
SCRIPTED = '[[providers]]\nprovider_type = "scripted"\nmodel = "s.toml"\n'


@pytest.fixture
def load(tmp_path):
    """load(text): the settings, or the message of the error without the file's name."""
    path = tmp_path / "config.toml"

    def load(text):
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        try:
            return config.load(path)
        except ConfigError as error:
            return str(error).removeprefix(f"{path}: ")

    return load


def test_the_shipped_file_has_every_setting_at_its_default():
    """Nothing in config.toml differs from the code, but for the provider's scripts."""
    shipped = config.load(ROOT / "config.toml")
    scripts = str(ROOT / "demo" / "scripts")
    assert shipped == Settings(providers=(ScriptedSettings(model=scripts),)) == config.DEFAULTS


WITHOUT_ADDRESS = [name for name, preset in PRESETS.items() if not preset.base_url]
MODELS = {name: kind(model="m") for name, kind in PROVIDER_TYPES.items() if name not in WITHOUT_ADDRESS} | {
    "openai": OpenAISettings(model="m", base_url="http://server/v1", response_format="none"),
    "azure": PROVIDER_TYPES["azure"](model="m", base_url="https://mine.openai.azure.com/openai/v1"),
    "ollama": OllamaSettings(model="m", num_ctx=8192),
    "scripted": ScriptedSettings(model="s.toml"),
}


@pytest.fixture
def all_keys(monkeypatch):
    """Each service is paid for."""
    for each in MODELS.values():
        if name := getattr(each, "api_key_env", None):
            monkeypatch.setenv(name, "k")


def written(name):
    """The file for a model of that type, and what `rlm init` says in it."""
    return config_text(MODELS[name], "found")


@pytest.mark.parametrize("name", ["shipped", *PROVIDER_TYPES])
def test_a_file_names_every_setting_with_a_comment(name):
    """The shipped one, and those that `rlm init` writes; and no other."""
    text = (ROOT / "config.toml").read_text() if name == "shipped" else written(name)
    tables = (
        server_settings.ServerSettings,
        server_settings.AuthSettings,
        server_settings.TokenSettings,
        config.SandboxSettings,
        config.ContextSettings,
        config.CacheSettings,
        config.StoreSettings,
        config.OwnKeySettings,
    )
    names = set(Settings.__struct_fields__) - {
        "server",
        "auth",
        "sandbox",
        "contexts",
        "cache",
        "store",
        "own_keys",
        "providers",
    }
    names |= {each for struct in PROVIDER_TYPES.values() for each in struct.__struct_fields__}
    in_tables = [each for struct in tables for each in struct.__struct_fields__ if each != "tokens"]
    # Each once in its table, behind "# " or not, with a comment.
    found = re.findall(r"^(?:# )?(\w+) = (?:\"[^\"]*\"|\S+) *# \S", text, re.MULTILINE)
    assert sorted(found) == sorted([*names, *in_tables, "provider_type"])


@pytest.mark.parametrize("name", PROVIDER_TYPES)
def test_a_written_file_means_what_it_is_written_for(load, name, all_keys):
    """All defaults, and this model."""
    found = load(written(name))
    assert msgspec.structs.replace(found, providers=()) == Settings(providers=())
    assert [msgspec.structs.replace(each, model="m") for each in found.providers] == [
        msgspec.structs.replace(MODELS[name], model="m")
    ]


@pytest.mark.parametrize("name", [name for name in PROVIDER_TYPES if name != "scripted"])
def test_a_setting_behind_a_hash_can_be_used_as_it_stands(load, name, all_keys):
    """With its comment, by each type of provider that has it."""
    has = PROVIDER_TYPES[name].__struct_fields__
    lines = (ROOT / "config.toml").read_text().splitlines()
    off = [line.removeprefix("# ") for line in lines if any(line.startswith(f"# {each} = ") for each in has)]
    text = f'[[providers]]\nprovider_type = "{name}"\nmodel = "m"\n' + "\n".join(off)
    assert isinstance(load(text), Settings)
    assert {line.partition(" = ")[0] for line in off} >= set(has) - set(ScriptedSettings.__struct_fields__)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("max_iteration = 5\n" + SCRIPTED, "max_iteration: unknown key"),
        (SCRIPTED + "[server]\nprot = 1\n", "server.prot: unknown key"),
        (SCRIPTED + "url = 1\n", "providers[0].url: unknown key"),
        ("max_iterations = 'many'\n" + SCRIPTED, "max_iterations: Expected `int`, got `str`"),
        ("max_iterations = 0\n" + SCRIPTED, "max_iterations: Expected `int` >= 1"),
        (SCRIPTED + "[server]\nport = 70000\n", "server.port: Expected `int` <= 65535"),
        (
            SCRIPTED + "[server]\nhosts = ['rlm.example:80']\n",
            r"server.hosts[0]: Expected `str` matching regex '^([A-Za-z0-9._-]+|\\[[0-9A-Fa-f:.]+\\])\\Z'",
        ),
        (
            SCRIPTED + "[server]\norigins = ['*']\n",
            r"server.origins[0]: Expected `str` matching regex '^https?://([A-Za-z0-9._-]+|\\[[0-9A-Fa-f:.]+\\])(:[0-9]{1,5})?\\Z'",
        ),
        (SCRIPTED + "[sandbox]\nseconds = 0\n", "sandbox.seconds: Expected `float` > 0.0"),
        (SCRIPTED + "[sandbox]\nmemory_bytes = 1000\n", "sandbox.memory_bytes: Expected `int` >= 33554432"),
        (SCRIPTED + 'role = "boss"\n', "providers[0].role: Invalid enum value 'boss'"),
        ("", "top level: Object missing required field `providers`"),
        ("providers = []", "providers: Expected `array` of length >= 1"),
        (
            '[[providers]]\nprovider_type = "gpt"\nmodel = "x"',
            "providers[0].provider_type: there is no 'gpt'; these exist: openai, deepseek, lmstudio, llamacpp, vllm, litellm, groq, together, fireworks, mistral, openrouter, xai, perplexity, cohere, gemini, azure, anthropic, ollama, scripted",
        ),
        ('[[providers]]\nmodel = "x"', "providers[0]: Object missing required field `provider_type`"),
        ('[[providers]]\nprovider_type = "azure"\nmodel = "x"', "providers[0]: Object missing required field `base_url`"),
        (
            '[[providers]]\nprovider_type = "openai"\nmodel = "x"\nbase_url = "localhost"',
            "providers[0].base_url: Expected `str` matching regex '^https?://.'",
        ),
        (OLLAMA + "temperature = 3.0", "providers[0].temperature: Expected `float` <= 2.0"),
        (OLLAMA + "temperature = nan", "providers[0].temperature: Expected `float` >= 0.0"),
        (OLLAMA + "top_p = 1.5", "providers[0].top_p: Expected `float` <= 1.0"),
        (OLLAMA + "extra_body = 5", "providers[0].extra_body: Expected `object | null`, got `int`"),
        (OLLAMA + "headers = {a=1}", "providers[0].headers[...]: Expected `str`, got `int`"),
        (ANTHROPIC + "seed = 1", "providers[0].seed: unknown key"),
        (SCRIPTED + "temperature = 1.0", "providers[0].temperature: unknown key"),
        (SCRIPTED + 'role = "root"\n', 'providers: none has role "sub" or "both"'),
        (
            '[[providers]]\nprovider_type = "deepseek"\nmodel = "x"',
            "providers[0].api_key_env: the environment variable DEEPSEEK_API_KEY is not set",
        ),
        ("max_iterations = ", "not valid TOML: Invalid value (at end of document)"),
        (b"\xff", "not valid TOML: 'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"),
    ],
)
def test_a_mistake_is_named_with_its_key(load, text, message):
    """The whole message."""
    os.environ.pop("DEEPSEEK_API_KEY", None)
    assert load(text) == message


def test_a_provider_needs_only_a_model(load, all_keys):
    """It knows its address and the name of its key; a server of one's own needs none."""
    text = "".join(f'[[providers]]\nprovider_type = "{name}"\nmodel = "m"\n' for name in ("deepseek", "vllm", "ollama"))
    deepseek, vllm, ollama = load(text).providers
    assert (deepseek.base_url, deepseek.api_key_env, deepseek.api_key) == (
        "https://api.deepseek.com/v1",
        "DEEPSEEK_API_KEY",
        "k",
    )
    assert (vllm.base_url, vllm.api_key) == ("http://127.0.0.1:8000/v1", None)
    assert (ollama.base_url, ollama.api_key) == ("http://127.0.0.1:11434", None)


@pytest.mark.parametrize(
    ("line", "address", "key"),
    [
        ("", "https://api.openai.com/v1", "OPENAI_API_KEY"),
        ('base_url = "https://api.openai.com/v1/"', "https://api.openai.com/v1/", "OPENAI_API_KEY"),
        ('api_key_env = "MINE"', "https://api.openai.com/v1", "MINE"),
        ('base_url = "http://server/v1"', "http://server/v1", None),
    ],
)
def test_openai_is_openai_itself_unless_base_url_names_another(load, all_keys, line, address, key):
    """Its key goes to no other server."""
    os.environ |= {"OPENAI_API_KEY": "k", "MINE": "k"}
    [found] = load(f'[[providers]]\nprovider_type = "openai"\nmodel = "m"\n{line}\n').providers
    assert (found.base_url, found.api_key_env) == (address, key)


def test_the_shipped_file_lists_the_types_of_providers():
    """In a comment."""
    text = (ROOT / "config.toml").read_text()
    listed = text[text.index("[[providers]]") : text.index("\nprovider_type = ")]
    assert [name for name in PROVIDER_TYPES if not re.search(rf"\b{name}\b", listed)] == []


def test_settings_never_hold_a_secret(load):
    """Only the name of the variable."""
    os.environ["DEEPSEEK_API_KEY"] = "sk-secret"
    assert "sk-secret" not in repr(load('[[providers]]\nprovider_type = "deepseek"\nmodel = "m"'))
