"""Commands as a model writes them: from text to checked shapes, and what to tell it if that cannot be done."""

import re
from typing import Any

import msgspec

from orchestrator.dialogue.commands import KNOWN, TAUGHT, Command, Malformed, Wasm, form
from orchestrator.dialogue.json_text import read_json

_ANY_CODE = (
    "write the analysis as a Python cell, which runs in the sandbox too, for example "
    "```python\nfrom collections import Counter\nprint(Counter(line.split()[0] for line in context.splitlines() if line))\n```"
)
_TOP = '{"op": "regex.top", "pattern": "user=(\\\\w+)", "k": 10}, or in a Python cell modules.regex.top(r"user=(\\w+)", k=10)'
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
# Names that models know from elsewhere.
_OTHER_NAMES = {"llm_reduce": "reduce", "llm_map": "map"}
_THERE_ARE = (
    f"there are: {', '.join(str(each.__struct_config__.tag) for each in TAUGHT)}, and functions of modules, as regex.top"
)
_FUNCTION_FORM = '{"op": "module.function", its arguments..., "on"?: text, "store"?: text}'
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
        found += [commands] if isinstance(commands, Malformed) else commands
        broken += isinstance(commands, Malformed)
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
        if not isinstance(commands, Malformed):
            found += commands
            continue
        broken += 1
        # Prose may begin a line with a bracket: only what was meant as a command is worth an error.
        if '"op"' in text[start.end() : position]:
            found.append(commands)
    return tuple(found)


def _after_space(text: str, position: int) -> int:
    found = _SPACE.match(text, position)
    return found.end() if found else position


def _parse_at(text: str, position: int) -> tuple[list[Command] | Malformed, int]:
    """The commands of one JSON value, and where it ends; what is not JSON ends with its line."""
    try:
        value, end = read_json(text, position)
    except ValueError as error:
        line_end = text.find("\n", position)
        end = len(text) if line_end < 0 else line_end
        return Malformed(message=f"not valid JSON ({error}): {text[position:end][:200]}"), end
    # The form that decoding is constrained to (command_schema.Commands), and that models copy without being asked to.
    if isinstance(value, dict) and isinstance(value.get("commands"), list):
        value = value["commands"]
    return [_command(item) for item in (value if isinstance(value, list) else [value]) if not _is_thought(item)], end


def _is_thought(item: Any) -> bool:
    """What a model writes to itself."""
    return isinstance(item, dict) and (item.get("op") == "thought" or item.keys() == {"thought"})


def _command(item: Any) -> Command:
    if not isinstance(item, dict) or not isinstance(item.get("op"), str):
        return Malformed(message=f'a command is an object with "op"; {_THERE_ARE}')
    fields = {name: each for name, each in item.items() if name != "thought"}
    op = fields["op"] = str(_OTHER_NAMES.get(item["op"], item["op"]))
    if op in REPLACED:
        return Malformed(message=f'"{op}" is not needed here, nothing is compiled: {REPLACED[op]}')
    if "." in op:
        return _convert(_call(fields), Wasm, _FUNCTION_FORM)
    known = _BY_NAME.get(op)
    if known is None:
        return Malformed(message=f'there is no command "{op[:50]}"; {_THERE_ARE}')
    return _convert(fields, known, form(known))


def _call(fields: dict[str, Any]) -> dict[str, Any]:
    """{"op": "regex.top", "pattern": ...} as the command wasm has it."""
    module, _, function = fields.pop("op").removeprefix("modules.").partition(".")
    own = {name: fields.pop(name) for name in ("on", "store") if name in fields}
    given = fields.pop("args", {})
    arguments = fields | given if isinstance(given, dict) else given
    return {"op": "wasm", "module": module, "function": function, "args": arguments} | own


def _convert(fields: dict[str, Any], command: type[Command], right: str) -> Command:
    try:
        # convert, not decode: the value is read already, and a command may stand in an array with a malformed one.
        return msgspec.convert(fields, command)
    except msgspec.ValidationError as error:
        return Malformed(message=f"{error}; the form is {right}")
