"""The settings of a command: those of the configuration, with what the command line says instead."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec

from orchestrator import config
from orchestrator.cli.say import say
from orchestrator.config import AnyProvider, Settings
from orchestrator.errors import ConfigError
from orchestrator.providers.naming import names_of, parse_model

CONFIG = Path("config.toml")


def read_settings(path: Path | None) -> Settings:
    """Of the file that is named, else of config.toml, else the defaults. Raises ConfigError."""
    return config.DEFAULTS if _are_defaults(path) else config.load(path or CONFIG)


def tell_defaults(path: Path | None) -> None:
    """Says so if there is no configuration: not before what the user has to mend."""
    if _are_defaults(path):
        say(
            "no config.toml here: settings have their defaults, and a scripted model answers the questions of the demo; "
            "`rlm init` names a model that this machine has"
        )


def _are_defaults(path: Path | None) -> bool:
    return path is None and not os.path.lexists(CONFIG)


def choose_models(path: Path | None, model: str | None, root_model: str | None, sub_model: str | None) -> Settings:
    """Those with `model` instead of the configured ones, or one for each role. Raises ConfigError.

    With `model` no configuration is needed; if there is one, its limits count, and how it reaches that type of provider.
    """
    if model is None and root_model is None and sub_model is None:
        return read_settings(path)
    if model is None:
        settings = read_settings(path)
    elif path is not None or os.path.lexists(CONFIG):
        settings = config.read(path or CONFIG)
    else:
        settings = config.DEFAULTS
    chosen = msgspec.structs.replace(
        settings, providers=_providers(settings.providers, root_model or model, sub_model or model)
    )
    config.check(chosen, "--model" if model else "--root-model" if root_model else "--sub-model")
    return chosen


def _providers(configured: tuple[AnyProvider, ...], root: str | None, sub: str | None) -> tuple[AnyProvider, ...]:
    if root is not None and root == sub:
        return _named(root, "both", configured)
    roots, subs = ([each for each in configured if each.role in (role, "both")] for role in ("root", "sub"))
    return (
        *(_named(root, "root", configured) if root else (msgspec.structs.replace(each, role="root") for each in roots)),
        *(_named(sub, "sub", configured) if sub else (msgspec.structs.replace(each, role="sub") for each in subs)),
    )


def _named(name: str, role: Literal["root", "sub", "both"], configured: tuple[AnyProvider, ...]) -> tuple[AnyProvider, ...]:
    """Those that are configured by that name, or else the model that it says itself. Raises ConfigError."""
    found = [each for each in configured if name in names_of(each)] or [parse_model(name, configured)]
    return tuple(msgspec.structs.replace(each, role=role) for each in found)


def set_value(settings: Settings, assignment: str) -> Settings:
    """With one limit changed: KEY=VALUE as in a configuration, sandbox.seconds=5. Raises ConfigError."""
    key, equals, text = assignment.partition("=")
    if not equals:
        raise ConfigError(f"--set {assignment}: write KEY=VALUE, as in --set sandbox.seconds=5")
    values = msgspec.to_builtins(settings)
    limits = dict(_limits(values))
    if key not in limits:
        raise ConfigError(f"--set {key}: there is no such limit; there are {', '.join(limits)}")
    limits[key][key.rpartition(".")[2]] = _value(text)
    try:
        changed: Settings = msgspec.convert(values, Settings)
    except msgspec.ValidationError as error:
        raise ConfigError(f"--set {key}: {str(error).partition(' - at `')[0]}") from None
    return changed


def _limits(values: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each name that can be set, and the table that it stands in."""
    for name, value in values.items():
        if name == "sandbox":
            yield from ((f"sandbox.{each}", value) for each in value)
        elif not isinstance(value, dict | list | tuple):
            yield name, values


def _value(text: str) -> Any:
    """As TOML writes it; a text needs no quotes."""
    try:
        return msgspec.toml.decode(f"value = {text}")["value"]
    except msgspec.DecodeError:
        return text
