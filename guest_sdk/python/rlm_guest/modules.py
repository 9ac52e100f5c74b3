"""`modules`: precompiled WebAssembly that the host runs over the whole context, or over a `str` of the cell."""

from collections.abc import Callable
from typing import Any

from .calls import run

Row = dict[str, Any]
Where = list[list[Any]]


class Module:
    """One module; each method is one of its functions, called with the method's own arguments."""

    name = ""

    def _run(self, function: str, arguments: dict[str, Any]) -> Any:
        given = {name: value for name, value in arguments.items() if name != "self"}
        return run(self.name, function, given, given.pop("text"))


class Regex(Module):
    """Linear time, Unicode; no look-around and no backreferences. Positions are code points, lines count from 1."""

    name = "regex"

    def count(self, pattern: str, ignore_case: bool = False, multi_line: bool = False, text: str | None = None) -> int:
        """How many matches. Linear time; no look-around, no backreferences."""
        count: int = self._run("count", locals())
        return count

    def find(
        self,
        pattern: str,
        limit: int | None = 100,
        ignore_case: bool = False,
        multi_line: bool = False,
        text: str | None = None,
    ) -> list[Row]:
        """The first matches: [{start, end, line, match, groups}]."""
        rows: list[Row] = self._run("find", locals())
        return rows

    def lines(self, pattern: str, limit: int | None = 100, ignore_case: bool = False, text: str | None = None) -> list[Row]:
        """The first lines in which the pattern is found: [{line, text}]."""
        rows: list[Row] = self._run("lines", locals())
        return rows

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
        found: Row = self._run("top", locals())
        return found

    def extract(
        self,
        pattern: str,
        limit: int | None = 100,
        ignore_case: bool = False,
        multi_line: bool = False,
        text: str | None = None,
    ) -> list[list[Any]]:
        """The groups of the first matches: [[group, ...], ...]; from documents, the document's number is first."""
        rows: list[list[Any]] = self._run("extract", locals())
        return rows

    def count_many(
        self, patterns: list[str], ignore_case: bool = False, multi_line: bool = False, text: str | None = None
    ) -> list[int]:
        """How many matches each pattern has."""
        counts: list[int] = self._run("count_many", locals())
        return counts


class CSV(Module):
    """Delimiter and header are found out, unless they are given."""

    name = "csv"

    def describe(self, delimiter: str | None = None, header: bool | None = None, text: str | None = None) -> Row:
        """{delimiter, header, columns: [{name, type}], rows, ragged}."""
        found: Row = self._run("describe", locals())
        return found

    def select(
        self,
        columns: list[str] | None = None,
        where: Where | None = None,
        order_by: str | None = None,
        descending: bool = False,
        limit: int | None = 100,
        delimiter: str | None = None,
        header: bool | None = None,
        text: str | None = None,
    ) -> list[Row]:
        """Rows as dicts. where: [[column, "==" "!=" "<" "<=" ">" ">=" "contains" or "in", value], ...], all must hold."""
        rows: list[Row] = self._run("select", locals())
        return rows

    def aggregate(
        self,
        by: list[str] | None = None,
        values: dict[str, list[str]] | None = None,
        where: Where | None = None,
        order_by: str | None = None,
        descending: bool = False,
        limit: int | None = None,
        delimiter: str | None = None,
        header: bool | None = None,
        text: str | None = None,
    ) -> list[Row]:
        """A row for each group. values: {name: [measure, column]}: count, sum, min, max, mean, distinct, p50 to p99.9."""
        rows: list[Row] = self._run("aggregate", locals())
        return rows


class JSON(Module):
    """Documents and JSON Lines. Columns are paths: user.address.city, items[*].price (a row for each item)."""

    name = "json"

    def describe(self, text: str | None = None) -> Row:
        """{format, rows, paths: [{path, types, count}], broken}."""
        found: Row = self._run("describe", locals())
        return found

    def get(self, path: str, text: str | None = None) -> Any:
        """The value at a path; a list where the path has [*], or is looked up in each row."""
        return _told(self._run("get", locals()), "value")

    def select(
        self,
        columns: list[str] | None = None,
        where: Where | None = None,
        order_by: str | None = None,
        descending: bool = False,
        limit: int | None = 100,
        text: str | None = None,
    ) -> list[Row]:
        """As modules.csv.select; columns are paths: user.city, items[0].id, items[*].price (a row for each item)."""
        rows: list[Row] = _told(self._run("select", locals()), "rows")
        return rows

    def aggregate(
        self,
        by: list[str] | None = None,
        values: dict[str, list[str]] | None = None,
        where: Where | None = None,
        order_by: str | None = None,
        descending: bool = False,
        limit: int | None = None,
        text: str | None = None,
    ) -> list[Row]:
        """As modules.csv.aggregate, with such paths."""
        rows: list[Row] = _told(self._run("aggregate", locals()), "rows")
        return rows


class Text(Module):
    """Counts over plain text."""

    name = "text"

    def describe(self, text: str | None = None) -> Row:
        """{characters, bytes, lines, empty_lines, words, longest_line: {line, characters}}."""
        found: Row = self._run("describe", locals())
        return found

    def words(self, k: int = 20, text: str | None = None) -> list[list[Any]]:
        """The most frequent words, in lower case: [[word, count], ...]."""
        found: list[list[Any]] = self._run("words", locals())
        return found

    def terms(
        self,
        pattern: str = "proper_nouns",
        min_count: int = 2,
        max_terms: int = 500,
        lines: bool = False,
        text: str | None = None,
    ) -> list[Row]:
        """The most frequent terms: [{term, count, lines?}]; proper_nouns, titles, all_caps, or a regular expression."""
        found: list[Row] = self._run("terms", locals())
        return found

    def numbers(self, pattern: str | None = None, text: str | None = None) -> Row:
        """Of the numbers that the pattern's first group matches: {count, sum, min, max, mean, p50, p90, p95, p99}."""
        found: Row = self._run("numbers", locals())
        return found

    def histogram(self, pattern: str | None = None, bins: int = 10, text: str | None = None) -> list[Row]:
        """How many of these numbers are in each of `bins` ranges of equal width: [{from, to, count}]."""
        found: list[Row] = self._run("histogram", locals())
        return found


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
    shipped = vars(modules).values()
    public = [(module, name) for module in shipped for name, value in vars(type(module)).items() if callable(value)]
    return {f"{module.name}.{name}": getattr(module, name) for module, name in public}


def _told(answer: Row, name: str) -> Any:
    """What is asked for; that lines were left out is printed."""
    broken = answer.get("broken")
    if broken and broken["count"]:
        first = "; ".join(_place(each) for each in broken["first"])
        left_out = "1 broken line was" if broken["count"] == 1 else f"{broken['count']} broken lines were"
        print(f"modules.json: {left_out} left out: {first}")
    return answer[name]


def _place(broken: Row) -> str:
    document = f"document {broken['document']}, " if "document" in broken else ""
    return f"{document}line {broken['line']} ({broken['error']})"
