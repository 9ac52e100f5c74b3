"""Executes the JSON commands over the cells' variables.

The host has checked their shapes, and filled in what was left out: a command's fields and their defaults are those of
orchestrator/dialogue/commands.py, and each method here takes the fields of one.
"""

import itertools
import re
from collections.abc import Iterator
from typing import Any, Protocol

from . import calls, lines, modules, patterns, queries, totals
from .answers import Answers, as_text
from .context import Context
from .errors import ModuleError
from .lazy import sizes
from .lazy.as_list import AsList
from .lazy.documents import Documents, joined
from .lazy.far import Unable, spelled
from .lazy.text import LazyText, length_of

PREVIEW = 5000  # code points of a result that are printed
PREVIEW_LINES = 5


class CommandError(Exception):
    """What is wrong with a command, for the model."""

    __module__ = "builtins"


class Notebook(Protocol):
    """What the commands work with."""

    variables: dict[str, Any]
    answers: Answers
    context: Context

    @property
    def has_own_context(self) -> bool: ...

    def load_context(self) -> None: ...


class Commands:
    """Runs commands, one method each. The last result lives beside the variables, as `last`."""

    def __init__(self, notebook: Notebook) -> None:
        self._notebook = notebook
        self._variables = notebook.variables
        self._answers = notebook.answers
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
        text = self._read_text(on)
        total = lines.count(text)
        first, last, _ = slice(start, end).indices(total)
        print(f"[Lines {first} to {max(first, last)} of {total}]")
        self._keep(lines.between(text, first, max(first, last)), store)

    def _find(self, text: str, on: str | None, store: str | None) -> None:
        found, what = self._matching(spelled(text), on), f"hold {text!r}"
        words = text.casefold().split()
        if not found and len(words) > 1:
            rarest, what = self._rarest(words, on), f"hold all of {', '.join(words)}"
            found = [
                (number, line)
                for number, line in self._matching(spelled(rarest), on)
                if all(map(line.casefold().__contains__, words))
            ]
        self._keep_lines(found, what, store)

    def _regex(self, pattern: str, on: str | None, store: str | None) -> None:
        text = None if self._host_has(on) else self._read_text(on)
        try:
            asked = patterns.translated("regex.lines", pattern, re.IGNORECASE, text)
            with patterns.as_written(pattern, asked):
                found = self._matching(asked, on, ignore_case=asked is pattern)
        except Unable:
            # A module cannot, `re` can.
            wanted = re.compile(pattern, re.IGNORECASE)
            found = [(number, line) for number, line in lines.numbered(self._read_text(on)) if wanted.search(line)]
        self._keep_lines(found, f"match {pattern!r}", store)

    def _matching(self, pattern: str, on: str | None, *, ignore_case: bool = True) -> list[tuple[int, str]]:
        """The lines that match a pattern of the module, and their numbers from 0."""
        answers = self._each("lines", {"pattern": pattern, "limit": None, "ignore_case": ignore_case}, on)
        return [(before + row["line"] - 1, row["text"]) for before, rows in answers for row in rows]

    def _rarest(self, words: list[str], on: str | None) -> str:
        arguments = {"patterns": [spelled(word) for word in words], "ignore_case": True, "multi_line": False}
        counts = [0] * len(words)
        for _, found in self._each("count_many", arguments, on):
            counts = [one + more for one, more in zip(counts, found, strict=True)]
        return words[counts.index(min(counts))]

    def _each(self, function: str, arguments: dict[str, Any], on: str | None) -> Iterator[tuple[int, Any]]:
        """What the module regex answers for each part of the text that it takes, and how many lines are before that."""
        if self._host_has(on):
            yield 0, calls.run("regex", function, arguments, None, joined=True)
            return
        text, before = self._read_text(on), 0
        for part in [text] if isinstance(text, LazyText) and text.part(0, 0) else calls.whole_lines(text):
            yield before, calls.run("regex", function, arguments, part)
            before += part.count("\n")

    def _wasm(self, module: str, function: str, args: dict[str, Any], on: str | None, store: str | None) -> None:
        text = self._choose_input(on)
        call = modules.functions().get(f"{module}.{function}")
        try:
            # Any other the host has, or says that it has not.
            found = call(**args, text=text) if call else calls.run(module, function, args, text)
        except TypeError as error:
            raise CommandError(str(error)) from None
        if call and isinstance(found, list) and found and len(found) == args.get("limit"):
            print(f"[first {len(found):,} of {totals.total(f'{module}.{function}', args, text):,}]")
        self._keep(found, store)

    def _csv(self, function: str, args: dict[str, Any], on: str | None, store: str | None) -> None:
        self._wasm("csv", function, args, on, store)

    def _json(self, function: str, args: dict[str, Any], on: str | None, store: str | None) -> None:
        self._wasm("json", function, args, on, store)

    def _text(self, function: str, args: dict[str, Any], on: str | None, store: str | None) -> None:
        self._wasm("text", function, args, on, store)

    def _wasm_wat(self, wat: str, function: str, args: dict[str, Any], on: str | None, store: str | None) -> None:
        self._keep(calls.run_wat(wat, function, args, self._choose_input(on)), store)

    def _count(self, what: str, on: str | None, store: str | None) -> None:
        text = self._read_text(on if on or what != "matches" else "last")
        counted = {"chars": length_of, "words": lines.count_words}.get(what, lines.count)
        self._keep(counted(text), store)

    def _split(self, delimiter: str, on: str | None, store: str | None) -> None:
        if not delimiter:
            raise CommandError("the delimiter is empty")
        parts = self._read_text(on).split(delimiter)
        print(f"Split into {len(parts)} parts")
        self._remember(parts, store)

    def _len(self, on: str | None, store: str | None) -> None:
        value = self._value(on)
        self._keep(length_of(value) if hasattr(value, "__len__") else len(as_text(value)), store)

    def _index_terms(
        self,
        pattern: str,
        min_count: int,
        max_terms: int,
        include_lines: bool,
        on: str | None,
        store: str | None,
    ) -> None:
        text = None if self._host_has(on) else self._read_text(on)
        asked = pattern if pattern in modules.TERMS else patterns.for_module("text.terms", pattern, re.MULTILINE, text)
        arguments = {"pattern": asked, "min_count": min_count, "max_terms": max_terms, "lines": include_lines}
        with patterns.as_written(pattern, asked):
            rows = calls.run("text", "terms", arguments, text, joined=text is None)
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
            self._notebook.load_context()
        if name in ("_", "last") and name not in self._variables:
            return self._last
        if name not in self._variables:
            raise CommandError(f"there is no variable {name!r}")
        return self._variables[name]

    def _read_text(self, name: str | None) -> Any:
        """A variable as a text (see _value): a list of texts is joined by line ends."""
        value = self._value(name)
        if isinstance(value, str | LazyText):
            return value
        if isinstance(value, Documents):
            return joined(value)
        if not _is_texts(value):
            return as_text(value)
        # A copy of many would need as much memory again.
        return "\n".join(value) if sum(map(length_of, value)) <= sizes.STR else joined(value)

    def _is_context(self, name: str | None) -> bool:
        """Whether it is what the host has."""
        return _plain(name or "context") == "context" and not self._notebook.has_own_context

    def _host_has(self, name: str | None) -> bool:
        """Whether the host has the same text as `_read_text`."""
        if not self._is_context(name):
            return False
        if self._notebook.context.kind in ("text", "documents"):
            return True
        # A JSON value: cells may have changed it, so what the host has is asked about only if it is too long to hand over.
        return not _is_texts(self._value(name)) and not calls.can_take(self._read_text(name))

    def _choose_input(self, name: str | None) -> Any:
        """What a module works on: None for the context, which the host has."""
        return None if self._is_context(name) else self._read_text(name)

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
        if isinstance(value, AsList):
            # Each takes three characters or more.
            value = list(itertools.islice(value, PREVIEW))
        text = value if isinstance(value, LazyText) else as_text(value)
        left = length_of(text) - PREVIEW
        print(text if left <= 0 else f"{text[:PREVIEW]}\n[... {left} more characters]")


def _is_texts(value: Any) -> bool:
    return not isinstance(value, dict | int | float | bool | None) and all(isinstance(each, str | LazyText) for each in value)


def _plain(name: str) -> str:
    return name.removeprefix("$")


def _describe_term(row: dict[str, Any]) -> str:
    lines = ": " + ",".join(str(line - 1) for line in row["lines"]) if "lines" in row else ""
    return f"{row['term']} ({row['count']}){lines}"
