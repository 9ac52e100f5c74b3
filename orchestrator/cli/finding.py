"""Models that this machine can use at once: those of servers on loopback, and those that a key in the environment pays for."""

import asyncio
import os

import httpx
import msgspec

from orchestrator.config import PROVIDER_TYPES, AnyProvider, OllamaSettings, OpenAISettings
from orchestrator.errors import ConfigError
from orchestrator.presets import PRESETS
from orchestrator.providers.models import ListedModel, listed_models
from orchestrator.providers.naming import parse_model

SECONDS = 2.0  # for a server to list its models in
MOST_BYTES = 1 << 20  # of that list
MOST_MODELS = 20  # of one server
LONGEST_NAME = 200
# A model of each service, to begin with: by the environment variable of its key.
SERVICES = {preset.key: f"{name}/{preset.model}" for name, preset in PRESETS.items() if preset.model}
SERVICES["ANTHROPIC_API_KEY"] = "anthropic/claude-sonnet-5-5"


class Choice(msgspec.Struct, frozen=True):
    """One model, and where it was found."""

    provider: AnyProvider
    place: str


async def find_models(transport: httpx.AsyncBaseTransport | None = None) -> list[Choice]:
    """What is on this machine first: nothing leaves it then. The largest of a server's models before the others."""
    # No proxy: all this is on loopback.
    async with httpx.AsyncClient(transport=transport, trust_env=False) as client:
        found = await asyncio.gather(*(_ask(client, program, settings) for program, settings in _servers()))
    return [choice for choices in found for choice in choices] + _services()


def _servers() -> list[tuple[str, OllamaSettings | OpenAISettings]]:
    """Programs that serve models, each where it listens by itself; the name of the model is to be found."""
    servers: list[tuple[str, OllamaSettings | OpenAISettings]] = [("Ollama", OllamaSettings(model="?"))]
    for name, preset in PRESETS.items():
        if preset.title:
            # One that wants a key by itself may have been started without.
            keyless = preset.key and not os.environ.get(preset.key)
            kind = OpenAISettings if keyless else PROVIDER_TYPES[name]
            servers.append((preset.title, kind(model="?", base_url=preset.base_url)))
    return servers


async def _ask(client: httpx.AsyncClient, program: str, settings: OllamaSettings | OpenAISettings) -> list[Choice]:
    url = settings.base_url + ("/api/tags" if isinstance(settings, OllamaSettings) else "/models")
    headers = {"Authorization": f"Bearer {settings.api_key}"} if settings.api_key else {}
    try:
        async with asyncio.timeout(SECONDS), client.stream("GET", url, headers=headers) as response:
            content = b""
            async for piece in response.aiter_bytes():
                content += piece
                if len(content) > MOST_BYTES:
                    return []
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, UnicodeError):
        return []
    models = sorted(filter(_can_answer, listed_models(content) or []), key=lambda model: -model.size)
    place = f"{program} at {settings.base_url}"
    return [Choice(msgspec.structs.replace(settings, model=each.name), place) for each in models[:MOST_MODELS]]


def _can_answer(model: ListedModel) -> bool:
    """Not one that only embeds; and a name that can stand in a file and on a terminal."""
    return "embed" not in model.name.lower() and model.name.isprintable() and 0 < len(model.name) <= LONGEST_NAME


def _services() -> list[Choice]:
    choices = []
    for key, name in SERVICES.items():
        if os.environ.get(key):
            try:
                choices.append(Choice(parse_model(name), f"a service, paid by {key}"))
            except ConfigError:
                continue
    return choices
