"""Types as JSON Schemas, and values of them, in the sandbox."""

import json

import msgspec
import pytest

from orchestrator.runs.schemas import check
from orchestrator.sandbox.messages import SubReply

DEFINED = """
from dataclasses import dataclass, field
from enum import Enum
from typing import Annotated, Any, Literal, NotRequired, Optional, TypedDict
class Color(Enum):
    RED = "red"
    BLUE = "blue"
class Movie(TypedDict):
    title: str
    year: NotRequired[int]
@dataclass
class Point:
    x: int
    y: float = 0.5
    names: list[str] = field(default_factory=list)
@dataclass
class Line:
    start: Point
    color: "Color"
@dataclass
class Tree:
    children: "list[Tree]"
"""
POINT = {
    "type": "object",
    "properties": {"x": {"type": "integer"}, "y": {"type": "number"}, "names": {"type": "array", "items": {"type": "string"}}},
    "required": ["x"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("kind", "schema", "came", "value"),
    [
        ("str", {"type": "string"}, "a", "'a'"),
        ("int", {"type": "integer"}, 5, "5"),
        ("int", {"type": "integer"}, 5.0, "5"),
        ("float", {"type": "number"}, 5, "5.0"),
        ("bool", {"type": "boolean"}, True, "True"),
        ("list", {"type": "array"}, [1, "a"], "[1, 'a']"),
        ("Any", {}, {"a": None}, "{'a': None}"),
        ("list[str]", {"type": "array", "items": {"type": "string"}}, ["a"], "['a']"),
        ("dict[str, int]", {"type": "object", "additionalProperties": {"type": "integer"}}, {"a": 1}, "{'a': 1}"),
        ("Literal['a', 1]", {"enum": ["a", 1]}, 1, "1"),
        ("Optional[int]", {"anyOf": [{"type": "integer"}, {"type": "null"}]}, None, "None"),
        ("int | list[bool]", {"anyOf": [{"type": "integer"}, {"type": "array", "items": {"type": "boolean"}}]}, [True], "[True]"),
        ("Annotated[int, 'years']", {"type": "integer"}, 3, "3"),
        ("Color", {"enum": ["red", "blue"]}, "red", "<Color.RED: 'red'>"),
        (
            "Movie",
            {"type": "object", "properties": {"title": {"type": "string"}, "year": {"type": "integer"}}, "required": ["title"], "additionalProperties": False},
            {"title": "M"},
            "{'title': 'M'}",
        ),
        ("Point", POINT, {"x": 1}, "Point(x=1, y=0.5, names=[])"),
        (
            "list[Line]",
            {"type": "array", "items": {"type": "object", "properties": {"start": POINT, "color": {"enum": ["red", "blue"]}}, "required": ["start", "color"], "additionalProperties": False}},
            [{"start": {"x": 1, "y": 2}, "color": "blue"}],
            "[Line(start=Point(x=1, y=2.0, names=[]), color=<Color.BLUE: 'blue'>)]",
        ),
        ("{'type': 'string', 'title': 'a\\ud800'}", {"type": "string", "title": "a\\ud800"}, "x", "'x'"),
    ],
)  # fmt: skip
async def test_a_type_is_a_schema_and_back(new_notebook, kind, schema, came, value):
    """The schema is one that the host takes; the value has the type."""
    asked = []

    async def ask(prompts):
        return [SubReply(text=json.dumps(came))]

    notebook = new_notebook(ask=ask)
    answer = notebook.answer

    async def keep(call):
        asked.append(call.prompts[0].manner.schema)
        return await answer(call)

    notebook.answer = keep
    outcome = await notebook.run_cell(1, f"{DEFINED}\nprint(repr(llm_query('q', schema={kind})))")
    assert (outcome.error, outcome.head, asked) == (None, f"{value}\n", [schema])
    check(msgspec.json.decode(msgspec.json.encode(schema)), "schema")


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("Tree", "TypeError: schema: Tree holds itself: write a JSON Schema with $defs and $ref instead"),
        ("dict[int, str]", "TypeError: schema: the keys of a dict are str in JSON: dict[str, ...]"),
        (
            "{'name': str}",
            'TypeError: schema: <class \'str\'> is no JSON: a dict is a JSON Schema, as {"type": "integer"}; '
            "or give a type, or a dataclass",
        ),
        ("Literal[b'a']", "TypeError: schema: the values of a Literal or an Enum must be texts, numbers, True, False or None"),
    ],
)
async def test_what_is_no_schema_is_told(failure, kind, error):
    """With what to do."""
    assert await failure(f"{DEFINED}\nllm_query('q', schema={kind})") == error


async def test_a_batch_that_partly_fails_has_the_values_of_the_others(run_cells):
    """In .results, or in the list itself."""

    async def ask(prompts):
        return [SubReply(error="m: no") if prompt == "bad" else SubReply(text="5") for prompt in prompts]

    cell = (
        "try:\n    llm_batch(['a', 'bad'], schema=int)\nexcept LLMError as error:\n    print(error.results)\n"
        "print(llm_batch(['a', 'bad'], schema=int, on_error='return'))"
    )
    assert (await run_cells(cell, ask=ask)).head == "[5, None]\n[5, LLMError('m: no')]\n"


async def test_values_are_counted_by_what_they_are(run_cells):
    """A consensus over values."""

    async def ask(prompts):
        return [SubReply(text=text) for text in ("5", "5", "6")]

    assert (await run_cells("consensus_check('q', schema=int)", ask=ask)).head == f"{(5, 2 / 3)}\n"
