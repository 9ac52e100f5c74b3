"""Replies that have to fit a JSON Schema: what a model is told of it, and the JSON in what it says."""

import json
import re
from typing import Any

_FENCED = re.compile(r"```[^\n`]*\n(.*?)```", re.DOTALL)
_DEFINED = ("$defs", "definitions")


def form(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema as a reply is held to it: an object, which servers want. Any other value stands in its field `value`."""
    if schema.get("type") == "object":
        return schema
    value = {name: each for name, each in schema.items() if name not in _DEFINED}
    defined = {name: schema[name] for name in _DEFINED if name in schema}
    return {"type": "object", "properties": {"value": value}, "required": ["value"], "additionalProperties": False} | defined


def instruction(held_to: dict[str, Any]) -> str:
    """Behind a prompt: a server may not hold a reply to it, and a model that knows it does better."""
    return f"Reply with JSON alone that fits this JSON Schema:\n{json.dumps(held_to, ensure_ascii=False)}"


def again(wrong: str) -> str:
    """After a reply that does not fit."""
    return f"That reply was not taken: {wrong}. Reply again, with JSON alone that fits the JSON Schema."


def told(schema: dict[str, Any]) -> str:
    """With the question: what the answer has to be."""
    return (
        "The answer is taken only as a value that fits this JSON Schema (not its text): "
        f"{json.dumps(schema, ensure_ascii=False)}"
    )


def refused(wrong: str) -> str:
    """After an answer that does not fit."""
    return f"The answer was not taken, as it does not fit the JSON Schema of the question: {wrong}. Mend it, and answer again."


CUT = "it was cut off at its token limit: be shorter"


def json_in(reply: str) -> str:
    """What of a reply should be its JSON: without thinking, a fence, words around it."""
    text = reply.rpartition("</think>")[2].strip()
    if text[:1] in ("{", "["):
        return text
    if fenced := _FENCED.findall(text):
        return str(fenced[-1]).strip()
    start = min((place for place in map(text.find, "{[") if place >= 0), default=-1)
    end = max(map(text.rfind, "}]"))
    return text[start : end + 1] if 0 <= start < end else text
