"""`rlm providers`: whether each configured model answers, and if not, what to do."""

import asyncio
import contextlib
import time
from collections.abc import Sequence

import msgspec

from orchestrator.cli.command import add_config, command_parser
from orchestrator.cli.say import write
from orchestrator.cli.settings import read_settings, tell_defaults
from orchestrator.config import AnyProvider, HTTPSettings, Settings
from orchestrator.errors import ProviderError
from orchestrator.providers.backend import Backend, Slots
from orchestrator.providers.connections import Connections
from orchestrator.providers.failures import address, lacks, name_those
from orchestrator.providers.make import make_provider
from orchestrator.providers.messages import Message, Provider, Received

QUESTION = (Message("user", "Answer with one word: ready"),)


class Finding(msgspec.Struct, frozen=True):
    """One line about one provider."""

    name: str
    text: str
    right: bool


def main(arguments: Sequence[str]) -> int:
    """A line for each provider on stdout; status 1 if one of them is wrong."""
    parser = command_parser(
        "providers",
        "Ask each provider of the configuration for one word, look for its model among those of its server, and print a line "
        "about each: ok, or what is wrong and what to do. Status 1 if one is wrong.",
    )
    add_config(parser)
    options = parser.parse_args(arguments)
    settings = read_settings(options.config)
    tell_defaults(options.config)
    return asyncio.run(_examine_all(settings))


async def _examine_all(settings: Settings) -> int:
    """Each is asked at once, and told in the order of the configuration. Raises ConfigError."""
    right = True
    async with contextlib.aclosing(Connections(proxy=settings.proxy)) as connections:
        backends = [Backend(make_provider(each, connections), Slots(1), None) for each in settings.providers]
        examined = [asyncio.create_task(_examine(*each)) for each in zip(backends, settings.providers, strict=True)]
        for task in examined:
            found = await task
            write(f"{'ok' if found.right else 'WRONG':6}{found.name}: {found.text}\n")
            right = right and found.right
    return 0 if right else 1


async def _examine(backend: Backend, settings: AnyProvider) -> Finding:
    name = backend.names[0]
    if not isinstance(settings, HTTPSettings):
        return Finding(name, "no model: it has the replies of its script", right=True)
    received = Received()
    started = time.monotonic()
    try:
        await backend.call(QUESTION, received, None)
    except ProviderError as error:
        return Finding(name, str(error).removeprefix(f"{backend.name}: "), right=False)
    seconds = time.monotonic() - started
    if not received.text.strip():
        return Finding(name, f"the reply is empty; max_tokens is {settings.max_tokens}, reasoning included", right=False)
    window = await backend.provider.find_window()
    facts = [f"{seconds:.1f} s", f"window {window:,} tokens" if window else "window not known (context_window)"]
    return Finding(name, ", ".join(facts) + await _doubt(backend.provider, settings), right=True)


async def _doubt(provider: Provider, settings: HTTPSettings) -> str:
    """What to say of a server that answers for a model which it does not list: it may answer with another."""
    models = await provider.list_models()
    if not models or not lacks(settings, models):
        return ""
    return f"; {address(settings)} answers, but does not list this model{name_those(settings, models)}"
