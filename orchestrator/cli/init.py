"""`rlm init`: a config.toml with a model that this machine has."""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from orchestrator.cli.command import command_parser
from orchestrator.cli.config_text import config_text
from orchestrator.cli.finding import SERVICES, Choice, find_models
from orchestrator.cli.say import say
from orchestrator.config import OllamaSettings
from orchestrator.env_file import read_env_file
from orchestrator.errors import InvalidRequest

NOTHING_FOUND = Choice(OllamaSettings(model="qwen3:8b"), "an example")


def main(arguments: Sequence[str]) -> int:
    parser = command_parser(
        "init",
        "Write a config.toml that names a model and lists every setting. Looks for Ollama, LM Studio, llama.cpp, vLLM and "
        "LiteLLM on this machine, and for keys in the environment, or in a file .env beside FILE: "
        f"{', '.join(SERVICES)}, LITELLM_API_KEY. On a terminal it asks which model; elsewhere it takes the first: one of "
        "this machine before a paid one, the largest of a server first.",
    )
    parser.add_argument("file", type=Path, nargs="?", default=Path("config.toml"), metavar="FILE", help="default: config.toml")
    parser.add_argument("--force", action="store_true", help="overwrite FILE")
    options = parser.parse_args(arguments)
    if options.file.exists() and not options.force:
        raise InvalidRequest(f"{options.file} is there already; --force overwrites it")
    read_env_file(options.file.parent)
    choices = asyncio.run(find_models())
    choice = _choose(choices) if choices else NOTHING_FOUND
    _write(options.file, config_text(choice.provider, _note(choice, choices)), force=options.force)
    _tell(options.file, choice, choices)
    return 0


def _choose(choices: list[Choice]) -> Choice:
    if len(choices) == 1 or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return choices[0]
    for number, each in enumerate(choices, 1):
        say(f"{number:3}  {each.provider.model}  ({each.place})")
    while True:
        print(f"Which model? 1 to {len(choices)} [1] ", end="", file=sys.stderr, flush=True)
        line = sys.stdin.readline()
        wanted = line.strip() or "1"
        if not line:
            raise InvalidRequest("no model was chosen; nothing is written")
        if wanted.isdecimal() and 1 <= int(wanted) <= len(choices):
            return choices[int(wanted) - 1]


def _note(choice: Choice, choices: list[Choice]) -> str:
    """What stands above the model in the file."""
    if not choices:
        return "`rlm init` found no model. This one is an example: `ollama pull qwen3:8b` fetches it, `ollama serve` serves it."
    others = [each.provider.model for each in choices if each.place == choice.place and each is not choice]
    lines = [f"`rlm init` found this one: {choice.place}."]
    if others:
        lines.append(f"There are also: {', '.join(others)}. It must write Python well: the largest is often the best.")
    return "\n".join(lines)


def _write(file: Path, text: str, *, force: bool) -> None:
    try:
        with file.open("w" if force else "x", encoding="utf-8") as opened:
            opened.write(text)
    except OSError as error:
        raise InvalidRequest(f"{file}: {error.strerror}") from None


def _tell(file: Path, choice: Choice, choices: list[Choice]) -> None:
    for place in dict.fromkeys(each.place for each in choices):
        say(f"found {place}: {', '.join(each.provider.model for each in choices if each.place == place)}")
    if not choices:
        say("found no model server and no key: start one (ollama serve) or set DEEPSEEK_API_KEY or OPENAI_API_KEY, then again")
    say(f"wrote {file} with {choice.provider.model}; now: rlm query QUESTION FILE")
