"""The JSON commands: their shapes. They are executed by the guest, over the cells' own variables.

Nothing of a command is interpreted on the host: no pattern is run, no ${name} filled in.
"""

import re
from collections.abc import Sequence
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

# What JSON has. A list of any type: servers that constrain decoding take an empty schema for an object's.
Value = str | int | float | bool | list[Any] | dict[str, Any] | None
# Whether a text names the context: as in the guest's runner.
CONTEXT = re.compile(r"\b(?:context|input_data)\b")


class Command(msgspec.Struct, frozen=True, kw_only=True, tag_field="op", forbid_unknown_fields=True):
    """forbid_unknown_fields: a misspelt field is the model's to mend, not ours to ignore."""


class Stored(Command, frozen=True, kw_only=True):
    """Works on `on` (a variable; the context when absent) and keeps its whole result in `store`."""

    on: str | None = None
    store: str | None = None


class Slice(Stored, frozen=True, kw_only=True, tag="slice"):
    """Characters of a text, items of a list; negative numbers count from the end."""

    start: int = 0
    end: int | None = None


class Lines(Stored, frozen=True, kw_only=True, tag="lines"):
    """Lines of a text, from 0."""

    start: int = 0
    end: int | None = None


class Find(Stored, frozen=True, kw_only=True, tag="find"):
    """The lines that hold the text, or all its words; invert: the others."""

    text: str
    invert: bool = False


class Regex(Stored, frozen=True, kw_only=True, tag="regex"):
    """The lines that match; both ignore case."""

    pattern: str
    invert: bool = False


class Count(Stored, frozen=True, kw_only=True, tag="count"):
    """How many there are; matches: lines found last."""

    what: Literal["lines", "chars", "words", "matches"]


class Split(Stored, frozen=True, kw_only=True, tag="split"):
    """A list."""

    delimiter: str


class Len(Stored, frozen=True, kw_only=True, tag="len"):
    """Characters of a text, items of a list."""


class IndexTerms(Stored, frozen=True, kw_only=True, tag="index_terms"):
    """How often each term occurs: proper_nouns, titles, all_caps, or a regular expression."""

    pattern: str = "proper_nouns"
    min_count: int = 2
    max_terms: int = 500
    include_lines: bool = False


class Set(Command, frozen=True, kw_only=True, tag="set"):
    """Assign it."""

    name: str
    value: Value


class Get(Command, frozen=True, kw_only=True, tag="get"):
    """Show a variable."""

    name: str


class Print(Command, frozen=True, kw_only=True, tag="print"):
    """Show it."""

    value: str | None = None
    var: str | None = None


class LLMQuery(Command, frozen=True, kw_only=True, tag="llm_query"):
    """Ask a sub-model, which sees nothing but the prompt."""

    prompt: str
    store: str | None = None
    schema: dict[str, Any] | UnsetType | None = UNSET
    model: str | UnsetType | None = UNSET


class LLMDelegate(Stored, frozen=True, kw_only=True, tag="llm_delegate"):
    """Ask another session like this one, for what takes many steps."""

    task: str
    max_iterations: int | None = None
    schema: dict[str, Any] | UnsetType | None = UNSET
    model: str | UnsetType | None = UNSET


class Map(Stored, frozen=True, kw_only=True, tag="map"):
    """Ask it of each ${part}, all at once: a document or item, or size items or lines (50). A list of answers."""

    prompt: str
    size: int | None = None
    schema: dict[str, Any] | UnsetType | None = UNSET
    model: str | UnsetType | None = UNSET
    children: bool | UnsetType = UNSET


class Reduce(Stored, frozen=True, kw_only=True, tag="reduce"):
    """Sub-models follow it over chunks of a text, and join what they find into one."""

    directive: str
    chunk_size: int = 10_000
    overlap: int = 500
    schema: dict[str, Any] | UnsetType | None = UNSET
    model: str | UnsetType | None = UNSET
    children: bool | UnsetType = UNSET


class Python(Command, frozen=True, kw_only=True, tag="python"):
    """Run Python over the same variables."""

    code: str


class Final(Command, frozen=True, kw_only=True, tag="final"):
    """The answer, which ends the run."""

    answer: Value


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


# What a model is told of; the others are for those who know them.
TAUGHT: tuple[type[Command], ...] = (
    *(Slice, Lines, Find, Regex, Count, Split, Len, Set, Print, LLMQuery, LLMDelegate, Map, Reduce, Python, Final),
)
KNOWN: tuple[type[Command], ...] = (*TAUGHT, FinalVar, Get, IndexTerms, Wasm, CSV, JSON, Text, WasmWAT)


def need_context(commands: Sequence[Command]) -> bool:
    """Whether the guest needs the context for them: a module has it from the host."""
    from_host = (ModuleCommand, Regex, WasmWAT)
    return any(
        CONTEXT.search(each.code)
        if isinstance(each, Python)
        else isinstance(each, Stored) and each.on is None and not isinstance(each, from_host)
        for each in commands
    )


def form(command: type[Command]) -> str:
    """How to write it: {"op": "slice", "start"?: number, ...}; ? marks what may be left out."""
    return _form(command, sorted(msgspec.structs.fields(command), key=lambda field: field.name in _STORED))


def short_form(command: type[Command]) -> str:
    """The same, but with a * for `on` and `store`, and without what is said once of all that have it."""
    hidden = (*_ASKED, *(_STORED if issubclass(command, Stored) else ()))
    shown = _form(command, [field for field in msgspec.structs.fields(command) if field.name not in hidden])
    return f"{shown}*" if issubclass(command, Stored) else shown


_STORED = ("on", "store")
_ASKED = ("schema", "model", "children")  # of sub-models


def _form(command: type[Command], fields: Sequence[msgspec.structs.FieldInfo]) -> str:
    shown = "".join(f', "{field.name}"{"" if field.required else "?"}: {_type_name(field.type)}' for field in fields)
    return f'{{"op": "{command.__struct_config__.tag}"{shown}}}'


def _type_name(type_: Any) -> str:
    names = {str: "text", int: "number", bool: "true or false", dict: "object", Value: "any value"}
    type_ = dict if getattr(type_, "__origin__", None) is dict else type_
    options: tuple[Any, ...] = getattr(type_, "__args__", ())
    if options and isinstance(options[0], str):
        return " or ".join(f'"{option}"' for option in options)
    return names.get(type_) or _type_name(options[0])
