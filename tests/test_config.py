"""config.toml: strict, and its errors name the key."""

import os
import re
from pathlib import Path

import msgspec
import pytest

from orchestrator import config
from orchestrator.cli.config_text import config_text
from orchestrator.config import (
    PROVIDER_TYPES,
    DeepSeekSettings,
    LiteLLMSettings,
    OllamaSettings,
    OpenAISettings,
    ScriptedSettings,
    Settings,
)
from orchestrator.errors import ConfigError

ROOT = Path(__file__).parents[1]
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
    """Nothing in config.toml differs from the code, but for the provider's script."""
    shipped = config.load(ROOT / "config.toml")
    script = str(ROOT / "demo" / "script.toml")
    assert shipped == Settings(providers=(ScriptedSettings(model=script),)) == config.DEFAULTS


MODELS = {
    "openai": OpenAISettings(model="m", base_url="http://server/v1", response_format="none"),
    "deepseek": DeepSeekSettings(model="m"),
    "litellm": LiteLLMSettings(model="m"),
    "ollama": OllamaSettings(model="m", num_ctx=8192),
    "scripted": ScriptedSettings(model="s.toml"),
}


def written(name):
    """The file for a model of that type, and what `rlm init` says in it."""
    return config_text(MODELS[name], "found")


@pytest.mark.parametrize("name", ["shipped", *PROVIDER_TYPES])
def test_a_file_names_every_setting_with_a_comment(name):
    """The shipped one, and those that `rlm init` writes; and no other."""
    text = (ROOT / "config.toml").read_text() if name == "shipped" else written(name)
    tables = (config.ServerSettings, config.SandboxSettings, config.ContextSettings, config.CacheSettings)
    names = set(Settings.__struct_fields__) - {"server", "sandbox", "contexts", "cache", "providers"}
    names |= {each for struct in (*tables, *PROVIDER_TYPES.values()) for each in struct.__struct_fields__}
    # Each once, behind "# " or not, with a comment.
    found = re.findall(r"^(?:# )?(\w+) = (?:\"[^\"]*\"|\S+) *# \S", text, re.MULTILINE)
    assert sorted(found) == sorted([*names, "provider_type"])


@pytest.mark.parametrize("name", PROVIDER_TYPES)
def test_a_written_file_means_what_it_is_written_for(load, name):
    """All defaults, and this model."""
    os.environ |= {"DEEPSEEK_API_KEY": "k", "LITELLM_API_KEY": "k"}
    found = load(written(name))
    assert msgspec.structs.replace(found, providers=()) == Settings(providers=())
    assert [msgspec.structs.replace(each, model="m") for each in found.providers] == [
        msgspec.structs.replace(MODELS[name], model="m")
    ]


@pytest.mark.parametrize("name", [name for name in PROVIDER_TYPES if name != "scripted"])
def test_a_setting_behind_a_hash_can_be_used_as_it_stands(load, name):
    """With its comment, by each type of provider that has it."""
    os.environ |= {"DEEPSEEK_API_KEY": "k", "LITELLM_API_KEY": "k"}
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
        (SCRIPTED + "[sandbox]\nseconds = 0\n", "sandbox.seconds: Expected `float` > 0.0"),
        (SCRIPTED + "[sandbox]\nmemory_bytes = 1000\n", "sandbox.memory_bytes: Expected `int` >= 33554432"),
        (SCRIPTED + 'role = "boss"\n', "providers[0].role: Invalid enum value 'boss'"),
        ("", "top level: Object missing required field `providers`"),
        ("providers = []", "providers: Expected `array` of length >= 1"),
        (
            '[[providers]]\nprovider_type = "gpt"\nmodel = "x"',
            "providers[0].provider_type: there is no 'gpt'; these exist: openai, deepseek, litellm, ollama, scripted",
        ),
        ('[[providers]]\nmodel = "x"', "providers[0]: Object missing required field `provider_type`"),
        ('[[providers]]\nprovider_type = "openai"\nmodel = "x"', "providers[0]: Object missing required field `base_url`"),
        (
            '[[providers]]\nprovider_type = "openai"\nmodel = "x"\nbase_url = "localhost"',
            "providers[0].base_url: Expected `str` matching regex '^https?://.'",
        ),
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


def test_presets_know_their_address_and_the_name_of_their_key(load):
    """deepseek, litellm and ollama need only a model."""
    os.environ |= {"DEEPSEEK_API_KEY": "k1", "LITELLM_API_KEY": "k2"}
    text = "".join(f'[[providers]]\nprovider_type = "{name}"\nmodel = "m"\n' for name in ("deepseek", "litellm", "ollama"))
    deepseek, litellm, ollama = load(text).providers
    assert (deepseek, deepseek.api_key) == (DeepSeekSettings(model="m"), "k1")
    assert (litellm, litellm.api_key) == (LiteLLMSettings(model="m"), "k2")
    assert (ollama, ollama.api_key) == (OllamaSettings(model="m"), None)
    assert (deepseek.base_url, ollama.base_url) == ("https://api.deepseek.com/v1", "http://127.0.0.1:11434")


def test_settings_never_hold_a_secret(load):
    """Only the name of the variable."""
    os.environ["DEEPSEEK_API_KEY"] = "sk-secret"
    assert "sk-secret" not in repr(load('[[providers]]\nprovider_type = "deepseek"\nmodel = "m"'))
