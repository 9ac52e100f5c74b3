"""Commands as a model writes them: from text to checked shapes, and what to tell it if that cannot be done."""

import json
import re
from typing import Any

import msgspec

from orchestrator.dialogue.commands import KNOWN, Command, Malformed, form

_ANY_CODE = (
    "write the analysis as a Python cell, which runs in the sandbox too, for example "
    "```python\nfrom collections import Counter\nprint(Counter(line.split()[0] for line in context.splitlines() if line))\n```"
)
_TOP = (
    '{"op": "wasm", "module": "regex", "function": "top", "args": {"pattern": "user=(\\\\w+)", "k": 10}}, or in a Python cell '
    'modules.regex.top(r"user=(\\w+)", k=10)'
)
# Operations that compiled Rust in a system that models may have been taught: what does the same here.
REPLACED = {
    "rust_wasm": _ANY_CODE,
    "rust_wasm_intent": _ANY_CODE,
    "rust_wasm_reduce_intent": _ANY_CODE,
    "rust_cli_intent": _ANY_CODE,
    "rust_wasm_mapreduce": f"count by key with {_TOP}",
    "rust_wasm_map_reduce": f"count by key with {_TOP}",
    "wasm_template": (
        f"group_count is {_TOP}; filter_lines is modules.regex.lines(pattern); numeric_stats is modules.text.numbers(pattern); "
        "count_matching is modules.regex.count(pattern); map_lines is a loop in a Python cell"
    ),
}
_BY_NAME = {str(each.__struct_config__.tag): each for each in KNOWN}
_DECODER = json.JSONDecoder()
# What is not JSON may be read to the end of the reply before that is known: a hostile reply must not make that quadratic.
MOST_BROKEN = 20
# What may stand between two commands: space, commas, and comments, which models write into JSON.
_SPACE = re.compile(r"[\s,]*(?://[^\n]*[\s,]*)*")
_LINE_OF_JSON = re.compile(r"^[ \t]*+(?=[{\[])", re.MULTILINE)


def parse_block(text: str) -> tuple[Command, ...]:
    """The commands of a fenced block: one object, an array, or one per line. What is none becomes a Malformed."""
    found: list[Command] = []
    broken = 0
    position = _after_space(text, 0)
    while position < len(text) and broken < MOST_BROKEN:
        commands, end = _parse_at(text, position)
        found += [_not_json(text, position, end)] if commands is None else commands
        broken += commands is None
        position = _after_space(text, end)
    if position < len(text):
        found.append(Malformed(message=f"the rest was not read: {broken} lines before it are not JSON"))
    return tuple(found)


def parse_prose(text: str) -> tuple[Command, ...]:
    """The commands that stand bare in a text, each at the beginning of a line; a line that names no "op" is prose."""
    found: list[Command] = []
    position = broken = 0
    # Behind the last "op" there is no command: a long table of other JSON is not even decoded.
    last = text.rfind('"op"')
    while (start := _LINE_OF_JSON.search(text, position)) and start.end() <= last and broken < MOST_BROKEN:
        commands, position = _parse_at(text, start.end())
        # Prose may begin a line with a bracket: only what was meant as a command is worth an error.
        if commands is None and '"op"' in text[start.end() : position]:
            found.append(_not_json(text, start.end(), position))
        found += commands or []
        broken += commands is None
    return tuple(found)


def _after_space(text: str, position: int) -> int:
    found = _SPACE.match(text, position)
    return found.end() if found else position


def _parse_at(text: str, position: int) -> tuple[list[Command] | None, int]:
    """The commands of one JSON value, and where it ends; None for what is not JSON, which ends with its line."""
    try:
        value, end = _DECODER.raw_decode(text, position)
    except (ValueError, RecursionError):
        end = text.find("\n", position)
        return None, len(text) if end < 0 else end
    # The form that decoding is constrained to (commands.Commands), and that models copy without being asked to.
    if isinstance(value, dict) and isinstance(value.get("commands"), list):
        value = value["commands"]
    return [_command(item) for item in (value if isinstance(value, list) else [value])], end


def _not_json(text: str, position: int, end: int) -> Malformed:
    return Malformed(message=f"not valid JSON: {text[position:end][:200]}")


def _command(item: Any) -> Command:
    if not isinstance(item, dict) or not isinstance(item.get("op"), str):
        return Malformed(message=f'a command is an object with "op"; there are: {", ".join(_BY_NAME)}')
    if item["op"] in REPLACED:
        return Malformed(message=f'"{item["op"]}" is not needed here, nothing is compiled: {REPLACED[item["op"]]}')
    known = _BY_NAME.get(item["op"])
    if known is None:
        return Malformed(message=f'there is no command "{item["op"][:50]}"; there are: {", ".join(_BY_NAME)}')
    try:
        # convert, not decode: the value is read already, and a command may stand in an array with a malformed one.
        return msgspec.convert(item, known)
    except msgspec.ValidationError as error:
        return Malformed(message=f"{error}; the form is {form(known)}")
