"""modules.csv: what a record, a type and a condition is; the same rows as Python's csv module, the same groups as DuckDB."""

import csv
import hashlib
import io
import json
import random

import duckdb
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

PIECE = 1 << 19  # bytes that the module reads at once


@pytest.fixture
def fields(ask):
    """await fields(text): every record as a list."""

    async def rows(text, more=""):
        return [list(row.values()) for row in await ask(f"modules.csv.select(header=False, delimiter=','{more})", text=text)]

    return rows


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ('"a,b",c\n', [["a,b", "c"]]),
        ('"say ""hi""",""\n', [['say "hi"', None]]),
        ('"two\nlines","two\r\nmore"\n', [["two\nlines", "two\r\nmore"]]),
        ('x"y",z"\n', [['x"y"', 'z"']]),
        ('"x"y"z",1\n', [['xy"z"', 1]]),
        ("a,b\r\nc,d\r\n", [["a", "b"], ["c", "d"]]),
        ("a,b\rc,d", [["a", "b"], ["c", "d"]]),
        ("a,b\n\n\r\nc,d\n\n", [["a", "b"], ["c", "d"]]),
        ("\ufeffa,b\n", [["a", "b"]]),
        ('\ufeff"a",b', [["a", "b"]]),
        (",\n,b\n", [[None, None], [None, "b"]]),
        ("a,b,c\nd\ne,f,g,h\n", [["a", "b", "c", None], ["d", None, None, None], ["e", "f", "g", "h"]]),
        (" a , b\n \n", [[" a ", " b"], [" ", None]]),
        ("é,日本\n😀,ß", [["é", "日本"], ["😀", "ß"]]),
        ("", []),
        ("\n\n", []),
    ],
)
async def test_records_and_fields(fields, text, rows):
    """Rows are as wide as the widest; blank lines are none; an empty field is null."""
    assert await fields(text) == rows


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
async def test_a_delimiter_is_found_out(ask, delimiter):
    """From the first records: the others may be in the fields."""
    others = "".join({",", ";", "\t", "|"} - {delimiter})
    text = f"name{delimiter}n\n" + "".join(f'"x{others}{n}"{delimiter}{n}\n' for n in range(5))
    assert await ask("modules.csv.describe()", text=text) == {
        "delimiter": delimiter, "skip": 0, "header": True, "rows": 5, "ragged": {"count": 0, "first": []},
        "columns": [{"name": "name", "type": "text"}, {"name": "n", "type": "integer"}],
    }  # fmt: skip


@pytest.mark.parametrize(("arguments", "text", "rows"), [
    ("", "a,b\n1,2\n", [{"a": 1, "b": 2}]),
    ("", "1,2\n3,4\n", [{"column1": 1, "column2": 2}, {"column1": 3, "column2": 4}]),
    ("header=True", "1,2\n3,4\n", [{"1": 3, "2": 4}]),
    ("header=False", "a,b\n1,2\n", [{"column1": "a", "column2": "b"}, {"column1": "1", "column2": "2"}]),
    ("header=True", "a,,a,a\n1,2,3,4\n", [{"a": 1, "column2": 2, "a_1": 3, "a_2": 4}]),
    ("header=True", "a,a,a_1\n1,2,3\n", [{"a": 1, "a_1": 2, "a_1_1": 3}]),
    ("", "a,\n1,2\n", [{"a": 1, "column2": 2}]), ("header=True", "\n\na\n1\n", [{"a": 1}]),
    ("delimiter=':'", "a:b\n1:x,y\n", [{"a": 1, "b": "x,y"}]), ("delimiter=' '", "a b\n1 2\n", [{"a": 1, "b": 2}]),
    ("columns=['c', 'a']", "a,b,c\n1,2,3\n", [{"c": 3, "a": 1}]),
    ("limit=0", "a\n1\n", []), ("limit=1", "a\n1\n2\n", [{"a": 1}]), ("text='a,b\\n5,6'", "x\n", [{"a": 5, "b": 6}]),
    ("header=True", "a,b\n", []),
])  # fmt: skip
async def test_header_and_form(ask, arguments, text, rows):
    """Found out, or given. A first record with a number, or with a name twice, is no header."""
    assert await ask(f"modules.csv.select({arguments})", text=text) == rows


@pytest.mark.parametrize(("values", "typed", "kind"), [
    (["1", "-2", "+3"], [1, -2, 3], "integer"),
    (["1", "2.5", ".5", "-0.0", "1e3"], [1, 2.5, 0.5, -0.0, 1000.0], "number"),
    ([" 1 ", "\t2"], [1, 2], "integer"),
    (["9223372036854775807", "9223372036854775808", "+" + "7" * 4300], [2**63 - 1, 2**63, int("7" * 4300)], "integer"),
    (["7" * 4301, "1"], ["7" * 4301, "1"], "text"),
    (["00501", "10001"], ["00501", "10001"], "text"), (["0", "0.5"], [0, 0.5], "number"),
    (["1", "x"], ["1", "x"], "text"), (["inf", "nan"], ["inf", "nan"], "text"),
    (["1e400", "1"], ["1e400", "1"], "text"), (["1_000", "0x10"], ["1_000", "0x10"], "text"),
    (["1", '""', "3"], [1, None, 3], "integer"), (['""', '""'], [None, None], "empty"),
])  # fmt: skip
async def test_values_have_the_type_of_their_column(ask, values, typed, kind):
    """What would lose something as a number stays a text."""
    text = "v\n" + "".join(f"{value}\n" for value in values)
    assert await ask("[repr(row['v']) for row in modules.csv.select(delimiter=',')]", text=text) == [
        repr(each) for each in typed
    ]
    assert await ask("modules.csv.describe(delimiter=',')['columns']", text=text) == [{"name": "v", "type": kind}]


@pytest.mark.parametrize(("call", "text", "rows"), [
    ("select(where=[['v', '==', '00501']])", "v\n" + "10001\n" * 300 + "00501\n", [{"v": "00501"}]),
    ("select(where=[['v', '>', 0]])", "w,v\n" + "x,\n" * 300 + "x,5\n", [{"w": "x", "v": 5}]),
    ("aggregate(values={'lo': ['min', 'v']})", "v\n00501\n10001\n", [{"lo": "00501"}]),
])  # fmt: skip
async def test_types_do_not_depend_on_the_place(ask, call, text, rows):
    """A code keeps its zeros, a number is one also behind empty fields."""
    assert await ask(f"modules.csv.{call}", text=text) == rows


ROWS = "n,t\n1,one\n2,Two\n10,ten\n,none\n5,\n-3,true\n"


@pytest.mark.parametrize(("conditions", "found"), [
    ([["n", "==", 2]], [2]), ([["n", "=", 2.0]], [2]), ([["n", "==", "10"]], [10]),
    ([["n", "!=", 2]], [1, 10, 5, -3]), ([["n", "<", 2]], [1, -3]), ([["n", "<=", 2]], [1, 2, -3]),
    ([["n", ">", 2]], [10, 5]), ([["n", ">=", 2.5]], [10, 5]), ([["n", "in", [1, "2", 99]]], [1, 2]),
    ([["n", "in", []]], []), ([["n", "==", None]], [None]), ([["n", "!=", None]], [1, 2, 10, 5, -3]),
    ([["n", "in", [None, 1]]], [1, None]), ([["n", "<=", None]], []), ([["n", ">", None]], []),
    ([["t", "==", "two"]], []), ([["t", "==", "Two"]], [2]), ([["t", "!=", "Two"]], [1, 10, None, -3]),
    ([["t", "==", ""]], []), ([["t", "<", "o"]], [2, None]), ([["t", ">=", "ten"]], [10, -3]),
    ([["t", "contains", "n"]], [1, 10, None]), ([["t", "contains", ""]], [1, 2, 10, None, 5, -3]),
    ([["t", "==", True]], [-3]), ([["t", ">", 0]], []), ([["n", ">", 0], ["t", "contains", "e"]], [1, 10]),
    ([], [1, 2, 10, None, 5, -3]),
])  # fmt: skip
async def test_conditions(ask, conditions, found):
    """As in SQL: null is in no relation but that with null itself."""
    assert [row["n"] for row in await ask(f"modules.csv.select(['n'], where={conditions!r})", text=ROWS)] == found


@pytest.mark.parametrize(("arguments", "found"), [
    ("order_by='n'", [-3, 1, 2, 5, 10, None]), ("order_by='n', descending=True", [10, 5, 2, 1, -3, None]),
    ("order_by='n', limit=2", [-3, 1]),
    ("order_by='n', descending=True, limit=2, where=[['n', '<', 10]]", [5, 2]),
    ("order_by='t'", [2, None, 1, 10, -3, 5]), ("order_by='t', descending=True", [-3, 10, 1, None, 2, 5]),
])  # fmt: skip
async def test_order(ask, arguments, found):
    """Numbers by size, texts by code point, null last in both directions."""
    assert [row["n"] for row in await ask(f"modules.csv.select(['n'], {arguments})", text=ROWS)] == found


async def test_the_first_of_many_in_order(ask):
    """Equal ones stay as they come, though only so many are kept at a time."""
    numbers = random.Random(1).choices(range(1000), k=20_000)
    text = "n,i\n" + "".join(f"{number},{index}\n" for index, number in enumerate(numbers))
    found = await ask("[[row['n'], row['i']] for row in modules.csv.select(order_by='n', limit=50)]", text=text)
    assert found == [list(pair) for pair in sorted(zip(numbers, range(20_000), strict=True), key=lambda pair: pair[0])[:50]]


@pytest.mark.parametrize(("call", "message"), [
    ("select(columns=['z'])", 'csv.select: there is no column "z"; there are: n, t'),
    ("select(where=[['z', '==', 1]])", 'csv.select: there is no column "z"; there are: n, t'),
    ("select(order_by='z')", 'csv.select: there is no column "z"; there are: n, t'),
    ("aggregate(by=['z'])", 'csv.aggregate: there is no column "z"; there are: n, t'),
    ("aggregate(order_by='n')", 'csv.aggregate: order_by: "n" is neither in by nor in values'),
    ("aggregate(values={'x': ['sum', 't']})", 'csv.aggregate: row 1 (line 2), column t: "one" is not a number'),
    ("aggregate(values={'x': ['median', 'n']})", 'csv.aggregate: "median" is none of count, sum, min, max, mean, distinct, p50 to p99.9'),
    ("aggregate(values={'x': ['p101', 'n']})", 'csv.aggregate: "p101" is none of count, sum, min, max, mean, distinct, p50 to p99.9'),
    ("aggregate(values={'x': ['sum']})", 'csv.aggregate: values: "x" needs a column: [measure, column]'),
    ("aggregate(values={'x': 'sum'})", 'csv.aggregate: values must be measures by name, such as {"total": ["sum", "amount"], "rows": ["count"]}'),
    ("select(where=[['n', '~', 1]])", 'csv.select: where: "~" is none of == != < <= > >= contains in'),
    ("select(where=['n', '==', 1])", 'csv.select: where must be a list of conditions, such as [["level", "==", "ERROR"]]'),
    ("select(where=[['n', 'in', 1]])", 'csv.select: where: "in" needs a list of values, not 1'),
    ("select(delimiter='::')", 'csv.select: delimiter: one ASCII character, not "::"'),
    ("describe(delimiter='é')", 'csv.describe: delimiter: one ASCII character, not "é"'),
    ("select(limit='x')", 'csv.select: invalid type: string "x", expected a whole number from 0'),
    ("select(limit=-1)", 'csv.select: invalid type: number, expected a whole number from 0'),
    ("select(columns='n')", 'csv.select: columns must be a list of columns, such as ["level"]'),
    ("select(text=5)", "text must be a str, not int; without it the module works on the context"),
    ("select(rows=1)", "CSV.select() got an unexpected keyword argument 'rows'"),
    ("rows()", "'CSV' object has no attribute 'rows'"),
])  # fmt: skip
async def test_a_wrong_call_says_what_is_right(failure, call, message):
    """The whole message."""
    assert (await failure(f"modules.csv.{call}", text=ROWS)).partition(": ")[2] == message


async def test_an_unknown_function_of_the_module_is_named(failure):
    """Also where a command asks for it."""
    assert await failure("from rlm_guest import calls as m\nm.run('csv', 'rows', {}, None)", text=ROWS) == (
        'ModuleError: csv.rows: there is no function "rows"; there are: describe, select, aggregate'
    )


@pytest.mark.parametrize(("text", "message"), [
    ('a,b\n1,"x\n2,y\n', "line 2, column 2: a quote is opened and never closed"),
    ('a,b\n"p\nq",1\n\n"x', "line 5, column 1: a quote is opened and never closed"),
    ("a,b\n" + "1,x\n" * 100_000 + '1,"x\n' + "1,x\n" * 100_000, "line 100002, column 2: a quote is opened and never closed"),
])  # fmt: skip
async def test_an_open_quote_is_an_error(failure, text, message):
    """Where it is opened, wherever the text ends."""
    assert await failure("modules.csv.select(where=[['a', '==', 7]])", text=text) == f"ModuleError: csv.select: {message}"


async def test_no_number_in_a_sum_is_named(failure):
    """Rows count from 1, lines as an editor has them."""
    text = 't,n\n"two\nlines",1\n\n' + "x,2\n" * 500 + "x,2 %\n"
    assert await failure("modules.csv.aggregate(values={'s': ['sum', 'n']})", text=text) == (
        'ModuleError: csv.aggregate: row 502 (line 505), column n: "2 %" is not a number'
    )


async def test_documents_have_rows_and_groups_of_their_own(ask):
    """With the document's number; each has its own delimiter, header and order of columns."""
    documents = ["a,b\n1,x\n2,x\n", "b;a\ny;3\n"]
    assert await ask("modules.csv.select()", documents=documents) == [
        {"document": 0, "a": 1, "b": "x"}, {"document": 0, "a": 2, "b": "x"}, {"document": 1, "a": 3, "b": "y"},
    ]  # fmt: skip
    assert await ask("modules.csv.aggregate(by=['b'], values={'s': ['sum', 'a']})", documents=documents) == [
        {"document": 0, "b": "x", "s": 3}, {"document": 1, "b": "y", "s": 3},
    ]  # fmt: skip
    assert [each["delimiter"] for each in await ask("modules.csv.describe()", documents=documents)] == [",", ";"]


async def test_documents_with_different_columns_are_selected(ask):
    """A column that a document does not have is null there."""
    assert await ask("modules.csv.select()", documents=["a,b\n1,x\n", "b,c\n2,3\n"]) == [
        {"document": 0, "a": 1, "b": "x", "c": None}, {"document": 1, "a": None, "b": 2, "c": 3},
    ]  # fmt: skip


async def test_an_empty_document_has_no_rows(ask):
    """It does not end the query over the others."""
    assert await ask("modules.csv.select(['a'])", documents=["a,b\n1,x\n", ""]) == [{"document": 0, "a": 1}]


async def test_a_result_does_not_take_the_place_of_a_key(failure):
    """Two columns of one name cannot be in one row."""
    assert (await failure("modules.csv.aggregate(by=['t'], values={'t': ['count']})", text=ROWS)).startswith("ModuleError: ")


@pytest.mark.parametrize(("record", "field", "many"), [
    ('{n},"é""\r\n,{n}"\n', 'é"\r\n,{n}', 100), ("{n},é😀{n}\n", "é😀{n}", 100), ("{n},{n}\r\n", "{n}", 100),
    ("{n},{n}\r", "{n}", 100), ('{n},"{n}"\r\n\r\n', "{n}", 100), ('{n},"' + "w" * 300_000 + '"\r\n', "w" * 300_000, 4),
])  # fmt: skip
async def test_records_across_the_pieces_that_are_read(ask, record, field, many):
    """The border of a piece falls into every place of a record."""
    body = "".join(record.format(n=number) for number in range(100, 100 + many))
    digest = """__import__("hashlib").sha256(repr(modules.csv.select(limit=None, header=False, delimiter=",")[1:]).encode()).hexdigest()"""
    rows = [{"column1": number, "column2": field.format(n=number)} for number in range(100, 100 + many)]
    for shift in range(24 if many == 100 else 2):
        start = f"1,{'x' * (PIECE - 400 - shift)}\n"
        assert len((start + body).encode()) > PIECE
        assert await ask(digest, text=start + body) == hashlib.sha256(repr(rows).encode()).hexdigest()


async def test_a_quoted_field_of_many_pieces_is_one_field(ask):
    """A megabyte of delimiters, line ends and quotes."""
    text = 'a,b\n"' + ',\n""' * 250_000 + '",7\n'
    assert await ask("[[r['a'] == ',\\n\"' * 250_000, r['b']] for r in modules.csv.select()]", text=text) == [[True, 7]]


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text('a1,"\n\r é', max_size=40))
@example('"a"b,""\r\r\n"\n"')
@example(",,,,,,,,")  # wider than the header
async def test_the_rows_of_python(new_notebook, text):
    """Or an error, where a quote is never closed: Python takes the rest for the field."""
    text = "a,b,c,d,e,f,g,h\n" + text  # columns of text
    select = "modules.csv.select(limit=None, header=False, delimiter=',')"
    outcome = await new_notebook(text=text).run_cell(1, f"import json\nprint(json.dumps({select}))")
    if list(csv.reader(io.StringIO(text + "\nZ", newline="")))[-1] != ["Z"]:
        assert outcome.error.endswith(": a quote is opened and never closed")
        return
    found = [row for row in csv.reader(io.StringIO(text, newline="")) if row]
    width = max(map(len, found))
    rows = [[each or None for each in row + [""] * (width - len(row))] for row in found]
    assert [list(row.values()) for row in json.loads(outcome.head)] == rows


async def test_groups_without_a_key_are_last(ask):
    """In both directions, whether order_by is given or not."""
    assert [row["n"] for row in await ask("modules.csv.aggregate(['n'], descending=True)", text="n,t\n1,a\n,b\n2,c\n")] == [
        2,
        1,
        None,
    ]


def table(seed):
    """A generated table: its header, and 400 rows of text."""
    chance = random.Random(seed)
    made = {
        "g": lambda: chance.choice(["red", "green, light", 'say "blue"', "é", ""]),
        "h": lambda: str(chance.randrange(-3, 4)),
        "i": lambda: chance.choice(["", str(chance.randrange(-(10**6), 10**6))]),
        "f": lambda: chance.choice(["", f"{chance.uniform(-1e3, 1e3):.3f}", f"{chance.gauss(0, 1):.6e}"]),
        "t": lambda: chance.choice(["x", "yy", "Zoë", "two\nlines", ""]),
    }
    return [*made], [[make() for make in made.values()] for _ in range(400)]


MEASURES = {
    "n": (["count"], "count(*)"), "c": (["count", "i"], "count(i)"), "s": (["sum", "i"], "sum(i)::BIGINT"),
    "lo": (["min", "i"], "min(i)"), "hi": (["max", "i"], "max(i)"), "d": (["distinct", "i"], "count(DISTINCT i)"),
    "m": (["mean", "i"], "avg(i)"), "fs": (["sum", "f"], "fsum(f)"), "fm": (["mean", "f"], "favg(f)"),
    "fl": (["min", "f"], "min(f)"), "fh": (["max", "f"], "max(f)"), "tl": (["min", "t"], "min(t)"), "th": (["max", "t"], "max(t)"),
    "td": (["distinct", "t"], "count(DISTINCT t)"), "p50": (["p50", "f"], "quantile_cont(f, 0.5)"),
    "p90": (["p90", "f"], "quantile_cont(f, 0.9)"), "p95": (["p95", "i"], "quantile_cont(i, 0.95)"),
    "p99": (["p99.9", "f"], "quantile_cont(f, 0.999)"),
}  # fmt: skip


def in_duckdb(path, query):
    """The rows of a query over a file, as dicts."""
    types = "{'g': 'VARCHAR', 'h': 'BIGINT', 'i': 'BIGINT', 'f': 'DOUBLE', 't': 'VARCHAR'}"
    source = f"read_csv('{path}', header=true, quote='\"', escape='\"', columns={types})"
    with duckdb.connect() as connection:
        connection.execute("SET autoinstall_known_extensions = false; SET autoload_known_extensions = false")
        cursor = connection.execute(query.format(source=source))
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def same(found, expected):
    """Floats but for their rounding, all else exactly."""
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert one == {name: pytest.approx(each, rel=1e-12, abs=0) if isinstance(each, float) else each for name, each in other.items()}  # fmt: skip


@pytest.mark.parametrize(("by", "where", "condition"), [
    ([], [], "true"), (["g"], [], "true"), (["g", "h"], [], "true"),
    (["h"], [["i", ">", 0], ["t", "!=", "x"]], "i > 0 AND t != 'x'"),
    (["t"], [["f", "<=", 12.5]], "f <= 12.5"),
    (["g"], [["h", "in", [-1, 2]], ["g", "contains", "e"]], "h IN (-1, 2) AND contains(g, 'e')"),
    (["h"], [["i", "==", None]], "i IS NULL"),
    (["h"], [["f", "!=", None], ["i", "!=", 5]], "f IS NOT NULL AND i != 5"),
])  # fmt: skip
@pytest.mark.parametrize("seed", [1, 2])
async def test_the_groups_of_duckdb(ask, tmp_path, seed, by, where, condition):
    """Every measure; groups in their own order, null last."""
    header, rows = table(seed)
    written = io.StringIO(newline="")
    csv.writer(written, lineterminator="\r\n" if seed == 1 else "\n").writerows([header, *rows])
    (tmp_path / "table.csv").write_text(written.getvalue(), encoding="utf-8", newline="")
    values = {name: ours for name, (ours, _) in MEASURES.items()}
    query = f"[list(row.values()) for row in modules.csv.aggregate({by!r}, {values!r}, {where!r})]"
    found = [dict(zip([*by, *values], row, strict=True)) for row in await ask(query, text=written.getvalue())]
    columns = ", ".join([*by, *(f"{theirs} AS {name}" for name, (_, theirs) in MEASURES.items())])
    grouped = f"GROUP BY {', '.join(by)} ORDER BY {', '.join(f'{each} NULLS LAST' for each in by)}" if by else ""
    same(found, in_duckdb(tmp_path / "table.csv", f"SELECT {columns} FROM {{source}} WHERE {condition} {grouped}"))  # noqa: S608  (our own table)


@pytest.mark.parametrize(("call", "query"), [
    ("select(['i', 'g', 't'], order_by='i', limit=30)", "SELECT i, g, t FROM {source} ORDER BY i NULLS LAST LIMIT 30"),
    ("select(['f', 'h'], [['f', '<', 0.5]], 'f', True, 30)", "SELECT f, h FROM {source} WHERE f < 0.5 ORDER BY f DESC LIMIT 30"),
    ("aggregate(['g', 't'], {'s': ['sum', 'i']}, order_by='s', limit=9)",
     "SELECT g, t, sum(i)::BIGINT AS s FROM {source} GROUP BY ALL ORDER BY s NULLS LAST, g NULLS LAST, t NULLS LAST LIMIT 9"),
    ("aggregate(['h'], {'n': ['count'], 'm': ['max', 'f']}, order_by='n', descending=True)",
     "SELECT h, count(*) AS n, max(f) AS m FROM {source} GROUP BY h ORDER BY n DESC, h"),
])  # fmt: skip
async def test_the_order_of_duckdb(ask, tmp_path, call, query):
    """Of rows, and of groups; among equal groups their keys decide."""
    written = io.StringIO(newline="")
    header, rows = table(6)
    csv.writer(written).writerows([header, *rows])
    (tmp_path / "table.csv").write_text(written.getvalue(), encoding="utf-8", newline="")
    same(await ask(f"modules.csv.{call}", text=written.getvalue()), in_duckdb(tmp_path / "table.csv", query))
