"""Executes the JSON commands over the cells' variables.

The host has checked their shapes, and filled in what was left out: a command's fields and their defaults are those of
orchestrator/dialogue/commands.py, and each method here takes the fields of one.
"""

import functools
import inspect
import re
from typing import Any

from . import asking, calls, lines, modules, queries, recursion, totals
from .answers import as_text
from .errors import BudgetError, CommandError, LLMError, ModuleError
from .lazy.far import spelled
from .lazy.text import length_of
from .matching import Line, Texts, is_texts, read_text
from .names import Names, Notebook, escaped
from .showing import SHORT, is_list, show, show_rows, show_stored

LINES_STORED = 5  # lines that are shown of those that are stored
PATTERN = 200  # characters of a pattern that are shown
LEAST_ROOM = 500  # characters that each result may have, however many there are
_SILENT = ("set", "final", "final_var")
# What the errors of modules say to a cell, and to a command.
_SAID = (("in Python", "with the command python"), ("With re: ", "With the command python and import re: "))


class Commands:
    """Runs commands, one method each."""

    def __init__(self, notebook: Notebook) -> None:
        self._notebook = notebook
        self._answers = notebook.answers
        self._names = Names(notebook)
        self._place = ""
        self._room = LEAST_ROOM

    def run(self, place: str, commands: list[dict[str, Any]], room: int) -> None:
        """In order, up to an answer. Their output is to fit in `room` characters.

        Raises CommandError at the first that fails, what Python raises at a block of it.
        """
        for number, command in enumerate(commands, 1):
            left = room - self._notebook.printed
            # What those before it did not use is its own, too; some is left for what stands around each result.
            self._room = max(LEAST_ROOM, left // (len(commands) - number + 1) - 300)
            arguments = dict(command)
            op = arguments.pop("op")
            self._place = f"{place}, command {number}"
            name = f"command {number} ({_name(op, arguments)})"
            if len(commands) > 1 and op not in _SILENT:
                print(f"{name}:" if op != "malformed" else f"command {number}:")
            self._run_one(op, arguments, name)
            if self._answers.recorded is not None:
                return

    def _run_one(self, op: str, arguments: dict[str, Any], name: str) -> None:
        execute = getattr(self, f"_{op}")
        if op == "python":
            execute(**arguments)
            return
        try:
            execute(**arguments)
        except MemoryError as error:
            told = str(error) or "the memory limit of the sandbox was reached: work on a part of the input"
            raise CommandError(f"{name}: {told}") from None
        except (CommandError, ModuleError, LLMError, BudgetError, TypeError, ValueError) as error:
            told = functools.reduce(lambda text, words: text.replace(*words), _SAID, str(error))
            raise CommandError(f"{name}: {told.removeprefix(f'{_name(op, arguments)}: ')}") from None

    def _malformed(self, message: str) -> None:
        print(f"Error: {message}")

    def _slice(self, start: int, end: int | None, on: str | None, store: str | None) -> None:
        value = self._names.value(on)
        value = value if is_list(value) else read_text(value)
        first, _, _ = slice(start, end).indices(length_of(value))
        self._keep(value[start:end], store, first)

    def _lines(self, start: int, end: int | None, on: str | None, store: str | None) -> None:
        value = self._names.value(on)
        items, what = is_list(value), "Items" if is_list(value) else "Lines"
        text = value if items else read_text(value)
        total = len(value) if items else lines.count(text)
        first, last, _ = slice(start, end).indices(total)
        last = max(first, last)
        print(f"[{what} {first} to {last} of {total}]")
        self._keep(value[first:last] if items else lines.between(text, first, last), store, first)

    def _find(self, text: str, invert: bool, on: str | None, store: str | None) -> None:
        texts, filled, pattern = self._texts(on), self._names.fill_text(text), self._names.fill_spelled(text)
        if invert:
            self._keep_lines(texts, texts.others(texts.holding(pattern)), f"do not hold {_short(filled)}", store)
            return
        found, what = texts.holding(pattern), f"hold {_short(filled)}"
        words = filled.casefold().split()
        if not found and len(words) > 1 and pattern == spelled(filled):
            rarest, what = texts.rarest(list(map(spelled, words))), f"hold all of {', '.join(words)}"
            found = [(place, line) for place, line in texts.holding(rarest) if all(map(line.casefold().__contains__, words))]
        self._keep_lines(texts, found, what, store)

    def _regex(self, pattern: str, invert: bool, on: str | None, store: str | None) -> None:
        texts, pattern = self._texts(on), self._names.fill_pattern(pattern)
        found = texts.matching(pattern)
        found = texts.others(found) if invert else found
        self._keep_lines(texts, found, f"{'do not match' if invert else 'match'} {_short(pattern)}", store)

    def _wasm(self, module: str, function: str, args: dict[str, Any], on: str | None, store: str | None) -> None:
        arguments = {name: self._fill_argument(name, value) for name, value in args.items()}
        text = arguments.pop("text") if "text" in arguments else self._choose_input(on)
        call = modules.functions().get(f"{module}.{function}")
        try:
            # Any other the host has, or says that it has not.
            found = call(**arguments, text=text) if call else calls.run(module, function, arguments, text)
        except TypeError as error:
            raise CommandError(_about_arguments(call, error)) from None
        if call and isinstance(found, list) and found and len(found) == arguments.get("limit"):
            print(f"[first {len(found):,} of {totals.total(f'{module}.{function}', arguments, text):,}]")
        self._keep(found, store)

    def _csv(self, function: str, args: dict[str, Any], on: str | None, store: str | None) -> None:
        self._wasm("csv", function, args, on, store)

    def _json(self, function: str, args: dict[str, Any], on: str | None, store: str | None) -> None:
        self._wasm("json", function, args, on, store)

    def _text(self, function: str, args: dict[str, Any], on: str | None, store: str | None) -> None:
        self._wasm("text", function, args, on, store)

    def _wasm_wat(self, wat: str, function: str, args: dict[str, Any], on: str | None, store: str | None) -> None:
        self._keep(calls.run_wat(wat, function, self._names.fill(args), self._choose_input(on)), store)

    def _count(self, what: str, on: str | None, store: str | None) -> None:
        text = read_text(self._names.value(on if on or what != "matches" else "last"))
        counted = {"chars": length_of, "words": lines.count_words}.get(what, lines.count)
        self._keep(counted(text), store)

    def _split(self, delimiter: str, on: str | None, store: str | None) -> None:
        delimiter = self._names.fill_text(delimiter)
        if not delimiter:
            raise CommandError("the delimiter is empty")
        parts = read_text(self._names.value(on)).split(delimiter)
        print(f"Split into {len(parts)} parts")
        self._keep(parts, store)

    def _len(self, on: str | None, store: str | None) -> None:
        value = self._names.value(on)
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
        texts, pattern = self._texts(on), self._names.fill_pattern(pattern)
        rows = texts.terms(pattern, {"min_count": min_count, "max_terms": max_terms, "lines": include_lines})
        places = texts.places(line - 1 for row in rows for line in row.get("lines", ()))
        print(f"[{len(rows)} terms that occur at least {min_count} times]")
        described = []
        for row in rows:
            where = "; ".join(texts.describe(places[line - 1]) for line in row.get("lines", ()))
            described.append(f"{row['term']} ({row['count']}){': ' + where if where else ''}")
        self._keep("\n".join(described), store)

    def _set(self, name: str, value: Any) -> None:
        self._names.assign(name, self._names.fill(value))

    def _get(self, name: str) -> None:
        self._show(self._names.value(name))

    def _print(self, value: str | None, var: str | None) -> None:
        self._show(self._names.fill(value) if value is not None else self._names.value(var or "last"))

    def _llm_query(self, prompt: str, store: str | None, schema: Any = None, model: str | None = None) -> None:
        self._keep(queries.llm_query(self._names.fill_text(prompt), schema=schema, model=model), store)

    def _llm_delegate(
        self,
        task: str,
        max_iterations: int | None,
        on: str | None,
        store: str | None,
        schema: Any = None,
        model: str | None = None,
    ) -> None:
        context = None if on is None else self._names.value(on)
        query = self._names.fill_text(task)
        self._keep(recursion.rlm_query(query, context, schema=schema, model=model, max_iterations=max_iterations), store)

    def _map(  # noqa: PLR0913, PLR0917  (the fields of the command)
        self,
        prompt: str,
        size: int | None,
        on: str | None,
        store: str | None,
        schema: Any = None,
        model: str | None = None,
        children: bool = False,
    ) -> None:
        how = asking.Asking(schema, model, children)
        self._keep(asking.map_parts(self._names, prompt, self._names.value(on), size, how), store)

    def _reduce(  # noqa: PLR0913, PLR0917  (the fields of the command)
        self,
        directive: str,
        chunk_size: int,
        overlap: int,
        on: str | None,
        store: str | None,
        schema: Any = None,
        model: str | None = None,
        children: bool = False,
    ) -> None:
        chunking, how = asking.Chunking(chunk_size, overlap), asking.Asking(schema, model, children)
        self._keep(asking.reduce_text(self._names.fill_text(directive), self._names.value(on), chunking, how), store)

    def _python(self, code: str) -> None:
        self._notebook.provide(code)
        self._notebook.execute_cell(f"<cell {self._place}>", code)

    def _final(self, answer: Any) -> None:
        self._answers.FINAL(self._names.fill(answer))

    def _final_var(self, name: str) -> None:
        self._answers.FINAL(self._names.value(name))

    def _texts(self, on: str | None) -> Texts:
        return Texts(self._names, on, self._notebook.context.kind)

    def _choose_input(self, on: str | None) -> Any:
        """What a module works on: None for the context, which the host has."""
        return None if self._names.is_context(on) else read_text(self._names.value(on))

    def _fill_argument(self, name: str, value: Any) -> Any:
        if name == "pattern" and isinstance(value, str):
            return self._names.fill_pattern(value)
        if name == "patterns" and isinstance(value, list):
            return [self._names.fill_pattern(each) if isinstance(each, str) else each for each in value]
        filled = self._names.fill(value)
        return list(map(escaped, filled)) if name == "patterns" and is_texts(filled) else filled

    def _keep(self, value: Any, store: str | None, first: int = 0) -> None:
        """Shows the result, and remembers it. `first`: what number the first of its items has."""
        self._names.last = value
        if store:
            self._names.assign(store, value)
            show_stored(value, store)
        else:
            show(value, self._room, first)

    def _keep_lines(self, texts: Texts, found: list[Line], what: str, store: str | None) -> None:
        text = "\n".join(line for _, line in found)
        stored = f", stored in {store}" if store else ""
        print(f"{len(found)} lines {what}{' (numbers from 0)' if found else ''}{stored}{':' if found else ''}")
        shown = found[:LINES_STORED] if store else found
        show_rows(((f"{texts.describe(place)}: ", line) for place, line in shown), len(found), SHORT if store else self._room)
        self._names.last = text
        if store:
            self._names.assign(store, text)

    def _show(self, value: Any) -> None:
        show(value, self._room)


def _name(op: str, arguments: dict[str, Any]) -> str:
    """As the model wrote it."""
    return f"{arguments['module']}.{arguments['function']}" if op == "wasm" else op


def _short(text: str) -> str:
    return repr(text) if len(text) <= PATTERN else f"{text[:PATTERN]!r}..."


def _about_arguments(call: Any, error: TypeError) -> str:
    """What is wrong with them, and which there are."""
    told = re.sub(r"^\w+\.\w+\(\) ", "", str(error))
    if not call:
        return told
    names = ", ".join(name for name in inspect.signature(call).parameters if name != "text")
    return f"{told}; its arguments are: {names}. {(inspect.getdoc(call) or '').splitlines()[0]}"
