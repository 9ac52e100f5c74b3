"""modules.csv: rows that are not as wide as the table, and lines above it: nothing is lost without a word."""

import csv
import io
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

WAYS = (
    "A delimiter within a field needs quotes around the field; skip=N leaves out N lines above the header; "
    "header=False keeps every field, as column1 to column{most}"
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("item,price\nTV,1,000\nfan,20\n", "line 2 has 3 fields, the header 2 (the only such row). " + WAYS.format(most=3)),
        ("1,2\n3,4,5\n6,7\n", "line 2 has 3 fields, the first row 2 (the only such row). " + WAYS.format(most=3)),
        ("a,b\n1,2\n\n1,2,3\n1,2,3,4\n", "line 4 has 3 fields, the header 2 (2 rows are so: lines 4, 5). " + WAYS.format(most=4)),
        ("a,b\n" + "1,2,3\n" * 12, "line 2 has 3 fields, the header 2 (12 rows are so: lines 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, ...). " + WAYS.format(most=3)),
        ("a,b\n" + "1,2\n" * 100_000 + "1,2,3\n", "line 100002 has 3 fields, the header 2 (the only such row). " + WAYS.format(most=3)),
        ("Made on 1 May, by us\na,b,c\n1,2,3\n", "line 2 has 3 fields, the header 2 (2 rows are so: lines 2, 3). " + WAYS.format(most=3)),
    ],
)  # fmt: skip
@pytest.mark.parametrize("call", ["select(limit=None)", "aggregate()"])
async def test_a_row_with_values_behind_the_last_column_is_refused(failure, call, text, message):
    """By its line and those of the others, with what to pass."""
    assert await failure(f"modules.csv.{call}", text=text) == f"ModuleError: csv.{call.partition('(')[0]}: {message}"


async def test_a_wide_row_of_a_document_is_named(failure):
    """With the document's number."""
    found = await failure("modules.csv.select()", documents=["a,b\n1,2\n", "a,b\n1,2,3\n"])
    assert found.startswith("ModuleError: csv.select: document 1, line 2 has 3 fields, the header 2 (the only such row).")


async def test_what_stands_before_a_wide_row_can_be_had(ask):
    """A query that ends before it never meets it."""
    assert await ask("modules.csv.select(limit=1)", text="a,b\n1,2\n1,2,3\n") == [{"a": 1, "b": 2}]


@pytest.mark.parametrize(
    ("arguments", "text", "rows"),
    [
        ("", "a,b\n1\n1,2\n", [{"a": 1, "b": None}, {"a": 1, "b": 2}]),
        ("", "a,b\n1,2,,\n", [{"a": 1, "b": 2}]),
        ("header=False", "a,b\n1,000,x\n", [{"column1": "a", "column2": "b", "column3": None}, {"column1": "1", "column2": "000", "column3": "x"}]),
        ("header=False, skip=1", "a,b\n1,2\n3,4,5\n", [{"column1": 1, "column2": 2, "column3": None}, {"column1": 3, "column2": 4, "column3": 5}]),
        ("['column3'], header=False, skip=1", "a,b\n1,2\n3,4,5\n", [{"column3": None}, {"column3": 5}]),
    ],
)  # fmt: skip
async def test_rows_of_any_width_are_kept(ask, arguments, text, rows):
    """What a short one has not is null; empty fields at the end are nothing; header=False takes all."""
    assert await ask(f"modules.csv.select({arguments})", text=text) == rows


async def test_fields_behind_the_sample_are_kept(ask):
    """header=False looks at every row for the widest."""
    text = "1,2\n" * 1000 + "3,4,5\n"
    assert await ask("modules.csv.select(limit=None, header=False)[-1]", text=text) == {
        "column1": 3,
        "column2": 4,
        "column3": 5,
    }


TITLED = "Sales 2026\n\nitem,price\nfan,20\nTV,300\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (TITLED, "the 2 lines above the header are left out: 'Sales 2026'"),
        ("Sales\nitem,price\nfan,20\nTV,300\n", "the line above the header is left out: 'Sales'"),
        ('"Sales, and\nmore"\r\nitem,price\r\nfan,20\r\nTV,300', "the 2 lines above the header are left out: 'Sales, and\\nmore'"),
        ("\ufeffSales,,\n,,\nitem,price,\nfan,20,\nTV,300,\n", "the 2 lines above the header are left out: 'Sales'"),
    ],
)  # fmt: skip
async def test_titles_above_a_header_are_left_out_and_told(run_cells, text, told):
    """The header is the first row that is as wide as the table."""
    code = "print(modules.csv.aggregate(['item'], {'sum': ['sum', 'price']}))"
    outcome = await run_cells(code, text=text)
    rows = "[{'item': 'TV', 'sum': 300}, {'item': 'fan', 'sum': 20}]"
    assert (outcome.head, outcome.error) == (f"modules.csv: {told}\n{rows}\n", None)


async def test_titles_of_documents_are_told(run_cells):
    """Three of them, and how many documents have some."""
    outcome = await run_cells("print(len(modules.csv.select()))", documents=["item,price\nfan,20\n", *[TITLED] * 5])
    told = "".join(f"modules.csv: document {n}: the 2 lines above the header are left out: 'Sales 2026'\n" for n in (1, 2, 3))
    assert outcome.head == f"{told}modules.csv: so in 5 documents\n11\n"


@pytest.mark.parametrize(
    ("arguments", "text", "columns"),
    [
        ("", TITLED, ["item", "price"]),
        ("skip=2", TITLED, ["item", "price"]),
        ("skip=3", TITLED, ["column1", "column2"]),
        ("skip=99", TITLED, []),
        ("header=True", "Sales\n2025,2026\n1,2\n", ["2025", "2026"]),
        ("skip=1, header=True", 'a "quote"\r\n2025,2026\r\n1,2\r\n', ["2025", "2026"]),
        ("", ",name\nx,ann\ny,bob\n", ["column1", "name"]),
        ("", "a,\n1,2\n", ["a", "column2"]),
        ("", "name\nann\nbob\n", ["name"]),
    ],
)
async def test_where_the_header_is(ask, arguments, text, columns):
    """Found out or given; the names of an index or of one column are no titles."""
    described = await ask(f"modules.csv.describe({arguments})", text=text)
    assert [each["name"] for each in described["columns"]] == columns


async def test_lines_are_counted_from_the_top(failure):
    """Behind lines that are skipped too, whatever ends them."""
    text = 'one "\rtwo\r\n\nn\r1\r"x\ry"\r'
    assert await failure("modules.csv.aggregate(values={'s': ['sum', 'n']}, skip=3)", text=text) == (
        'ModuleError: csv.aggregate: row 2 (line 6), column n: "x\\ry" is not a number'
    )


async def test_skip_across_the_pieces_that_are_read(ask):
    """A line of many pieces is one line."""
    for length in (524_287, 524_288, 524_289, 1_000_000):
        text = "é" * (length // 2) + "x" * (length % 2) + "\r\na,b\r\n1,2\r\n"
        assert await ask("modules.csv.select(skip=1)", text=text) == [{"a": 1, "b": 2}]


async def test_describe_counts_rows_and_ragged_ones(ask):
    """Over the whole text, not only its beginning; the first ten are named."""
    text = "a,b\n" + "1,2\n" * 300 + "1\n1,2,3\nx,2.5\n"
    assert await ask("modules.csv.describe()", text=text) == {
        "delimiter": ",", "skip": 0, "header": True, "rows": 303,
        "ragged": {"count": 2, "first": [{"line": 302, "fields": 1}, {"line": 303, "fields": 3}]},
        "columns": [{"name": "a", "type": "text"}, {"name": "b", "type": "number"}],
    }  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.lists(st.text('ab1"\n,', max_size=3), min_size=1, max_size=5), max_size=8))
async def test_every_field_of_python_is_there(new_notebook, rows):
    """With header=False; without it all are there, or the table is refused, or a title is told."""
    written = io.StringIO(newline="")
    csv.writer(written).writerows(rows)
    text = written.getvalue()
    read = [row for row in csv.reader(io.StringIO(text, newline="")) if row]
    code = """
import json
print(json.dumps([[str(value) for value in row.values() if value is not None] for row in modules.csv.select(limit=None, delimiter=",", header=False)]))
try:
    print(json.dumps([list(row.values()) for row in modules.csv.select(limit=None, delimiter=",")]))
except ModuleError as error:
    print(json.dumps(str(error)))
"""
    outcome = await new_notebook(text=text).run_cell(1, code)
    everything, *titles, found = outcome.head.splitlines()
    assert [sorted(row) for row in json.loads(everything)] == [sorted(filter(None, row)) for row in read]
    found = json.loads(found)
    refused = isinstance(found, str) and " fields, the " in found
    assert refused or titles or len(read) - len(found) in (0, 1)
