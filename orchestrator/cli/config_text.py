"""The text of a config.toml for a model: the shipped one, with another entry of [[providers]]."""

import json
import re
import textwrap

import msgspec

from orchestrator import shipped
from orchestrator.config import AnyProvider

WIDTH = 110  # of the note
_ENTRY = "[[providers]]\n"
# A setting, in use or behind "# "; its comment begins in the same column whatever the value is.
_SETTING = re.compile(r"(?P<off># )?(?P<name>\w+) = (?P<value>\"[^\"]*\"|\S+)(?P<space> *)(?P<comment>#.*)?")


def config_text(provider: AnyProvider, note: str) -> str:
    """Every setting with its comment, at its default; `note` stands above the model."""
    general, entry = shipped.CONFIG.read_text(encoding="utf-8").split(_ENTRY)
    general = general.rpartition("\n\n")[0]  # without what is said of the shipped model
    values = msgspec.to_builtins(provider)
    lines = [_with_value(line, values) for line in entry.splitlines()]
    comment = "".join(f"# {line}\n" for each in note.splitlines() for line in textwrap.wrap(each, WIDTH))
    return f"{general}\n\n{comment}{_ENTRY}" + "".join(f"{line}\n" for line in lines)


def _with_value(line: str, values: dict[str, object]) -> str:
    """The line with the provider's value; as it is if the provider has no such setting, or none set."""
    setting = _SETTING.fullmatch(line)
    value = values.get(setting["name"]) if setting else None
    if setting is None or value is None:
        return line
    # What JSON and TOML have in common: texts without control characters, and numbers.
    text = f"{setting['name']} = {json.dumps(value, ensure_ascii=False)}"
    return f"{text.ljust(setting.start('comment') - 1)} {setting['comment']}" if setting["comment"] else text
