"""What is taken of a JSON Schema that a model or a caller wrote, and whether a value fits it."""

import json
import time

import pytest

from orchestrator.errors import InvalidRequest
from orchestrator.runs.fitting import Misfit, fit
from orchestrator.runs.schemas import check

TREE = {
    "$defs": {"node": {"type": "object", "properties": {"children": {"type": "array", "items": {"$ref": "#/$defs/node"}}}}},
    "$ref": "#/$defs/node",
}
DEEP = {"type": "string"}
for _ in range(31):
    DEEP = {"items": DEEP}


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ({"type": "string", "pattern": "(a+)+b"}, "pattern: no pattern is run here; use enum, const, minLength and maxLength, or look at the value in code"),
        ({"items": {"patternProperties": {}}}, "patternProperties: no pattern is run here; use enum, const, minLength and maxLength, or look at the value in code"),
        ({"format": "regex"}, "format: 'regex' is not checked here; there are date, time, date-time, uuid"),
        ({"$ref": "https://host/schema"}, "$ref: 'https://host/schema' is not there: it must be #/$defs/NAME of the same schema, nothing is fetched"),
        ({"$ref": "#"}, "$ref: '#' is not there: it must be #/$defs/NAME of the same schema, nothing is fetched"),
        ({"$ref": "#/$defs/a%2Fb", "$defs": {"a%2Fb": {}}}, "$ref: '#/$defs/a%2Fb' is not there: it must be #/$defs/NAME of the same schema, nothing is fetched"),
        ({"$ref": "#/$defs/a/b", "$defs": {"a/b": {}}}, "$ref: '#/$defs/a/b' is not there: it must be #/$defs/NAME of the same schema, nothing is fetched"),
        ({"$id": "https://host/", "type": "object"}, "'$id' is not taken, or not of that form"),
        ({"properties": {"a": {"$schema": "http://json-schema.org/draft-03/schema"}}}, "'$schema' is not taken, or not of that form"),
        ({"name": "string"}, "'name' is not taken, or not of that form; the fields of an object are its \"properties\""),
        ({"$dynamicRef": "#a"}, "'$dynamicRef' is not taken, or not of that form"),
        ({"allOf": [{"$ref": "#/$defs/a"}], "$defs": {"a": {"anyOf": [{"$ref": "#/$defs/b"}]}, "b": {"not": {"$ref": "#/$defs/a"}}}}, "$ref: #/$defs/a leads back to itself without an item or a property between"),
        ({"type": "text"}, "at $.type: 'text' is not valid under any of the given schemas"),
        ({"enum": ["x" * 20_000]}, "as JSON it has 20013 characters; 20000 is the limit"),
        (DEEP, "more than 30 schemas are in each other"),
        ({"anyOf": [{}] * 300}, "it has 301 schemas in it; 300 is the limit"),
        (["string"], 'it must be an object, such as {"type": "string"}'),
        ({"items": "string"}, "each schema in it must be an object, true or false"),
        ({"enum": {1, 2}, "default": object()}, None),
    ],
)  # fmt: skip
def test_what_cannot_be_held_to_is_refused(schema, reason):
    """With the place, and what to do."""
    with pytest.raises(InvalidRequest) as error:
        check(schema, "schema")
    assert str(error.value) == f"schema: {reason}" if reason else str(error.value).startswith("schema: it is no JSON: ")


@pytest.mark.parametrize(
    "schema",
    [
        TREE,
        {"properties": {"pattern": {"type": "string"}, "$ref": {}}},
        {"enum": [{"pattern": "a"}]},
        {"type": ["string", "null"]},
    ],
)
def test_what_only_looks_like_it_is_taken(schema):
    """A tree goes down at each step, a property may have any name, and an enum has values."""
    check(schema, "schema")


@pytest.mark.parametrize(
    ("schema", "text", "value"),
    [
        ({"type": "integer"}, "5.0", 5.0),
        (TREE, '{"children": [{"children": []}]}', {"children": [{"children": []}]}),
        ({"type": "array", "uniqueItems": True}, "[1, true]", [1, True]),
        ({"format": "date-time"}, '"2024-01-01T00:00:00Z"', "2024-01-01T00:00:00Z"),
    ],
)
async def test_a_value_that_fits_is_given_as_it_is(schema, text, value):
    """Unchanged."""
    assert await fit(schema, text) == value


@pytest.mark.parametrize(
    ("schema", "text", "wrong"),
    [
        ({"type": "array", "items": {"type": "string"}}, '["a", 5]', "at $[1]: 5 is not of type 'string'"),
        ({"type": "string"}, "{'a': 1}", "it is not valid JSON: JSON is malformed: object keys must be strings (byte 1)"),
        ({"enum": ["yes", "no"]}, '"maybe"', "at $: 'maybe' is not one of ['yes', 'no']"),
        ({"type": "string"}, json.dumps({"a": "x" * 10**6}), "at $: an object is not of type 'string'"),
        ({"maxLength": 3}, json.dumps("x" * 10**6), "at $: a text of 1000000 characters is too long"),
        ({"type": "array", "uniqueItems": True}, "[1, 1.0]", "at $: [1, 1] has the same item twice"),
        ({"format": "date"}, '"2024-13-01"', "at $: '2024-13-01' is not a 'date'"),
        ({"format": "uuid"}, '"x"', "at $: 'x' is not a 'uuid'"),
        ({"multipleOf": 0.5}, "1e999", "it is not valid JSON: Number out of range"),
        ({}, "[" * 5000 + "]" * 5000, "it is nested too deeply, or has too large a number"),
        ({}, "[" + "0," * 200_000 + "0]", "it has more than 100000 values"),
    ],
)  # fmt: skip
async def test_a_value_that_does_not_fit_is_told_why(schema, text, wrong):
    """In a few words, however large it is."""
    with pytest.raises(Misfit) as error:
        await fit(schema, text)
    assert str(error.value) == wrong


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({"$ref": "#/$defs/a0", "$defs": {f"a{n}": {"allOf": [{"$ref": f"#/$defs/a{n + 1}"}] * 2} for n in range(60)} | {"a60": {}}}, "1"),
        ({"items": {"anyOf": [*({"enum": [n]} for n in range(250)), {}]}}, json.dumps([["x" * 90] * 4] * 20_000)),
    ],
)  # fmt: skip
async def test_how_much_work_it_makes_is_bounded(schema, text):
    """Whatever the schema makes of the value."""
    check(schema, "schema")
    began = time.process_time()
    with pytest.raises(Misfit) as error:
        await fit(schema, text)
    assert str(error.value) == "to see whether it fits takes too long: it is too large for such a schema"
    assert time.process_time() - began < 30


async def test_many_items_are_compared_by_what_they_are():
    """Not each with each other one."""
    items = [{"n": n} for n in range(30_000)]
    assert await fit({"type": "array", "uniqueItems": True}, json.dumps(items)) == items
