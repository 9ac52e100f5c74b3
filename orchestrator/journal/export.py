"""A run as one Python script that a person can read, and run in plain CPython: its cells, with the journal's answers.

The script holds what models wrote: read it before you run it, it is not sandboxed.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from orchestrator.errors import JournalError
from orchestrator.journal.events import AnyEvent, CellFinished, CellRolledBack, CellStarted, HostCalled, run_started

_HEAD = '''"""Run {run_id}, exported. {cells} cells; the answers of sub-models are those of its journal.

Question: {query}

    python3 SCRIPT CONTEXT    (the file, or all files and folders, that the run was about; in UTF-8, not packed)

It runs in plain CPython, outside any sandbox: read it first. Helpers of the sandbox other than those below are not here,
and the value of a cell's last expression is not printed.
"""

import collections
import dataclasses
import enum
import itertools
import json
import math
import re
import sys
import typing
from collections import Counter, defaultdict

{context}


class LLMError(Exception):
    """A sub-call failed; `results` has the answers of the others."""

    results: list = []


class BudgetError(Exception):
    """No sub-calls were left."""


CALLS = iter({calls})


def made(kind, value):
    """The value of that type, of its JSON."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is list:
        return [made(arguments[0], each) for each in value]
    if origin is dict:
        return {{name: made(arguments[1], each) for name, each in value.items()}}
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        return kind(**{{name: made(hints[name], each) for name, each in value.items()}})
    return kind(value) if isinstance(kind, type) and issubclass(kind, (enum.Enum, float)) else value


def llm_batch(prompts, on_error="raise", *, schema=None, **asked):
    """The next answers of the journal, in its order."""
    result, error = next(CALLS)
    if error:
        kinds = {{"BudgetError": BudgetError, "ValueError": ValueError, "TypeError": TypeError}}
        raise kinds.get(error["type"], LLMError)(error["message"])
    values = [each.get("text") for each in result]
    if schema is not None:
        values = [None if each is None else made(schema, json.loads(each)) for each in values]
    failures = [each["error"] for each in result if "error" in each]
    if failures and on_error == "raise":
        failure = LLMError("; ".join(failures))
        failure.results = values
        raise failure
    return [LLMError(each["error"]) if "error" in each else value for each, value in zip(result, values)]


def llm_query(prompt, text=None, system=None, schema=None, model=None, max_tokens=None):
    return llm_batch([prompt], schema=schema)[0]


class ModuleError(RuntimeError):
    """A module had no result."""


MODULE_CALLS = iter({module_calls})


class Modules:
    """modules.NAME.FUNCTION(...): the next answer of the journal, whatever the arguments."""

    def __getattr__(self, name):
        return Modules()

    def __call__(self, *arguments, **named):
        result, error = next(MODULE_CALLS)
        if error:
            raise ModuleError(error["message"])
        if isinstance(result, dict) and "broken" in result and len(result) == 2:
            return result.get("rows", result.get("value"))
        return result


modules = Modules()


def FINAL(value):
    print("ANSWER:", value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=repr))


def FINAL_VAR(variable):
    FINAL(globals().get(variable, variable) if isinstance(variable, str) else variable)


answer = {{"content": "", "ready": False}}
'''

_CONTEXTS = {
    "text": 'context = open(sys.argv[1], encoding="utf-8-sig", newline="").read()',
    "documents": """import pathlib


def texts(name):
    \"\"\"Of a file; of a folder those of its files that are neither hidden nor binary.\"\"\"
    if name.is_file():
        yield name.read_bytes().decode("utf-8-sig")
    for path in sorted(name.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(name).parts)
        try:
            text = "\\0" if hidden or not path.is_file() else path.read_bytes().decode("utf-8-sig")
        except UnicodeDecodeError:
            continue
        if "\\0" not in text:
            yield text


context = [text for name in sys.argv[1:] for text in texts(pathlib.Path(name))]""",
    "json": 'context = json.load(open(sys.argv[1], encoding="utf-8"))',
    "messages": 'context = json.load(open(sys.argv[1], encoding="utf-8"))',
}


def script(events: Sequence[AnyEvent]) -> str:
    """The whole script. Raises JournalError if a cell is a list of commands, which plain Python does not have."""
    started = run_started(events)
    rolled_back = {event.cell: event.message for event in events if isinstance(event, CellRolledBack)}
    cells = [event for event in events if isinstance(event, CellStarted)]
    calls: dict[str, list[Any]] = {"llm_query": [], "module": []}
    for event in events:
        if isinstance(event, HostCalled) and event.call.name in calls and event.cell not in rolled_back:
            call = event.call
            calls[call.name].append((msgspec.json.decode(call.result), msgspec.to_builtins(call.error)))
    head = _HEAD.format(
        run_id=_escape(started.run_id),
        cells=len(cells),
        query=_escape(started.query),
        context=_CONTEXTS[started.context_kind],
        calls=ascii(calls["llm_query"]),
        module_calls=ascii(calls["module"]),
    )
    errors = {event.cell: event.error for event in events if isinstance(event, CellFinished) and event.error}
    return head + "".join("\n\n" + "\n".join(_cell(cell, rolled_back, errors)) + "\n" for cell in cells)


def _escape(text: str) -> str:
    """As it may stand in a docstring: no three quotes in a row, and no escape that Python would undo."""
    return json.dumps(text)[1:-1].replace("\\", "\\\\")


def _cell(cell: CellStarted, rolled_back: dict[int, str], errors: dict[int, str]) -> Iterator[str]:
    if cell.kind == "commands":
        raise JournalError(f"cell {cell.cell} (turn {cell.turn}): JSON commands are no Python; export --commands lists them")
    yield f"# Cell {cell.cell}, turn {cell.turn}"
    if cell.cell in rolled_back:
        # splitlines: Python ends a line at more than \n, and what follows would be code.
        yield from (f"# {line}" for line in f"It was rolled back: {rolled_back[cell.cell]}\n{cell.code}".splitlines())
    elif cell.cell in errors:
        last = next(line for line in reversed(errors[cell.cell].splitlines()) if not line.startswith("("))
        yield "try:"
        yield f"    exec({cell.code!r}, globals())"
        yield f"except BaseException as error:  # in the run: {last!a}"
        yield '    print(f"{type(error).__name__}: {error}")'
    else:
        yield cell.code
