"""Models by their short names."""

import os

import pytest

from orchestrator.config import PROVIDER_TYPES, AnthropicSettings, OllamaSettings, OpenAISettings, ScriptedSettings
from orchestrator.errors import ConfigError
from orchestrator.providers.naming import parse_model


@pytest.fixture(autouse=True)
def no_place_for_openai(monkeypatch):
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("ollama/qwen3:32b", OllamaSettings(model="qwen3:32b")),
        ("deepseek/deepseek-flash", PROVIDER_TYPES["deepseek"](model="deepseek-flash")),
        ("litellm/ollama/qwen3", PROVIDER_TYPES["litellm"](model="ollama/qwen3")),
        ("anthropic/claude", AnthropicSettings(model="claude")),
        ("scripted/demo/scripts", ScriptedSettings(model="demo/scripts")),
        ("openai/x", OpenAISettings(model="x", base_url="https://api.openai.com/v1", api_key_env="OPENAI_API_KEY")),
    ],
)
def test_a_name_is_a_provider_and_its_model(name, settings):
    """Up to the first slash; all else is at its default."""
    assert parse_model(name) == settings


@pytest.mark.parametrize(("key", "named"), [("", None), ("sk-1", "OPENAI_API_KEY")])
def test_openai_may_be_another_server(key, named):
    """As for OpenAI's own programs; a server of one's own may want no key."""
    os.environ |= {"OPENAI_BASE_URL": "http://127.0.0.1:1234/v1", "OPENAI_API_KEY": key}
    assert parse_model("openai/x") == OpenAISettings(model="x", base_url="http://127.0.0.1:1234/v1", api_key_env=named)


def test_a_place_that_is_none_is_named():
    """It comes from the environment."""
    os.environ["OPENAI_BASE_URL"] = "localhost:1234"
    with pytest.raises(ConfigError) as error:
        parse_model("openai/x")
    assert str(error.value) == ("'openai/x': OPENAI_BASE_URL: Expected `str` matching regex '^https?://.' - at `$.base_url`")


def test_a_place_that_nobody_knows_is_asked_for():
    """Azure has one for each user: it is configured."""
    with pytest.raises(ConfigError, match=r"^'azure/x': Object missing required field `base_url`$"):
        parse_model("azure/x")


def test_a_configured_provider_of_that_type_says_how_to_reach_it():
    """The first one; its role does not count."""
    configured = (
        ScriptedSettings(model="s"),
        OllamaSettings(model="a", base_url="http://big:11434", num_ctx=8192, role="sub"),
        OllamaSettings(model="b"),
    )
    assert parse_model("ollama/x", configured) == OllamaSettings(model="x", base_url="http://big:11434", num_ctx=8192)
