"""The JSON commands: their shapes. They are executed by the guest, over the cells' own variables.

Nothing of a command is interpreted on the host: no pattern is run, no ${name} filled in.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec import Meta


class Command(msgspec.Struct, frozen=True, kw_only=True, tag_field="op", forbid_unknown_fields=True):
    """forbid_unknown_fields: a misspelt field is the model's to mend, not ours to ignore."""


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


class ModuleCommand(Stored, frozen=True, kw_only=True):
    """Calls a function of a module; `args` are its arguments."""

    function: str
    args: dict[str, Any] = {}


class Wasm(ModuleCommand, frozen=True, kw_only=True, tag="wasm"):
    """Call a function of a precompiled module."""

    module: str


class CSV(ModuleCommand, frozen=True, kw_only=True, tag="csv"):
    """The same for the module csv."""


class JSON(ModuleCommand, frozen=True, kw_only=True, tag="json"):
    """The same for the module json."""


class Text(ModuleCommand, frozen=True, kw_only=True, tag="text"):
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
# What a model is told of; the others are for those who know them.
TAUGHT = tuple(each for each in KNOWN if each not in (WasmWAT, IndexTerms, Get))


MOST_COMMANDS = 20  # of a reply that is held to the schema


class Commands(msgspec.Struct, frozen=True):
    """A whole reply of commands: what a provider that constrains decoding is held to."""

    commands: Annotated[list[AnyCommand], Meta(min_length=1, max_length=MOST_COMMANDS)]


def _schema() -> dict[str, Any]:
    """The root stands in full: some servers want an object there, not a reference."""
    [root], shared = msgspec.json.schema_components([Commands], ref_template="#/$defs/{name}")
    whole: dict[str, Any] = shared.pop(root["$ref"].rpartition("/")[2])
    return whole | {"$defs": shared}


SCHEMA = _schema()


def need_context(commands: Sequence[Command]) -> bool:
    """Whether the guest needs the context for them: a module has it from the host."""
    from_host = (ModuleCommand, Regex, WasmWAT)
    return any(isinstance(each, Stored) and each.on is None and not isinstance(each, from_host) for each in commands)


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
