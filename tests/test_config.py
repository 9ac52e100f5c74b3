"""config.toml: strict, and its errors name the key."""

import os
from pathlib import Path

import pytest

from orchestrator import config
from orchestrator.config import DeepSeekSettings, LiteLLMSettings, OllamaSettings, ScriptedSettings, Settings
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


def test_the_shipped_file_names_every_setting():
    """What can be set is in the file."""
    text = (ROOT / "config.toml").read_text()
    structs = (Settings, config.ServerSettings, config.SandboxSettings, config.ProviderSettings)
    names = {name for struct in structs for name in struct.__struct_fields__} - {"server", "sandbox", "providers"}
    assert {name for name in names if f"\n{name} = " not in text} == set()


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
        ('[[providers]]\nprovider_type = "gpt"\nmodel = "x"', "providers[0].provider_type: Invalid value 'gpt'"),
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
