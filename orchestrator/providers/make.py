"""The provider for one entry of the configuration."""

from orchestrator.config import AnthropicSettings, AnyProvider, OllamaSettings, OpenAISettings, ScriptedSettings
from orchestrator.providers.anthropic import AnthropicProvider
from orchestrator.providers.connections import Client
from orchestrator.providers.messages import Provider
from orchestrator.providers.ollama import OllamaProvider
from orchestrator.providers.openai import OpenAIProvider
from orchestrator.providers.scripted import ScriptedProvider


def make_provider(settings: AnyProvider, client: Client, own_key: str | None = None) -> Provider:
    """The provider for one [[providers]] entry; `own_key`: a caller's, instead of its own. Raises ConfigError."""
    match settings:
        case ScriptedSettings():
            return ScriptedProvider(settings)
        case AnthropicSettings():
            return AnthropicProvider(settings, client, own_key)
        case OllamaSettings():
            return OllamaProvider(settings, client, own_key)
        case OpenAISettings():
            return OpenAIProvider(settings, client, own_key)
