"""What a root model is shown of a context before it looks itself: the kind, the size, the beginning."""

import itertools
from typing import Literal

import msgspec

from orchestrator.contexts.context import Context

Form = Literal["plain", "csv", "json"]  # what a text, or the first document, looks like

HEAD = 600  # code points of the beginning that are shown
LISTED = 5  # documents that are named
_MOST_WHOLE = 20  # documents that are shown as a whole
_NAME = 100  # code points of a name that are shown
_LOOKED_AT = 4000  # code points that say what a text looks like
_LINES = 5  # whole lines of them


def preview(context: Context) -> str:
    """A few lines."""
    what, rows = _what(context), []
    if context.kind == "documents":
        if len(whole := _whole_documents(context)) > 1:
            are = "These are all of them" if len(whole) == context.count else f"These are the first {len(whole)}"
            return "\n".join([what, f"{are}:", "-----", *whole, "-----"])
        rows = [_row(number, *each) for number, each in enumerate(context.documents(0, min(LISTED, context.count)))]
    return "\n".join([what, *rows, _beginning(context)])


def form_of(context: Context) -> Form:
    """By its first lines."""
    if context.kind in ("json", "messages"):
        return "json"
    lines = [line for line in context.read(0, 0, _LOOKED_AT).split("\n")[:-1] if line.strip()][:_LINES]
    if lines and all(map(_is_json, lines)):
        return "json"
    return "csv" if len(lines) >= 3 and any(_has_columns(lines, delimiter) for delimiter in ",;\t|") else "plain"


def _what(context: Context) -> str:
    length = f"{context.length:,} characters"
    match context.kind:
        case "text":
            return f"`context` is a str of {length}."
        case "documents":
            named = context.documents(0, 1)[0][0] is not None
            names = "; `context.names` has their names" if named else ""
            return f"`context` is a list of {context.count:,} documents (str), {length} in all{names}."
        case "messages":
            return f'`context` is a chat: a list of {{"role", "content"}}, {length} as JSON.'
    kinds = {"{": "a dict", "[": "a list"}
    return f"`context` is a parsed JSON value, {kinds.get(context.read(0, 0, 1), 'a scalar')}, {length} as JSON."


def _whole_documents(context: Context) -> list[str]:
    """Short ones, as many as fit where the beginning of a long one would stand."""
    shown: list[str] = []
    room = HEAD
    for number, (name, length) in enumerate(context.documents(0, min(_MOST_WHOLE, context.count))):
        if length > room:
            break
        shown.append(f"{_mark(number, name)}{':' if name is not None else ''} {context.read(number, 0, length)}")
        room -= len(shown[-1]) + 1
    return shown


def _row(number: int, name: str | None, length: int) -> str:
    return f"{_mark(number, name)}, {length:,} characters"


def _mark(number: int, name: str | None) -> str:
    return f"[{number}]" if name is None else f"[{number}] {msgspec.json.encode(name[:_NAME]).decode()}"


def _beginning(context: Context) -> str:
    """Cut at the end of a line, if there is one in its second half."""
    head = context.read(0, 0, HEAD)
    of = " the first" if context.kind == "documents" and context.count > 1 else " it"
    if len(head) < HEAD:
        return f"This is all of{of}:\n-----\n{head}\n-----"
    line_end = head.rfind("\n", HEAD // 2)
    head = head[:line_end] if line_end > 0 else head
    return f"The first {len(head)} characters of{of}:\n-----\n{head}\n-----"


def _is_json(line: str) -> bool:
    try:
        return isinstance(msgspec.json.decode(line), dict | list)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return False


def _has_columns(lines: list[str], delimiter: str) -> bool:
    # A space behind each: the commas of sentences.
    if delimiter in ",;" and all(line.count(delimiter) == line.count(f"{delimiter} ") for line in lines):
        return False
    counts = [line.count(delimiter) for line in lines]
    return counts[0] > 0 and all(first == second for first, second in itertools.pairwise(counts))
