"""Of how many rows a limit left the first."""

from typing import Any

from . import calls, patterns

# Arguments of a query that have nothing to do with which rows there are.
_ALL = {"order_by": None, "descending": False, "limit": None}
_FORM = {"csv": {"delimiter": None, "header": None, "skip": None}, "json": {}}


def total(function: str, args: dict[str, Any], text: Any) -> int:
    """How many rows a function of a module has for these arguments without their limit."""
    module, _, name = function.partition(".")
    if module == "regex":
        return _matches(name, args, text)
    form = {each: args.get(each, default) for each, default in _FORM[module].items()}
    asked = {"by": None, "values": None, "where": args.get("where"), "together": False, **_ALL, **form}
    if name == "aggregate":
        asked |= {each: args[each] for each in ("by", "values", "together") if each in args}
        return len(calls.unpacked(calls.run(module, name, asked, text), "rows"))
    # In JSON the columns say how often a row is repeated.
    columns = [*(args.get("columns") or []), *([args["order_by"]] if args.get("order_by") else [])]
    asked["values"] = {"rows": ["count"]} | {f"{place}": ["count", column] for place, column in enumerate(columns)}
    [row] = calls.unpacked(calls.run(module, "aggregate", asked | {"together": True}, text), "rows")
    return int(row["rows"])


def _matches(name: str, args: dict[str, Any], text: Any) -> int:
    flags = {each: args.get(each, False) for each in ("ignore_case", "multi_line")}
    if name == "lines":
        asked = patterns.regex_arguments(name, {"pattern": args["pattern"], "ignore_case": flags["ignore_case"]}, text)
        return int(calls.run("regex", "count_lines", asked | {"limit": None}, text))
    return int(calls.run("regex", "count", patterns.regex_arguments(name, {"pattern": args["pattern"]} | flags, text), text))
