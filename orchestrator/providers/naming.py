"""Models by their short names: PROVIDER/MODEL, as in ollama/qwen3:32b."""

import os
from collections.abc import Sequence
from typing import Any

import msgspec

from orchestrator.config import PROVIDER_TYPES, AnyProvider, ProviderSettings
from orchestrator.errors import ConfigError


def names_of(settings: ProviderSettings) -> tuple[str, ...]:
    """By which a provider may be chosen: its alias, its short name, its model alone."""
    short = f"{type(settings).__struct_config__.tag}/{settings.model}"
    return tuple(dict.fromkeys([*filter(None, [settings.alias]), short, settings.model]))


def parse_model(name: str, configured: Sequence[AnyProvider] = ()) -> AnyProvider:
    """The settings of a model, for all roles: those of the first `configured` provider of its type, or else the defaults.

    Raises ConfigError.
    """
    kind, _, model = name.partition("/")
    if kind not in PROVIDER_TYPES or not model:
        raise ConfigError(f"{name!r} is no PROVIDER/MODEL, as ollama/qwen3:32b is; providers are {', '.join(PROVIDER_TYPES)}")
    for each in configured:
        if type(each) is PROVIDER_TYPES[kind]:
            return msgspec.structs.replace(each, model=model, role="both")
    fields = {"provider_type": kind, "model": model} | (_place_of_openai() if kind == "openai" else {})
    try:
        provider: AnyProvider = msgspec.convert(fields, AnyProvider)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{name!r}: {'OPENAI_BASE_URL: ' if kind == 'openai' else ''}{error}") from None
    return provider


def _place_of_openai() -> dict[str, Any]:
    """The server that the environment names as for OpenAI's own programs, if it does, which may want no key."""
    elsewhere = os.environ.get("OPENAI_BASE_URL")
    if not elsewhere:
        return {}
    return {"base_url": elsewhere, "api_key_env": "OPENAI_API_KEY" if os.environ.get("OPENAI_API_KEY") else None}
