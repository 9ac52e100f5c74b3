"""Calls of modules: what they work on, and their answers."""

import json
from collections.abc import Iterator
from typing import Any

from . import host
from .errors import ModuleError
from .lazy.text import LazyText, length_of

_context: Any = None
_max_text_chars = 0


def limit_texts(characters: int) -> None:
    """Called once, at the start: what the host takes in one call."""
    global _max_text_chars
    _max_text_chars = characters


def use_context(value: Any) -> None:
    """What text=context means: the host has it already."""
    global _context
    _context = value


def run(module: str, function: str, arguments: dict[str, Any], text: Any, *, joined: bool = False) -> Any:
    """The answer of a module's function. `joined`: documents are one text, with a line end between. Raises ModuleError."""
    asked = {"module": module, "function": function, "args": arguments}
    return host.call("module", asked | input_of(text) | ({"joined": True} if joined else {}))


def run_wat(wat: str, function: str, arguments: dict[str, Any], text: Any) -> Any:
    """The same for a module in WebAssembly's text format."""
    return host.call("wasm_wat", {"wat": wat, "function": function, "args": arguments} | input_of(text))


def unpacked(answer: dict[str, Any], name: str) -> Any:
    """What the host's JSON cannot hold, 1e400 or a half of a surrogate pair, comes as a text of Python's JSON."""
    return json.loads(answer[f"{name}_json"]) if f"{name}_json" in answer else answer[name]


def whole_lines(text: Any) -> Iterator[str]:
    """A text in parts that the host takes, each with whole lines. Raises ModuleError."""
    position, length = 0, length_of(text)
    while position < length:
        stop = position + _max_text_chars
        end = length if stop >= length else text.rfind("\n", position, stop) + 1
        if end == 0:
            raise ModuleError(f"a line has more than the {_max_text_chars} characters that a module takes: split it")
        yield str(text[position:end])
        position = end


def can_take(text: Any) -> bool:
    """Whether the host takes so long a text."""
    return length_of(text) <= _max_text_chars


def input_of(text: Any) -> dict[str, Any]:
    """What a call works on, as the host takes it; nothing for the context."""
    if text is None:
        return {}
    if text is _context:
        if getattr(text, "is_changed", False):
            raise ValueError("context was changed by a cell: without text= the module works on it as it was sent")
        return {}
    part = text.part(0, text.length) if isinstance(text, LazyText) else None
    if part is not None:
        return part
    if not isinstance(text, str | LazyText):
        raise TypeError(f"text must be a str, not {type(text).__name__}; without it the module works on the context")
    if not can_take(text):
        raise ValueError(f"text has {length_of(text)} characters, {_max_text_chars} is the limit; the context itself has none")
    return {"text": host.valid(str(text))}
