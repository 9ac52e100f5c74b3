"""Values instead of texts: the JSON Schema of a Python type, and the value of that type in what comes back."""

import dataclasses
import enum
import types
import typing
from collections.abc import Callable, Hashable
from typing import Any, Literal, NamedTuple, Union

from . import host

_PLAIN: dict[Any, tuple[str, type | tuple[type, ...]]] = {
    str: ("string", str),
    int: ("integer", int),
    float: ("number", (int, float)),
    bool: ("boolean", bool),
    type(None): ("null", type(None)),
    list: ("array", list),
    dict: ("object", dict),
}
_TAKEN = (
    "str, int, float, bool, list[...], dict[str, ...], Literal[...], Optional[...], a TypedDict, an Enum, a dataclass, or a "
    "JSON Schema (a dict)"
)


class Kind(NamedTuple):
    """What a value is held to, and how it is made of JSON. `make` raises ValueError if it is of another kind."""

    schema: dict[str, Any]
    make: Callable[[Any], Any]


def kind_of(schema: Any) -> Kind:
    """Of a type, or of a JSON Schema, whose values are as they come. Raises TypeError."""
    return Kind(_valid(schema), lambda value: value) if isinstance(schema, dict) else _of(schema, ())


def _valid(value: Any) -> Any:
    """As JSON that can leave the guest."""
    if isinstance(value, str):
        return host.valid(value)
    if isinstance(value, dict):
        return {host.valid(str(name)): _valid(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_valid(each) for each in value]
    if value is None or isinstance(value, int | float):
        return value
    raise TypeError(
        f'schema: {value!r:.100} is no JSON: a dict is a JSON Schema, as {{"type": "integer"}}; or give a type, or a dataclass'
    )


def _of(kind: Any, within: tuple[Any, ...]) -> Kind:
    kind = type(None) if kind is None else kind
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if isinstance(kind, Hashable) and (kind in _PLAIN or kind is Any):
        return _plain(kind)
    if origin in (list, dict):
        return _many(origin, arguments, within)
    if origin is Literal:
        return _one_of({each: each for each in arguments})
    if origin in (Union, types.UnionType):
        return _any_of([_of(each, within) for each in arguments])
    if origin in (typing.Required, typing.NotRequired, typing.Annotated):
        return _of(arguments[0], within)
    return _of_class(kind, within)


def _of_class(kind: Any, within: tuple[Any, ...]) -> Kind:
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return _one_of({each.value: each for each in kind})
    if typing.is_typeddict(kind) or (dataclasses.is_dataclass(kind) and isinstance(kind, type)):
        if kind in within:
            raise TypeError(f"schema: {kind.__name__} holds itself: write a JSON Schema with $defs and $ref instead")
        return _fields(kind, (*within, kind))
    raise TypeError(f"schema: {kind!r} is no type that a reply can be held to; there are {_TAKEN}")


def _plain(kind: Any) -> Kind:
    if kind is Any:
        return Kind({}, lambda value: value)
    name, types_ = _PLAIN[kind]

    def make(value: Any) -> Any:
        # 5.0 is an integer to JSON Schema; True is an int to Python, and no number to JSON.
        if kind is int and isinstance(value, float) and value.is_integer():
            return int(value)
        if not isinstance(value, types_) or (isinstance(value, bool) and kind is not bool):
            raise ValueError(f"{value!r:.100} is not {name}")
        return float(value) if kind is float else value

    return Kind({"type": name}, make)


def _many(origin: Any, arguments: tuple[Any, ...], within: tuple[Any, ...]) -> Kind:
    """A list of some kind, or a dict of texts to some kind."""
    if origin is dict and arguments[0] is not str:
        raise TypeError("schema: the keys of a dict are str in JSON: dict[str, ...]")
    each, whole = _of(arguments[-1], within), _plain(origin)

    def make(value: Any) -> Any:
        items = whole.make(value)
        return list(map(each.make, items)) if origin is list else {name: each.make(item) for name, item in items.items()}

    return Kind(whole.schema | {"items" if origin is list else "additionalProperties": each.schema}, make)


def _one_of(values: dict[Any, Any]) -> Kind:
    """By what JSON has for each."""
    if not values or not all(isinstance(each, str | int | float | None) for each in values):
        raise TypeError("schema: the values of a Literal or an Enum must be texts, numbers, True, False or None")

    def make(value: Any) -> Any:
        for given, meant in values.items():
            if value == given and isinstance(value, bool) == isinstance(given, bool):
                return meant
        raise ValueError(f"{value!r:.100} is none of them")

    return Kind({"enum": list(values)}, make)


def _any_of(kinds: list[Kind]) -> Kind:
    def make(value: Any) -> Any:
        for each in kinds:
            try:
                return each.make(value)
            except ValueError:
                continue
        raise ValueError(f"{value!r:.100} is none of them")

    return Kind({"anyOf": [each.schema for each in kinds]}, make)


def _fields(kind: Any, within: tuple[Any, ...]) -> Kind:
    """A TypedDict or a dataclass; a field with a default may be left out."""
    hints = typing.get_type_hints(kind)
    if dataclasses.is_dataclass(kind):
        fields = [each for each in dataclasses.fields(kind) if each.init]
        names = [each.name for each in fields]
        missing = dataclasses.MISSING
        required = [each.name for each in fields if each.default is missing and each.default_factory is missing]
    else:
        names, required = list(hints), sorted(kind.__required_keys__, key=list(hints).index)
    kinds = {name: _of(hints[name], within) for name in names}

    def make(value: Any) -> Any:
        if not isinstance(value, dict) or not set(required) <= value.keys() <= kinds.keys():
            raise ValueError(f"{value!r:.100} is no {kind.__name__}")
        return kind(**{name: kinds[name].make(each) for name, each in value.items()})

    properties = {name: each.schema for name, each in kinds.items()}
    return Kind({"type": "object", "properties": properties, "required": required, "additionalProperties": False}, make)
