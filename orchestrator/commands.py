"""The JSON commands: their shapes, checked here; they are executed by the guest, over the cells' own variables.

Nothing of a command is interpreted on the host: no pattern is run, no ${name} filled in.
"""

import json
import re
from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec import Meta


class Command(msgspec.Struct, frozen=True, kw_only=True, tag_field="op", forbid_unknown_fields=True):
    """forbid_unknown_fields: a misspelt field must be told, not ignored."""


class Stored(Command, frozen=True, kw_only=True):
    """Works on `on` (a variable; the context when absent) and keeps its whole result in `store`."""

    on: str | None = None
    store: str | None = None


class Slice(Stored, frozen=True, kw_only=True, tag="slice"):
    """Code points [start, end); negative ones count from the end."""

    start: int = 0
    end: int | None = None


class Lines(Stored, frozen=True, kw_only=True, tag="lines"):
    """Lines [start, end), from 0; negative ones count from the end."""

    start: int = 0
    end: int | None = None


class Find(Stored, frozen=True, kw_only=True, tag="find"):
    """The lines that hold the text, whatever its case; where there is none, those that hold all its words."""

    text: str


class Regex(Stored, frozen=True, kw_only=True, tag="regex"):
    """The lines that match the pattern, whatever the case."""

    pattern: str


class Count(Stored, frozen=True, kw_only=True, tag="count"):
    """How many; `matches`: the lines of `on`, or of the last result."""

    what: Literal["lines", "chars", "words", "matches"]


class Split(Stored, frozen=True, kw_only=True, tag="split"):
    """A list of the parts between the delimiters."""

    delimiter: str


class Len(Stored, frozen=True, kw_only=True, tag="len"):
    """Code points of a text, items of a list."""


class IndexTerms(Stored, frozen=True, kw_only=True, tag="index_terms"):
    """How often each term occurs: proper_nouns, titles, all_caps, or a regular expression."""

    pattern: str = "proper_nouns"
    min_count: int = 2
    max_terms: int = 500
    include_lines: bool = False


class Set(Command, frozen=True, kw_only=True, tag="set"):
    """Assign a text; ${name} in it is the value of that variable."""

    name: str
    value: str


class Get(Command, frozen=True, kw_only=True, tag="get"):
    """Show a variable."""

    name: str


class Print(Command, frozen=True, kw_only=True, tag="print"):
    """Show a text with ${name}, or a variable, or the last result."""

    value: str | None = None
    var: str | None = None


class LLMQuery(Command, frozen=True, kw_only=True, tag="llm_query"):
    """Ask a sub-model; it sees the prompt alone, with ${name} filled in."""

    prompt: str
    store: str | None = None


class Final(Command, frozen=True, kw_only=True, tag="final"):
    """The answer, with ${name} filled in."""

    answer: str


class FinalVar(Command, frozen=True, kw_only=True, tag="final_var"):
    """The value of a variable is the answer."""

    name: str


class Asked(Stored, frozen=True, kw_only=True):
    """`args` are the arguments of the module's `function`."""

    function: str
    args: dict[str, Any] = {}


class Wasm(Asked, frozen=True, kw_only=True, tag="wasm"):
    """Call a function of a precompiled module."""

    module: str


class CSV(Asked, frozen=True, kw_only=True, tag="csv"):
    """The same for the module csv."""


class JSON(Asked, frozen=True, kw_only=True, tag="json"):
    """The same for the module json."""


class Text(Asked, frozen=True, kw_only=True, tag="text"):
    """The same for the module text."""


class WasmWAT(Stored, frozen=True, kw_only=True, tag="wasm_wat"):
    """Run a module that you write in WebAssembly's text format, by version 1 of the ABI."""

    wat: str
    function: str = "run"
    args: dict[str, Any] = {}


class Malformed(Command, frozen=True, kw_only=True, tag="malformed"):
    """Not the model's to write: stands where it wrote something else, and tells it what."""

    message: str


AnyCommand = (
    Slice
    | Lines
    | Find
    | Regex
    | Count
    | Split
    | Len
    | IndexTerms
    | Wasm
    | CSV
    | JSON
    | Text
    | WasmWAT
    | Set
    | Get
    | Print
    | LLMQuery
    | Final
    | FinalVar
)
KNOWN: tuple[type[Command], ...] = get_args(AnyCommand)


class Commands(msgspec.Struct, frozen=True):
    """A whole reply of commands: what a provider that constrains decoding is held to."""

    commands: Annotated[list[AnyCommand], Meta(min_length=1)]


def _schema() -> dict[str, Any]:
    """The root stands in full: some servers want an object there, not a reference."""
    [root], shared = msgspec.json.schema_components([Commands], ref_template="#/$defs/{name}")
    whole: dict[str, Any] = shared.pop(root["$ref"].rpartition("/")[2])
    return whole | {"$defs": shared}


SCHEMA = _schema()
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
# Each failed decoding reads the rest of the reply: a hostile one must not make that quadratic.
MOST_BROKEN = 20
_SPACE = re.compile(r"[\s,]*(?://[^\n]*[\s,]*)*")
_LINE_OF_JSON = re.compile(r"^[ \t]*+(?=[{\[])", re.MULTILINE)


def form(command: type[Command]) -> str:
    """How to write it: {"op": "slice", "start"?: int, ...}; ? marks what may be left out."""
    fields = sorted(msgspec.structs.fields(command), key=lambda field: field.name in ("on", "store"))
    shown = (f'"{field.name}"{"" if field.required else "?"}: {_type_name(field.type)}' for field in fields)
    return f'{{"op": "{command.__struct_config__.tag}", {", ".join(shown)}}}'


def _type_name(type_: Any) -> str:
    names = {str: "text", int: "number", bool: "true or false", dict: "object"}
    type_ = dict if getattr(type_, "__origin__", None) is dict else type_
    options: tuple[Any, ...] = getattr(type_, "__args__", ())
    if options and isinstance(options[0], str):
        return " or ".join(f'"{option}"' for option in options)
    return names.get(type_) or names[options[0]]


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
    last = text.rfind('"op"')
    while (start := _LINE_OF_JSON.search(text, position)) and start.end() <= last and broken < MOST_BROKEN:
        commands, position = _parse_at(text, start.end())
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
        return msgspec.convert(item, known)
    except msgspec.ValidationError as error:
        return Malformed(message=f"{error}; the form is {form(known)}")
