"""What a reply of commands is held to, if a provider can constrain decoding: the commands that are taught, no other."""

import functools
from typing import Annotated, Any, Union

import msgspec
from msgspec import UNSET, Meta, UnsetType

from orchestrator.dialogue.commands import TAUGHT, Stored

MOST_COMMANDS = 20  # of a reply that is held to the schema


class Call(Stored, frozen=True, kw_only=True, tag="module.function"):
    """A function of a module, by its name: here stand the arguments of all of them. `args`: those of an added module."""

    pattern: str | UnsetType = UNSET
    patterns: list[str] | UnsetType = UNSET
    group: int | UnsetType = UNSET
    k: int | UnsetType = UNSET
    ignore_case: bool | UnsetType = UNSET
    multi_line: bool | UnsetType = UNSET
    columns: list[str] | UnsetType = UNSET
    by: list[str] | UnsetType = UNSET
    values: dict[str, list[str]] | UnsetType = UNSET
    where: list[list[Any]] | UnsetType = UNSET
    order_by: str | UnsetType = UNSET
    descending: bool | UnsetType = UNSET
    limit: int | UnsetType | None = UNSET
    delimiter: str | UnsetType = UNSET
    header: bool | UnsetType = UNSET
    skip: int | UnsetType = UNSET
    together: bool | UnsetType = UNSET
    path: str | UnsetType = UNSET
    min_count: int | UnsetType = UNSET
    max_terms: int | UnsetType = UNSET
    lines: bool | UnsetType = UNSET
    bins: int | UnsetType = UNSET
    args: dict[str, Any] | UnsetType = UNSET


class Commands(msgspec.Struct, frozen=True, omit_defaults=True):
    """A whole reply of commands. `thought` stands first, so that a model can think before it decides; it is not read."""

    commands: Annotated[list[Union[(*TAUGHT, Call)]], Meta(min_length=1, max_length=MOST_COMMANDS)]  # type: ignore[valid-type]
    thought: str | UnsetType = UNSET


@functools.cache
def schema(functions: tuple[str, ...]) -> dict[str, Any]:
    """Of the functions of these names, as "regex.top". The root stands in full: some servers want an object there."""
    [root], shared = msgspec.json.schema_components([Commands], ref_template="#/$defs/{name}")
    whole: dict[str, Any] = shared.pop(root["$ref"].rpartition("/")[2])
    whole["properties"] = {name: whole["properties"][name] for name in ("thought", "commands")}
    shared["Call"]["properties"]["op"] = {"enum": list(functions)}
    return whole | {"$defs": shared}
