"""The only file that touches the raw imports: encode, call, decode, raise."""

import json
from typing import Any

import wit_world
from componentize_py_types import Err

from .errors import BudgetError, LLMError, ModuleError

# Numbers of `read` that stand for no document: all of them, one behind the other, and their names and lengths.
WHOLE = 0xFFFFFFFE
TABLE = 0xFFFFFFFF

# Bytes that a read takes: of each character as UTF-8 and then as str, and beside them.
_WIDEST = 8
_ROOM = 1 << 16

_ERRORS = {
    "LLMError": LLMError,
    "BudgetError": BudgetError,
    "ModuleError": ModuleError,
    "TypeError": TypeError,
    "ValueError": ValueError,
}


def valid(text: str) -> str:
    """Text without lone surrogates, which cannot leave the guest: each becomes its visible escape."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def call(name: str, arguments: dict[str, Any]) -> Any:
    """Ask the host. Raises the exception that the host names."""
    try:
        return json.loads(wit_world.call(name, json.dumps(arguments, ensure_ascii=False)))
    except Err as error:
        failure = json.loads(error.value)
    raise _ERRORS.get(failure["type"], RuntimeError)(failure["message"])


def read(document: int, start: int, length: int) -> str:
    """Code points [start, start + length) of one document, or of WHOLE or TABLE, cut at its end. Raises MemoryError."""
    # What the interface has no memory for is not an exception: it would end the interpreter.
    bytearray(_ROOM + _WIDEST * length)
    try:
        return wit_world.context_read(document, start, length)
    except Err as error:
        failure = json.loads(error.value)
    raise IndexError(failure["message"])
