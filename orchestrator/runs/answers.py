"""Answers that have to fit the schema of their question."""

import msgspec

from orchestrator.providers.messages import Schema
from orchestrator.runs.fitting import Misfit, fit


class Given(msgspec.Struct, frozen=True):
    """An answer; `is_json`: it was a value, which is written as JSON. A text may be meant as JSON too."""

    text: str
    is_json: bool = False


async def as_value(given: Given, schema: Schema) -> str:
    """The answer as JSON that fits. Raises Misfit."""
    if given.is_json:
        return _written(await fit(schema, given.text))
    try:
        return _written(await fit(schema, msgspec.json.encode(given.text).decode()))
    except Misfit as misfit:
        try:
            return _written(await fit(schema, given.text))
        except Misfit as other:
            # What is wrong with what it was meant as.
            raise (other if given.text.lstrip()[:1] in ("{", "[") else misfit) from None


def _written(value: object) -> str:
    return msgspec.json.encode(value).decode()
