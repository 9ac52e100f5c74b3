"""Whether a value fits a JSON Schema. Both are hostile: how much work they make is bounded, and how much is said of it."""

import asyncio
import datetime
import json
import uuid
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import msgspec
import referencing
from jsonschema import Draft202012Validator, FormatChecker, exceptions, validators

from orchestrator.providers.messages import Schema

MOST_NESTED = 100  # lists and objects in each other
MOST_VALUES = 100_000
MOST_STEPS = 300_000  # of one look: some seconds
LONGEST = 300  # characters of what is wrong
SHOWN = 100  # characters of a text in it

Keyword = Callable[[Any, Any, Any, Any], Any]


class Misfit(Exception):
    """What is wrong with a value, for the model that gave it."""


class NoJSON(Misfit):
    """It is no value at all."""


async def fit(schema: Schema, text: str) -> Any:
    """The value of a JSON text, which fits; the schema was checked (schemas.py). Raises Misfit."""
    # A thread: what is large takes its time, and other runs go on.
    return await asyncio.to_thread(_fit, schema, text)


def _fit(schema: Schema, text: str) -> Any:
    if sum(map(text.count, "[{,")) > MOST_VALUES:
        raise Misfit(f"it has more than {MOST_VALUES} values")
    try:
        value = msgspec.json.decode(text)
        _hold(schema, value)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise NoJSON(f"it is not valid JSON: {error}"[:LONGEST]) from None
    except (RecursionError, OverflowError):
        raise Misfit("it is nested too deeply, or has too large a number") from None
    return value


def _hold(schema: Schema, value: Any) -> None:
    """Raises Misfit, RecursionError, OverflowError."""
    _meter.set(_Meter())
    validator = _Validator(_quiet(schema), registry=referencing.Registry(), format_checker=_FORMATS)
    # The first one: all of them may be very many.
    wrong = exceptions.best_match(iter([error for error in [next(validator.iter_errors(_quiet(value)), None)] if error]))
    if wrong is not None:
        raise Misfit(f"at {wrong.json_path}: {wrong.message}"[:LONGEST])


class _Object(dict):  # type: ignore[type-arg]
    """Named in an error, not written out: it may be large, and there may be many errors."""

    def __repr__(self) -> str:
        return "an object"


class _List(list):  # type: ignore[type-arg]
    """The same."""

    def __repr__(self) -> str:
        is_short = len(self) <= 10 and not any(isinstance(each, list | dict) for each in self)
        return list.__repr__(self) if is_short else f"a list of {len(self)}"


class _Text(str):
    """The same."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"a text of {len(self)} characters"


def _quiet(value: Any, depth: int = 0) -> Any:
    """The same value, which is short in errors."""
    if depth > MOST_NESTED:
        raise RecursionError
    if isinstance(value, dict):
        return _Object((name, _quiet(each, depth + 1)) for name, each in value.items())
    if isinstance(value, list):
        return _List(_quiet(each, depth + 1) for each in value)
    if isinstance(value, float) and value.is_integer():
        return int(value)  # the same number
    return _Text(value) if isinstance(value, str) and len(value) > SHOWN else value


class _Meter:
    """The steps of one look."""

    def __init__(self) -> None:
        self._left = MOST_STEPS

    def spend(self, steps: int) -> None:
        self._left -= steps
        if self._left < 0:
            raise Misfit("to see whether it fits takes too long: it is too large for such a schema")


_meter: ContextVar[_Meter] = ContextVar("meter")


def _metered(keyword: Keyword) -> Keyword:
    def check(validator: Any, value: Any, instance: Any, schema: Any) -> Any:
        parts = (len(value) if isinstance(value, list | dict) else 0) + (len(instance) if isinstance(instance, dict) else 0)
        _meter.get().spend(1 + parts)
        return keyword(validator, value, instance, schema)

    return check


def _unique_items(validator: Any, unique: Any, instance: Any, schema: Any) -> Any:
    """The library compares each item with each other one."""
    if unique and isinstance(instance, list):
        texts = [json.dumps(each, sort_keys=True) for each in instance]
        _meter.get().spend(sum(map(len, texts)) // 100)
        if len(set(texts)) < len(texts):
            yield exceptions.ValidationError(f"{instance!r} has the same item twice")


_FORMATS = FormatChecker(formats=())
for _name, _parse in (
    ("date", datetime.date.fromisoformat),
    ("time", datetime.time.fromisoformat),
    ("date-time", datetime.datetime.fromisoformat),
    ("uuid", uuid.UUID),
):
    _FORMATS.checks(_name, ValueError)(lambda text, parse=_parse: not isinstance(text, str) or bool(parse(text)) or True)

_Validator = validators.extend(
    Draft202012Validator,
    {name: _metered(keyword) for name, keyword in Draft202012Validator.VALIDATORS.items()}
    | {"uniqueItems": _metered(_unique_items)},
)
