"""Runs one cell after the other over the same variables, like a notebook, and reports each outcome."""

import ast
import builtins
import collections
import inspect
import io
import itertools
import json
import linecache
import math
import random
import re
import sys
import types
from collections.abc import Callable
from typing import Any

from . import calls, checks, chunks, errors, habits, helpers, host, modules, queries, recursion, replies, rounds, tracebacks
from .answers import Answers
from .capture import Capture
from .commands import Commands
from .context import Context
from .lazy.documents import Documents
from .lazy.text import LazyText, length_of
from .parallel import syntax, threads, waiting

habits.replace()
threads.replace()
setattr(builtins, syntax.NAME, syntax.awaited)

_HELPERS = (
    chunks.chunk_text,
    chunks.chunk_by_tokens,
    helpers.smart_truncate,
    helpers.regex_search,
    helpers.find_sections,
    helpers.keyword_filter,
    helpers.aggregate_results,
    helpers.count_frequencies,
    helpers.merge_dicts,
    helpers.recursive_split,
    rounds.map_reduce,
    replies.parse_json,
    checks.verify_answer,
    checks.consensus_check,
)
# What a cell replaced in builtins must break neither the report on it nor the next one.
_BUILTINS = vars(builtins)
_ORIGINAL_BUILTINS = dict(_BUILTINS)
# Nor must what it replaced in linecache and ast: both are used before the next one.
_LINES = linecache.cache
_parse = ast.parse
_AWAITING = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
_CONTEXT = re.compile(r"\b(?:context|input_data)\b")  # as in orchestrator/dialogue/commands.py


class Notebook:
    """The variables of a run, what is provided beside them, and the answer so far."""

    def __init__(self) -> None:
        # A module, so that what looks for the cells' names finds them: pickle, unittest, doctest, typing.
        main = sys.modules["__main__"] = types.ModuleType("__main__")
        self.variables: dict[str, Any] = vars(main)
        self.variables["__builtins__"] = builtins
        self.answers = Answers(self.variables)
        self.context = Context()
        self.commands = Commands(self)
        # What the run stands on: it is there in every cell, whatever the one before did to its name.
        self.firm: dict[str, Any] = _by_name(
            queries.llm_query,
            queries.llm_batch,
            recursion.rlm_query,
            recursion.rlm_batch,
            self.answers.FINAL,
            self.answers.FINAL_VAR,
            self.answers._next_question,
            self.SHOW_VARS,
        )
        # The name of another may become a variable of the cells' own.
        self.provided = self.firm | _by_name(
            *_HELPERS, errors.LLMError, errors.ChildError, errors.BudgetError, errors.ModuleError
        )
        self.provided["modules"] = modules.modules
        # What models use in a block in which they did not import it.
        self.provided |= _by_name(collections, itertools, json, math, re, collections.Counter, collections.defaultdict)
        # As other systems call them.
        self.provided |= {"llm_query_batched": queries.llm_batch, "query_llm": queries.llm_query}
        self.settings: dict[str, Any] = {}
        self._output = Capture(1)

    def SHOW_VARS(self) -> dict[str, str]:
        """The variables that the cells made: {name: type and size}."""
        return {
            name: _describe_value(value)
            for name, value in self.variables.items()
            if not name.startswith("_") and self.provided.get(name) is not value
        }

    def provide(self, text: str) -> None:
        """Puts back what a cell deleted or must not overwrite, and loads `context` for the first cell that names it."""
        if _CONTEXT.search(text):
            self.load_context()
        # By the names alone: to look at a value is to write its reference count, and so to its page.
        for name in sorted(self.provided.keys() - self.variables.keys()):
            self.variables[name] = self.provided[name]
        self.variables.update(self.firm)
        self.variables.setdefault("answer", {"content": "", "ready": False})

    def load_context(self) -> None:
        if "context" not in self.provided:
            made = self.context.make()
            self.provided |= {"context": made, "input_data": made}
            self.firm["context"] = made
            self.provided |= self.context.helpers()
            calls.use_context(self.provided["context"])
        for name in ("context", "input_data"):
            self.variables.setdefault(name, self.provided[name])

    @property
    def has_own_context(self) -> bool:
        """Whether `context` is the cells' own by now, not what the host has."""
        mine, provided = self.variables.get("context"), self.provided.get("context")
        return mine is not provided or getattr(mine, "is_changed", False)

    @property
    def printed(self) -> int:
        """Characters of the output so far."""
        return self._output.length

    def run(self, name: str, text: str, execute: Callable[[str, str], None]) -> dict[str, Any]:
        """One cell or list of commands: {"head", "tail", "length", "error", "answer", "answer_is_json", "draft"}."""
        capture = self._output
        capture.restart(self.settings["output_chars"])
        habits.use_output(capture)
        error = None
        try:
            waiting.start_cell()
            self.answers.forget()
            self.provide(text)
            execute(name, text)
        except BaseException as raised:
            _BUILTINS.update(_ORIGINAL_BUILTINS)
            error = tracebacks.shown(raised)
        _BUILTINS.update(_ORIGINAL_BUILTINS)
        try:
            waiting.finish_cell()
        except BaseException as raised:
            error = error or tracebacks.shown(raised)
        _BUILTINS.update(_ORIGINAL_BUILTINS)
        habits.flush_output()
        try:
            answer, draft = self.answers.take(), self.answers.draft()
        except BaseException as raised:
            answer, draft, error = None, None, error or tracebacks.shown(raised)
        return {
            "head": capture.head,
            "tail": capture.tail,
            "length": capture.length,
            "error": error,
            "answer": answer,
            "answer_is_json": self.answers.is_json,
            "draft": draft,
        }

    def execute_cell(self, name: str, code: str) -> None:
        """Runs Python; the value of a last expression is printed."""
        linecache.cache = _LINES
        _LINES[name] = (len(code), None, list(io.StringIO(code, newline=None)), name)
        tree = _parse(code, name)
        syntax.mark(tree)
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        parts = [compile(tree, name, "exec", _AWAITING)]
        if isinstance(last, ast.Expr):
            parts.append(compile(ast.Expression(last.value), name, "eval", _AWAITING))
        value = None
        if any(part.co_flags & inspect.CO_COROUTINE for part in parts):
            value = _run_in_loop(parts, self.variables)
        else:
            for part in parts:
                value = eval(part, self.variables)
        if value is not None:
            print(repr(value))

    def execute_commands(self, name: str, commands: str) -> None:
        """Runs JSON commands: {"room": characters that are seen of their output, "commands"}."""
        sent = json.loads(commands)
        self.commands.run(name.strip("<>"), sent["commands"], sent["room"])


def _run_in_loop(parts: list[types.CodeType], variables: dict[str, Any]) -> Any:
    """A cell that awaits: all of it runs in the event loop."""
    import asyncio  # noqa: F401, PLC0415  (imported when it is used; `loop` comes with it)

    from .parallel import loop  # noqa: PLC0415

    async def run() -> Any:
        value = None
        for part in parts:
            value = eval(part, variables)
            if part.co_flags & inspect.CO_COROUTINE:
                value = await value
        return value

    return loop.run_cell(run())


def _by_name(*provided: Any) -> dict[str, Any]:
    return {each.__name__: each for each in provided}


def _describe_value(value: Any) -> str:
    kind = type(value).__name__
    sized = str | bytes | list | tuple | dict | set | frozenset | LazyText | Documents
    return f"{kind} of {length_of(value)}" if isinstance(value, sized) else kind


_notebook = Notebook()


def describe() -> list[dict[str, str]]:
    """What a cell can use: [{"name", "signature", "summary"}], from the functions themselves."""
    functions = {name: value for name, value in _notebook.provided.items() if _is_function(name, value)}
    functions |= {f"modules.{name}": function for name, function in modules.functions().items()}
    return [
        {"name": name, "signature": name + _signature(each), "summary": (inspect.getdoc(each) or "").splitlines()[0]}
        for name, each in functions.items()
    ]


def _is_function(name: str, value: Any) -> bool:
    """By its own name: a synonym is understood, and not told."""
    return inspect.isroutine(value) and value.__name__ == name


def _signature(function: Any) -> str:
    """Without types; of a helper without defaults either: what may be left out ends with =, and help() says the rest."""
    signature = inspect.signature(function)
    if inspect.ismethod(function) and isinstance(function.__self__, modules.Module):
        plain = [each.replace(annotation=each.empty) for each in signature.parameters.values()]
        return str(signature.replace(parameters=plain, return_annotation=signature.empty))
    names = (each.name if each.default is each.empty else f"{each.name}=" for each in signature.parameters.values())
    return f"({', '.join(names)})"


def start(settings: dict[str, Any]) -> None:
    """Once: {"output_chars", "max_batch_chars", "max_text_chars", "context": see context.Context}."""
    _notebook.settings = settings
    _notebook.context.describe(settings["context"])
    queries.limit_batches(settings["max_batch_chars"])
    calls.limit_texts(settings["max_text_chars"])
    sys.setrecursionlimit(1000)
    habits.start()


def seed(seed: int) -> None:
    """Each run draws its own randomness."""
    random.seed(seed)


def load_context() -> bool:
    """Whether `context` could be loaded; if it could not, the cell that names it is told why."""
    try:
        _notebook.load_context()
    except Exception:
        return False
    return True


def run_cell(number: int, code: str) -> str:
    """The outcome of one cell as JSON that is valid Unicode."""
    return _report(_notebook.run(f"<cell {number}>", code, _notebook.execute_cell))


def run_commands(number: int, commands: str) -> str:
    """The outcome of a list of commands, in the form of a cell's."""
    return _report(_notebook.run(f"<commands {number}>", commands, _notebook.execute_commands))


def _report(outcome: dict[str, Any]) -> str:
    return json.dumps({key: host.valid(value) if isinstance(value, str) else value for key, value in outcome.items()})
