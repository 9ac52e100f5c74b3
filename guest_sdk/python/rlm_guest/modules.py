"""`modules`: precompiled WebAssembly that the host runs over the whole context, or over a `str` of the cell."""

import functools
import inspect
import re
from collections.abc import Callable
from typing import Any

from . import arguments as checking
from . import left_out, patterns
from .calls import run, unpacked

# Patterns that the module text has names for.
TERMS = ("proper_nouns", "titles", "all_caps")

Row = dict[str, Any]
Where = list[list[Any]]


class Module:
    """One module; each method that is a `module_function` is one of its functions."""

    name = ""

    def _ask(self, function: str, arguments: dict[str, Any], text: Any) -> Any:
        """What a call of the function comes to."""
        return run(self.name, function, arguments, text)


def module_function(stub: Callable[..., Any]) -> Callable[..., Any]:
    """A function that the host runs: the stub has its signature, with `text` at the end, and its docstring, but no body."""
    signature = inspect.signature(stub)

    @functools.wraps(stub)
    def call(module: Module, /, *positional: Any, **named: Any) -> Any:
        stub(module, *positional, **named)  # for the TypeError, which says which argument is wrong
        given = signature.bind(module, *positional, **named)
        given.apply_defaults()
        _, *arguments, (_, text) = given.arguments.items()
        checking.check(f"{module.name}.{stub.__name__}", dict(arguments))
        return module._ask(stub.__name__, dict(arguments), text)

    return call


class Regex(Module):
    """Patterns of `re`, but for look-around and backreferences. Positions are code points, lines count from 1."""

    name = "regex"

    def _ask(self, function: str, arguments: dict[str, Any], text: Any) -> Any:
        """What it means to `re`."""
        asked = patterns.regex_arguments(function, arguments, text)
        with patterns.as_written(arguments.get("pattern"), asked.get("pattern")):
            return super()._ask(function, asked, text)

    @module_function
    def count(self, pattern: str, ignore_case: bool = False, multi_line: bool = False, text: str | None = None) -> int:
        """How many matches. Patterns of `re`, in linear time; no look-around, no backreferences."""

    @module_function
    def find(
        self,
        pattern: str,
        limit: int | None = None,
        ignore_case: bool = False,
        multi_line: bool = False,
        text: str | None = None,
    ) -> list[Row]:
        """All matches: [{start, end, line (from 1), match, groups}]; of documents, document too."""

    @module_function
    def lines(self, pattern: str, limit: int | None = None, ignore_case: bool = False, text: str | None = None) -> list[Row]:
        """All lines in which the pattern is found: [{line, text}]."""

    @module_function
    def top(
        self,
        pattern: str,
        group: int = 1,
        k: int = 10,
        ignore_case: bool = False,
        multi_line: bool = False,
        text: str | None = None,
    ) -> Row:
        """The most frequent values of a group: {"distinct", "total", "top": [[value, count], ...]}."""

    @module_function
    def extract(
        self,
        pattern: str,
        limit: int | None = None,
        ignore_case: bool = False,
        multi_line: bool = False,
        text: str | None = None,
    ) -> list[list[Any]]:
        """The groups of all matches: [[group, ...], ...]; of documents, their number first."""

    @module_function
    def count_many(
        self, patterns: list[str], ignore_case: bool = False, multi_line: bool = False, text: str | None = None
    ) -> list[int]:
        """How many matches each pattern has."""


class CSV(Module):
    """Delimiter, header and the lines above it (skip) are found out, unless they are given."""

    name = "csv"

    def _ask(self, function: str, arguments: dict[str, Any], text: Any) -> Any:
        """A description as it is; of the others the rows, while the lines that were taken for titles are printed."""
        answer = super()._ask(function, arguments, text)
        if function == "describe":
            return answer
        left_out.print_titles(answer["titles"])
        return unpacked(answer, "rows")

    @module_function
    def describe(
        self, delimiter: str | None = None, header: bool | None = None, skip: int | None = None, text: str | None = None
    ) -> Row:
        """{delimiter, skip, header, columns: [{name, type}], rows, ragged: {count, first: [{line, fields}]}}."""

    @module_function
    def select(
        self,
        columns: list[str] | None = None,
        where: Where | None = None,
        order_by: str | None = None,
        descending: bool = False,
        limit: int | None = None,
        delimiter: str | None = None,
        header: bool | None = None,
        skip: int | None = None,
        text: str | None = None,
    ) -> list[Row]:
        """Rows as dicts. where: [[column, "==" "!=" "<" "<=" ">" ">=" "contains" or "in", value], ...], all must hold."""

    @module_function
    def aggregate(
        self,
        by: list[str] | None = None,
        values: dict[str, list[str]] | None = None,
        where: Where | None = None,
        order_by: str | None = None,
        descending: bool = False,
        limit: int | None = None,
        together: bool = False,
        delimiter: str | None = None,
        header: bool | None = None,
        skip: int | None = None,
        text: str | None = None,
    ) -> list[Row]:
        """A row for each group. values: {name: [measure, column]}: count, sum, min, max, mean, distinct, p50 to p99.9.

        Of documents each has its own groups; together=True: one group over all of them.
        """


class JSON(Module):
    """Documents and JSON Lines. Columns are paths: user.address.city, items[*].price (a row for each item)."""

    name = "json"

    def _ask(self, function: str, arguments: dict[str, Any], text: Any) -> Any:
        """A description as it is; of the others what is asked for, while the lines that are not JSON are printed."""
        answer = super()._ask(function, arguments, text)
        if function == "describe":
            return answer
        left_out.print_broken(answer["broken"])
        return unpacked(answer, "value" if function == "get" else "rows")

    @module_function
    def describe(self, text: str | None = None) -> Row:
        """{format, rows, paths: [{path, types, count}], broken}."""

    @module_function
    def get(self, path: str, text: str | None = None) -> Any:
        """The value at a path; a list if the path has [*], or is looked up in each row."""

    @module_function
    def select(
        self,
        columns: list[str] | None = None,
        where: Where | None = None,
        order_by: str | None = None,
        descending: bool = False,
        limit: int | None = None,
        text: str | None = None,
    ) -> list[Row]:
        """As modules.csv.select; columns are paths: user.city, items[0].id, items[*].price (a row for each item)."""

    @module_function
    def aggregate(
        self,
        by: list[str] | None = None,
        values: dict[str, list[str]] | None = None,
        where: Where | None = None,
        order_by: str | None = None,
        descending: bool = False,
        limit: int | None = None,
        together: bool = False,
        text: str | None = None,
    ) -> list[Row]:
        """As modules.csv.aggregate, with such paths."""


class Text(Module):
    """Counts over plain text."""

    name = "text"

    def _ask(self, function: str, arguments: dict[str, Any], text: Any) -> Any:
        """In a pattern `^` and `$` are the ends of lines."""
        pattern = arguments.get("pattern")
        if pattern is None or pattern in TERMS:
            return super()._ask(function, arguments, text)
        translated = patterns.for_module(f"text.{function}", pattern, re.MULTILINE, text)
        with patterns.as_written(pattern, translated):
            return super()._ask(function, arguments | {"pattern": translated}, text)

    @module_function
    def describe(self, text: str | None = None) -> Row:
        """{characters, bytes, lines, empty_lines, words, longest_line: {line, characters}}."""

    @module_function
    def words(self, k: int = 20, text: str | None = None) -> list[list[Any]]:
        """The most frequent words, in lower case: [[word, count], ...]."""

    @module_function
    def terms(
        self,
        pattern: str = "proper_nouns",
        min_count: int = 2,
        max_terms: int = 500,
        lines: bool = False,
        text: str | None = None,
    ) -> list[Row]:
        """The most frequent terms: [{term, count, lines?}]; proper_nouns, titles, all_caps, or a regular expression."""

    @module_function
    def numbers(self, pattern: str | None = None, text: str | None = None) -> Row:
        """Of the numbers that the pattern's first group matches: {count, sum, min, max, mean, p50, p90, p95, p99}."""

    @module_function
    def histogram(self, pattern: str | None = None, bins: int = 10, text: str | None = None) -> list[Row]:
        """How many of these numbers are in each of `bins` ranges of equal width: [{from, to, count}]."""


class Modules:
    """The shipped modules, and any other that the host has: modules.NAME.FUNCTION(**arguments)."""

    def __init__(self) -> None:
        self.regex, self.csv, self.json, self.text = Regex(), CSV(), JSON(), Text()

    def __getattr__(self, name: str) -> "_Added":
        if name.startswith("_"):
            raise AttributeError(name)
        return _Added(name)

    def __repr__(self) -> str:
        return "<modules: regex, csv, json, text, and what the prompt names>"


class _Added:
    """A module that only the host knows."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, function: str) -> Callable[..., Any]:
        if function.startswith("_"):
            raise AttributeError(function)

        def call(text: str | None = None, **arguments: Any) -> Any:
            return run(self._name, function, arguments, text)

        return call


modules = Modules()


def functions() -> dict[str, Callable[..., Any]]:
    """Those of the shipped modules: {"regex.count": ..., ...}."""
    return {
        f"{module.name}.{name}": getattr(module, name)
        for module in vars(modules).values()
        for name, value in vars(type(module)).items()
        if hasattr(value, "__wrapped__")  # a module_function
    }
