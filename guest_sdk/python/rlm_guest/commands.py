"""Executes the JSON commands over the cells' variables.

The host has checked their shapes, and filled in what was left out: a command's fields and their defaults are those of
orchestrator/dialogue/commands.py, and each method here takes the fields of one.
"""

import re
from collections.abc import Callable
from typing import Any

from . import modules, queries
from .answers import Answers, as_text
from .context import LazyText
from .errors import ModuleError

PREVIEW = 5000  # code points of a result that are printed
PREVIEW_LINES = 5


class CommandError(Exception):
    """What is wrong with a command, for the model."""

    __module__ = "builtins"


class Commands:
    """Runs commands, one method each. The last result lives beside the variables, as `last`."""

    def __init__(self, variables: dict[str, Any], answers: Answers, load_context: Callable[[], None]) -> None:
        self._variables = variables
        self._answers = answers
        self._load_context = load_context
        self._last: Any = ""

    def run(self, commands: list[dict[str, Any]]) -> None:
        """In order, up to an answer. Raises CommandError, LLMError, BudgetError at the first that fails."""
        for number, command in enumerate(commands, 1):
            arguments = dict(command)
            op = arguments.pop("op")
            try:
                getattr(self, f"_{op}")(**arguments)
            except (CommandError, ModuleError) as error:
                raise CommandError(f"command {number} ({op}): {error}") from None
            if op in ("final", "final_var"):
                return

    def _malformed(self, message: str) -> None:
        print(f"Error: {message}")

    def _slice(self, start: int, end: int | None, on: str | None, store: str | None) -> None:
        self._keep(self._read_text(on)[start:end], store)

    def _lines(self, start: int, end: int | None, on: str | None, store: str | None) -> None:
        lines = split_lines(self._read_text(on))
        first, last, _ = slice(start, end).indices(len(lines))
        print(f"[Lines {first} to {max(first, last)} of {len(lines)}]")
        self._keep("\n".join(lines[first:last]), store)

    def _find(self, text: str, on: str | None, store: str | None) -> None:
        lines = [(number, line, line.casefold()) for number, line in enumerate(split_lines(self._read_text(on)))]
        found = [(number, line) for number, line, folded in lines if text.casefold() in folded]
        what = f"hold {text!r}"
        words = text.casefold().split()
        if not found and len(words) > 1:
            found = [(number, line) for number, line, folded in lines if all(word in folded for word in words)]
            what = f"hold all of {', '.join(words)}"
        self._keep_lines(found, what, store)

    def _regex(self, pattern: str, on: str | None, store: str | None) -> None:
        rows = modules.modules.regex.lines(pattern, limit=None, ignore_case=True, text=self._choose_input(on))
        self._keep_lines([(row["line"] - 1, row["text"]) for row in rows], f"match {pattern!r}", store)

    def _wasm(self, module: str, function: str, args: dict[str, Any], on: str | None, store: str | None) -> None:
        text = self._choose_input(on)
        call = modules.functions().get(f"{module}.{function}")
        try:
            # Any other the host has, or says that it has not.
            found = call(**args, text=text) if call else modules.run(module, function, args, text)
        except TypeError as error:
            raise CommandError(str(error)) from None
        self._keep(found, store)

    def _csv(self, function: str, args: dict[str, Any], on: str | None, store: str | None) -> None:
        self._wasm("csv", function, args, on, store)

    def _json(self, function: str, args: dict[str, Any], on: str | None, store: str | None) -> None:
        self._wasm("json", function, args, on, store)

    def _text(self, function: str, args: dict[str, Any], on: str | None, store: str | None) -> None:
        self._wasm("text", function, args, on, store)

    def _wasm_wat(self, wat: str, function: str, args: dict[str, Any], on: str | None, store: str | None) -> None:
        self._keep(modules.run_wat(wat, function, args, self._choose_input(on)), store)

    def _count(self, what: str, on: str | None, store: str | None) -> None:
        text = self._read_text(on if on or what != "matches" else "last")
        self._keep(len(text if what == "chars" else text.split() if what == "words" else split_lines(text)), store)

    def _split(self, delimiter: str, on: str | None, store: str | None) -> None:
        if not delimiter:
            raise CommandError("the delimiter is empty")
        parts = self._read_text(on).split(delimiter)
        print(f"Split into {len(parts)} parts")
        self._remember(parts, store)

    def _len(self, on: str | None, store: str | None) -> None:
        value = self._value(on)
        self._keep(len(value) if hasattr(value, "__len__") else len(as_text(value)), store)

    def _index_terms(
        self,
        pattern: str,
        min_count: int,
        max_terms: int,
        include_lines: bool,
        on: str | None,
        store: str | None,
    ) -> None:
        # A module numbers the lines of each document, and of JSON as it was sent: they must be those of the command `lines`.
        as_one_text = include_lines and not isinstance(self._value(on), str | LazyText)
        text = self._read_text(on) if as_one_text else self._choose_input(on)
        rows = modules.modules.text.terms(pattern, min_count, max_terms, include_lines, text)
        print(f"[{len(rows)} terms that occur at least {min_count} times]")
        self._keep("\n".join(map(_describe_term, rows)), store)

    def _set(self, name: str, value: str) -> None:
        self._variables[_plain(name)] = self._fill_in(value)

    def _get(self, name: str) -> None:
        self._show(self._value(name))

    def _print(self, value: str | None, var: str | None) -> None:
        self._show(self._fill_in(value) if value is not None else self._value(var or "last"))

    def _llm_query(self, prompt: str, store: str | None) -> None:
        self._keep(queries.llm_query(self._fill_in(prompt)), store)

    def _final(self, answer: str) -> None:
        self._answers.FINAL(self._fill_in(answer))

    def _final_var(self, name: str) -> None:
        self._answers.FINAL(self._value(name))

    def _value(self, name: str | None) -> Any:
        """A variable; the context when there is no name; the last result for `last` and `_`."""
        name = _plain(name or "context")
        if name == "context":
            self._load_context()
        if name in ("_", "last") and name not in self._variables:
            return self._last
        if name not in self._variables:
            raise CommandError(f"there is no variable {name!r}")
        return self._variables[name]

    def _read_text(self, name: str | None) -> Any:
        """A variable as a text (see _value): a list of texts is joined by line ends."""
        value = self._value(name)
        if isinstance(value, dict | int | float | bool | None):
            return as_text(value)
        if not isinstance(value, str) and all(isinstance(each, str) for each in value):
            return "\n".join(value)
        return value if isinstance(value, str) else as_text(value)

    def _choose_input(self, name: str | None) -> str | None:
        """What a module works on: None for the context, which the host has."""
        return None if _plain(name or "context") == "context" else str(self._read_text(name))

    def _fill_in(self, text: str) -> str:
        """The text with the values of the variables that it names: ${name}."""
        return re.sub(r"\$\{(\w+)\}", lambda match: as_text(self._value(match[1])), text)

    def _keep(self, value: Any, store: str | None) -> None:
        self._show(value)
        self._remember(value, store)

    def _keep_lines(self, found: list[tuple[int, str]], what: str, store: str | None) -> None:
        print(f"{len(found)} lines {what} (numbers from 0):")
        for number, line in found[:PREVIEW_LINES]:
            print(f"L{number}: {line[: PREVIEW // PREVIEW_LINES]}")
        if len(found) > PREVIEW_LINES:
            print(f"... and {len(found) - PREVIEW_LINES} more")
        self._remember("\n".join(line for _, line in found), store)

    def _remember(self, value: Any, store: str | None) -> None:
        self._last = value
        if store:
            self._variables[_plain(store)] = value

    def _show(self, value: Any) -> None:
        text = as_text(value)
        print(text if len(text) <= PREVIEW else f"{text[:PREVIEW]}\n[... {len(text) - PREVIEW} more characters]")


def split_lines(text: str) -> list[str]:
    """The lines without their ends (\\n or \\r\\n); a last empty one does not count."""
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    return [line.removesuffix("\r") for line in lines]


def _plain(name: str) -> str:
    return name.removeprefix("$")


def _describe_term(row: dict[str, Any]) -> str:
    lines = ": " + ",".join(str(line - 1) for line in row["lines"]) if "lines" in row else ""
    return f"{row['term']} ({row['count']}){lines}"
