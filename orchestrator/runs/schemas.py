"""JSON Schemas of callers and models: what is taken of one.

A schema is hostile. Nothing in it is run (a pattern) or fetched (a reference); how much it has is bounded.
"""

import functools
import graphlib
from collections.abc import Iterator
from typing import Any, NoReturn

import msgspec
from jsonschema import Draft202012Validator, exceptions

from orchestrator.errors import InvalidRequest

MOST_CHARS = 20_000  # of a schema as JSON: it is sent with each prompt
DEEPEST = 30  # schemas in each other
MOST_SCHEMAS = 300  # each is looked at before anything is sent
LONGEST = 300  # characters of what is wrong with it

_OF_ONE = {"items", "additionalProperties", "contains", "not", "if", "then", "else", "propertyNames"}
_OF_SEVERAL = {"allOf", "anyOf", "oneOf", "prefixItems"}
_BY_NAME = {"properties", "$defs", "definitions", "dependentSchemas"}
_OF_NONE = {
    *("$ref", "type", "enum", "const", "format", "required", "dependentRequired", "minProperties", "maxProperties"),
    *("minItems", "maxItems", "minContains", "maxContains", "uniqueItems", "minLength", "maxLength", "multipleOf"),
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
    *("title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly", "$comment"),
}
# What holds for the same value, not for a part of it.
_IN_PLACE = {"allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas"}
# Read by parsers (fitting.py); any other would be a pattern, or not be checked.
FORMATS = ("date", "time", "date-time", "uuid")


def check(schema: Any, name: str) -> None:
    """Before anything is sent for it; `name`: whose it is. Raises InvalidRequest."""
    try:
        text = msgspec.json.encode(schema)
    except (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError) as error:
        raise InvalidRequest(f"{name}: it is no JSON: {error}") from None
    if len(text) > MOST_CHARS:
        raise InvalidRequest(f"{name}: as JSON it has {len(text)} characters; {MOST_CHARS} is the limit")
    if wrong := _wrong_with(text):
        raise InvalidRequest(f"{name}: {wrong}")


@functools.lru_cache(maxsize=256)  # a loop of sub-calls has the same one each time
def _wrong_with(text: bytes) -> str:
    """Nothing, or the reason to refuse it."""
    schema = msgspec.json.decode(text)
    try:
        _check_root(schema)
        Draft202012Validator.check_schema(schema, format_checker=None)
    except exceptions.SchemaError as error:
        return f"at {error.json_path}: {error.message[:LONGEST]}"
    except (ValueError, RecursionError) as error:
        return str(error)
    return ""


def _refuse(reason: str) -> NoReturn:
    raise ValueError(reason)


def _check_root(schema: Any) -> None:
    if not isinstance(schema, dict):
        _refuse('it must be an object, such as {"type": "string"}')
    defined = {
        f"#/{place}/{name}": each
        for place in ("$defs", "definitions")
        if isinstance(schema.get(place), dict)
        for name, each in schema[place].items()
    }
    count = _check(schema, {name for name in defined if name.count("/") == 2 and not {"~", "%"} & set(name)}, 1)
    if count > MOST_SCHEMAS:
        _refuse(f"it has {count} schemas in it; {MOST_SCHEMAS} is the limit")
    try:
        graphlib.TopologicalSorter({name: set(_led_to(each)) for name, each in defined.items()}).prepare()
    except graphlib.CycleError as error:
        _refuse(f"$ref: {error.args[1][0]} leads back to itself without an item or a property between")


def _check(schema: Any, defined: set[str], depth: int) -> int:
    """Returns how many schemas it is, with those in it. Raises ValueError."""
    count = 1
    if isinstance(schema, bool):
        return count
    if not isinstance(schema, dict):
        _refuse("each schema in it must be an object, true or false")
    if depth > DEEPEST:
        _refuse(f"more than {DEEPEST} schemas are in each other")
    for keyword, value in schema.items():
        if keyword not in _OF_NONE:
            for each in _inner(keyword, value):
                count += _check(each, defined, depth + 1)
        elif keyword == "$ref" and value not in defined:
            _refuse(f"$ref: {value!r:.100} is not there: it must be #/$defs/NAME of the same schema, nothing is fetched")
        elif keyword == "format" and value not in FORMATS:
            _refuse(f"format: {value!r:.100} is not checked here; there are {', '.join(FORMATS)}")
    return count


def _inner(keyword: str, value: Any) -> list[Any]:
    """The schemas that a keyword has."""
    if keyword in _OF_ONE:
        return [value]
    if keyword in _OF_SEVERAL and isinstance(value, list):
        return value
    if keyword in _BY_NAME and isinstance(value, dict):
        return list(value.values())
    if keyword in ("pattern", "patternProperties"):
        _refuse(f"{keyword}: no pattern is run here; use enum, const, minLength and maxLength, or look at the value in code")
    fields = "" if keyword.startswith("$") else '; the fields of an object are its "properties"'
    _refuse(f"{keyword!r:.100} is not taken, or not of that form{fields}")


def _led_to(schema: Any) -> Iterator[str]:
    """What the same value is held to, by reference."""
    if not isinstance(schema, dict):
        return
    if isinstance(schema.get("$ref"), str):
        yield schema["$ref"]
    for keyword in _IN_PLACE & schema.keys():
        for each in _inner(keyword, schema[keyword]):
            yield from _led_to(each)
