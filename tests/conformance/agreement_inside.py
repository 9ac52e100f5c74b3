# Runs in the guest: what the modules answer beside what Python's own `re`, `csv` and `json` do.
import contextlib
import csv
import io
import json
import re
import warnings
from collections import Counter

warnings.simplefilter("ignore")
told = io.StringIO()


def quietly(call, **arguments):
    """What a function of a module answers; what it prints is kept."""
    with contextlib.redirect_stdout(told):
        return call(**arguments)


def regex_case(case):
    flags = re.I * case["ignore_case"] | re.M * case["multi_line"]
    try:
        wanted = re.compile(case["pattern"], flags)
    except re.PatternError:
        return "no pattern"
    given = {
        "pattern": case["pattern"],
        "ignore_case": case["ignore_case"],
        "multi_line": case["multi_line"],
        "text": case["text"],
    }
    try:
        found = modules.regex.find(**given)
        count, extracted, top = modules.regex.count(**given), modules.regex.extract(**given), modules.regex.top(**given)
    except ModuleError as error:
        return "refused" if "is not for a module" in str(error) else f"differs: {error}"
    matches = list(wanted.finditer(case["text"]))
    ours = [(each["start"], each["end"], each["match"], tuple(each["groups"])) for each in found]
    theirs = [(each.start(), each.end(), each.group(), each.groups()) for each in matches]
    groups = [list(each.groups() or (each.group(),)) for each in matches]
    firsts = Counter(each[0] for each in groups if each[0] is not None)
    tops = sorted(firsts.items(), key=lambda pair: (-pair[1], pair[0].encode()))[:10]
    same = ours == theirs and count == len(theirs) and extracted == groups and [tuple(each) for each in top["top"]] == tops
    return "agrees" if same else f"differs: {case!r}: {ours!r}, not {theirs!r}"


def lines_case(case):
    try:
        wanted = re.compile(case["pattern"], re.I * case["ignore_case"])
        found = modules.regex.lines(pattern=case["pattern"], ignore_case=case["ignore_case"], text=case["text"])
    except re.PatternError:
        return "no pattern"
    except ModuleError as error:
        return "refused" if "is not for a module" in str(error) else f"differs: {error}"
    lines = case["text"].split("\n")
    lines = [line.removesuffix("\r") for line in (lines if lines[-1] else lines[:-1])]
    theirs = [(number, line) for number, line in enumerate(lines, 1) if wanted.search(line)]
    ours = [(each["line"], each["text"]) for each in found]
    return "agrees" if ours == theirs else f"differs: {case!r}: {ours!r}, not {theirs!r}"


def means(value, text):
    """Whether a value is what a field says."""
    if value is None or isinstance(value, str):
        return (value or "") == text
    written = text.strip(" \t")
    return type(value)(written) == value and (isinstance(value, float) or written.lstrip("+-").isdigit())


def csv_case(case):
    text = case["text"].removeprefix("\ufeff")  # a BOM is passed over
    rows = [row for row in csv.reader(io.StringIO(text, newline="")) if row]
    # Python takes the rest of the text for a field whose quote is never closed.
    is_open = list(csv.reader(io.StringIO(text + "\nZ", newline="")))[-1:] != [["Z"]]
    try:
        found = quietly(modules.csv.select, header=False, delimiter=",", text=text)
    except ModuleError as error:
        return "refused" if is_open and "never closed" in str(error) else f"differs: {case!r}: {error}"
    if is_open:
        return f"differs: {case!r}: an open quote is taken"
    width = max(map(len, rows), default=0)
    whole = [row + [""] * (width - len(row)) for row in rows]
    if [len(row) for row in found] != [width] * len(rows) or not all(
        means(value, field)
        for one, row in zip(found, whole, strict=True)
        for value, field in zip(one.values(), row, strict=True)
    ):
        return f"differs: {case!r}: {found!r}, not {whole!r}"
    return csv_columns(case, whole) if width else "agrees"


def csv_columns(case, rows):
    """Groups and measures of the first column; and the table as it is found out."""
    keys = Counter(row[0] for row in rows)
    grouped = quietly(modules.csv.aggregate, by=["column1"], header=False, delimiter=",", text=case["text"])
    ours = sorted((str("" if row["column1"] is None else row["column1"]), row["count"]) for row in grouped)
    if ours != sorted(keys.items()):
        return f"differs: {case!r}: groups {ours!r}, not {keys!r}"
    firsts = [row[0] for row in rows if row[0]]
    measures = {"sum": ["sum", "column1"], "distinct": ["distinct", "column1"]}
    if all(re.fullmatch("-?(0|[1-9][0-9]*)", each) for each in firsts):
        [row] = quietly(modules.csv.aggregate, values=measures, header=False, delimiter=",", text=case["text"])
        if [row["sum"] or 0, row["distinct"]] != [sum(map(int, firsts)), len(set(firsts))]:
            return f"differs: {case!r}: {row!r}"
    told.truncate(0)
    try:
        found = quietly(modules.csv.select, delimiter=",", text=case["text"])
    except ModuleError as error:
        return "refused" if " fields, the " in str(error) else f"differs: {case!r}: {error}"
    fields = [str(value) for row in found for value in row.values() if value is not None]
    skipped = len(rows) - len(found)
    if skipped > 1 and "left out" not in told.getvalue():
        return f"differs: {case!r}: rows are lost"
    expected = [field for row in rows[skipped:] for field in row if field]
    if len(fields) != len(expected):
        return f"differs: {case!r}: {fields!r}, not {expected!r}"
    return "agrees"


def refuse_constant(name):
    raise ValueError(name)


def json_case(case):
    wanted, broken = [], []
    for number, line in enumerate(case["text"].split("\n"), 1):
        if not line.strip(" \t\r"):
            continue
        try:
            wanted.append(json.loads(line, parse_constant=refuse_constant))
        except ValueError:
            broken.append(number)
    text = case["text"]
    told.truncate(0)
    rows = quietly(modules.json.select, text=text)
    column = [row["v"] for row in quietly(modules.json.select, columns=["v"], text=text)]
    got = quietly(modules.json.get, path="v", text=text)
    named = [int(each) for each in re.findall(r"line (\d+) \(", told.getvalue())]
    members = [each if isinstance(each, dict) else {} for each in wanted]
    expected = [each if isinstance(each, dict) else {"value": each} for each in wanted]
    same = repr(rows) == repr(expected) and repr(column) == repr([each.get("v") for each in members])
    same = same and repr(got) == repr([each["v"] for each in members if "v" in each]) and named == broken[:10] * 3
    if not same:
        return f"differs: {case!r}: {rows!r} {column!r} {got!r} {named!r}, not {expected!r} {broken!r}"
    integers = [each["v"] for each in members if type(each.get("v")) is int]
    if integers and len(integers) == len([each for each in members if each.get("v") is not None]):
        measures = {"sum": ["sum", "v"], "min": ["min", "v"], "max": ["max", "v"]}
        [row] = quietly(modules.json.aggregate, values=measures, text=text)
        if [*row.values()] != [sum(integers), min(integers), max(integers)]:
            return f"differs: {case!r}: {row!r}"
    return "agrees"


CASES = {"regex": regex_case, "lines": lines_case, "csv": csv_case, "json": json_case}


def report(kind):
    print(json.dumps([CASES[kind](case)[:1500] for case in json.loads(str(context))]))
