"""modules.json: documents, lists and lines; paths; what is JSON and what is broken; the same groups as DuckDB."""

import hashlib
import json
import random

import duckdb
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

PIECE = 1 << 19  # bytes that the module reads at once


@pytest.mark.parametrize(("text", "rows"), [
    ('{"a": 1}', [{"a": 1}]),
    ('{\n  "a": {\n    "b": [1]\n  }\n}\n', [{"a": {"b": [1]}}]),
    ('[{"a": 1}, {"a": 2}]', [{"a": 1}, {"a": 2}]), ('[\n{"a": 1},\n{"a": 2}\n]\n', [{"a": 1}, {"a": 2}]),
    ('{"a": 1}\n{"a": 2}\n', [{"a": 1}, {"a": 2}]), ('{"a": 1}\r\n\r\n  {"a": 2}  ', [{"a": 1}, {"a": 2}]),
    ('\ufeff{"a": 1}\n{"a": 2}', [{"a": 1}, {"a": 2}]), ('\ufeff[{"a": 1}]', [{"a": 1}]),
    ("[1]\n[2]", [{"value": [1]}, {"value": [2]}]),
    ('true\nnull\n"x"\n1.5', [{"value": True}, {"value": None}, {"value": "x"}, {"value": 1.5}]),
    ("[[1, 2], [], null]", [{"value": [1, 2]}, {"value": []}, {"value": None}]),
    ("7", [{"value": 7}]), ("[]", []),
    pytest.param('{"items": [\n{"a": 1},\n{"a": 2}\n]}\n', [{"items": [{"a": 1}, {"a": 2}]}]),
])  # fmt: skip
async def test_rows(ask, text, rows):
    """The lines, the items of the list, or the one value; what is no object is its row's `value`."""
    assert await ask("modules.json.select()", text=text) == rows


DOCUMENT = '{"a": {"b": {"c": 5}}, "l": [{"p": 1}, {"p": null}, {}, 7], "x.y": {"": 2}, "n": [[1, 2], [3]], "e": []}'


@pytest.mark.parametrize(("path", "value"), [
    ("a.b.c", 5), ("a.b", {"c": 5}), ('a["b"].c', 5),
    ("l[0].p", 1), ("l[1].p", None), ("l[3]", 7),
    ("l[*].p", [1, None]), ('["x.y"]', {"": 2}), ('["x.y"][""]', 2),
    ("n[1][0]", 3), ("n[*][*]", [1, 2, 3]), ("n[*][0]", [1, 3]),
    ("", json.loads(DOCUMENT)),
])  # fmt: skip
async def test_get_from_a_document(ask, path, value):
    """The value; with [*] a list of those that are there."""
    assert await ask(f"modules.json.get({path!r})", text=DOCUMENT) == value


@pytest.mark.parametrize("text", ['{"a": 1}\n{"b": 2}\n{"a": 3}', '[{"a": 1}, {"b": 2}, {"a": 3}]'])
@pytest.mark.parametrize(
    ("path", "value"),
    [("a", [1, 3]), ("[*].a", [1, 3]), ("[2].a", 3), ("[1]", {"b": 2}), ("z", []), ("", [{"a": 1}, {"b": 2}, {"a": 3}])],
)
async def test_get_from_rows(ask, text, path, value):
    """Of lines and of a list alike: an index is that of a row."""
    assert await ask(f"modules.json.get({path!r})", text=text) == value


BAD_INDEX = '{"a": 1}\n{bad\n{"a": 3}\n{"a": 4}\n'
DEEP = "[" * 128 + "]" * 128


@pytest.mark.parametrize(("expression", "text", "value"), [
    ("get('')", "[]", []),
    ("describe()['format']", "[]", "list"),
    ("get('e[*]')", DOCUMENT, []),
    ("get('[2].a')", BAD_INDEX, 4),
    ("select(['id', 'l[*]'])", '{"id": 1, "l": []}\n{"id": 2, "l": []}', []),
    ("select(['a.b'])[0]", '{"a": {"b": 1}, "a": {"c": 2}}\n{"a": {"b": 3}}', {"a.b": None}),
    ("select(where=[['v', 'contains', 1]])", '{"v": [1.0, 2]}\n{}', [{"v": [1.0, 2]}]),
    ("select(where=[['v', '==', [1, 2]]])", '{"v": [1.0, 2]}\n{}', [{"v": [1.0, 2]}]),
    ("aggregate([''])[1:]", f"1\n{DEEP}", []),
    ("select(['a'])[1:]", f'{{"a": 1}}\n{{"a": {DEEP}}}', []),
    ("describe()['rows']", '1\n2\n"\\ud800"', 3),
    ("describe()['rows']", "1\n2\n1e400", 3),
    ("describe()['rows']", "1\n2\n" + "1" * 4301, 2),
    ("describe()['rows']", f'["{"x" * 70_000}"]\n1\n2\n', 3),
])  # fmt: skip
async def test_corners(ask, expression, text, value):
    """Empty lists, names that occur twice, 1 and 1.0, what is no JSON, a first line of more than 64 KiB."""
    assert await ask(f"modules.json.{expression}", text=text) == value


@pytest.mark.parametrize("broken", ['{"a": NaN}', f'{{"a": {"1" * 4301}}}', DEEP])
async def test_a_broken_line_is_never_a_null(run_cells, broken):
    """Left out, and told."""
    outcome = await run_cells("print(modules.json.select())", text=f'{{"a": 1}}\n{{"a": 2}}\n{broken}\n')
    assert outcome.head.startswith("modules.json: 1 broken line was left out: line 3 (")
    assert outcome.head.endswith("\n[{'a': 1}, {'a': 2}]\n")


async def test_get_from_documents(ask):
    """One value for each, null where there is none."""
    found = await ask("modules.json.get('a')", documents=['{"a": 1}', '{"b": 1}', '[{"a": 1}, {"a": 2}]'])
    assert found == [{"document": 0, "value": 1}, {"document": 1, "value": None}, {"document": 2, "value": [1, 2]}]


ORDERS = '{"id": 1, "items": [{"p": 3, "t": [1, 2]}, {}]}\n{"id": 2, "items": []}\n{"id": 3}\n{"id": 4, "items": [{"p": 9, "t": [7]}]}\n'


@pytest.mark.parametrize(("arguments", "rows"), [
    ("['id', 'items[*].p']", [[1, 3], [1, None], [4, 9]]), ("['items[*].p'], where=[['id', '>', 1]]", [[9]]),
    ("['id'], where=[['items[*].p', '<', 5]]", [[1]]),
    ("['items[*].p', 'items[0].p']", [[3, 3], [None, 3], [9, 9]]),
    ("['items[*].p', 'items[*].t[*]']", [[3, 1], [3, 2], [9, 7]]),
    ("['items[*].t[0]', 'items[*].t[*]']", [[1, 1], [1, 2], [7, 7]]),
    ("['id', 'items[*].p'], order_by='items[*].p', descending=True, limit=2", [[4, 9], [1, 3]]),
    ("['id', 'items[0].p']", [[1, 3], [2, None], [3, None], [4, 9]]),
])  # fmt: skip
async def test_a_row_is_repeated_for_the_items_of_a_list(ask, arguments, rows):
    """With the columns that are not in the list; a row without items is not there."""
    assert [list(row.values()) for row in await ask(f"modules.json.select({arguments})", text=ORDERS)] == rows


VALUES = '{"v": 1}\n{"v": 2.5}\n{"v": "b"}\n{"v": true}\n{"v": null}\n{}\n{"v": [1, "x"]}\n{"v": {"x": 1}}\n{"v": "B"}\n{"v": false}\n'


@pytest.mark.parametrize(("condition", "rows"), [
    (["v", "==", 1.0], [1]), (["v", "==", "1"], []),
    (["v", "!=", 1], [2.5, "b", True, [1, "x"], {"x": 1}, "B", False]),
    (["v", ">", 1], [2.5]), (["v", "<", "a"], ["B"]), (["v", "==", True], [True]),
    (["v", "in", [False, "b"]], ["b", False]), (["v", "==", None], [None, None]),
    (["v", "!=", None], [1, 2.5, "b", True, [1, "x"], {"x": 1}, "B", False]),
    (["v", "in", [None]], [None, None]), (["v", "contains", "x"], [[1, "x"]]), (["v", "contains", 1], [[1, "x"]]),
    (["v", "contains", "b"], ["b"]), (["v", "==", [1, "x"]], [[1, "x"]]), (["v", "==", {"x": 1}], [{"x": 1}]),
    (["v.x", "==", 1], [{"x": 1}]), (["v[1]", "==", "x"], [[1, "x"]]),
])  # fmt: skip
async def test_conditions(ask, condition, rows):
    """A text is no number here; what is missing is null."""
    assert [row["v"] for row in await ask(f"modules.json.select(['v'], where=[{condition!r}])", text=VALUES)] == rows


async def test_order_and_groups(ask):
    """Numbers, booleans, texts, lists; null last. Spaces and escapes tell no groups apart."""
    found = await ask("[row.get('v') for row in modules.json.select(order_by='v')]", text=VALUES)
    assert found == [1, 2.5, False, True, "B", "b", [1, "x"], {"x": 1}, None, None]
    text = '{"v": 1}\n{"v": 1}\n{"v": "1"}\n{"v": "\\u0031"}\n{"v": null}\n{}\n{"v": [1, "2"]}\n{"v": [1,"\\u0032"]}\n'
    assert await ask("[[row['v'], row['count']] for row in modules.json.aggregate(['v'])]", text=text) == [
        [1, 2], ["1", 2], [[1, "2"], 2], [None, 2],
    ]  # fmt: skip


@pytest.mark.parametrize(
    "written",
    [
        '"\\"\\\\\\/\\b\\f\\n\\r\\t"', '"\\u00e9\\u20AC"', '"\\ud83d\\ude00 😀"', '"\\u0000"', '"\x7f"', '"é\u2028"',
        '"\\ud800"', '"\\ud83d\\ud83d\\ude00\\ude00\\\\ud83d"', '"\\uDBFF\\u0041"', "1e400", "-1E+400", "-0", "18446744073709551616", "-" + "1" * 2000,
        '{"\\udfff": [1e999, {"\\ud800 ": -0}], "\\udfff": 2}', "0", "-0.0", "1e5", "1E-7", "-1.5e+300", "5e-324", "9223372036854775807", "-9223372036854775808", "0.1", "[ ]", "{ }",
    ],
)  # fmt: skip
async def test_values_are_those_of_python(ask, written):
    """Whole, at a path, and by get."""
    text = f'{{"v": {written}}}\n{{"v": 1}}'
    found = await ask(
        "[repr(r) for r in (modules.json.select()[0]['v'], modules.json.select(['v'])[0]['v'], modules.json.get('v')[0])]",
        text=text,
    )
    assert found == [repr(json.loads(written))] * 3


async def test_as_many_digits_as_python_reads(ask):
    """4300, and a sign."""
    text = f'{{"v": -{"7" * 4300}}}\n{{"v": {"7" * 4300}}}'
    assert await ask("[row['v'] == int('7' * 4300) for row in modules.json.select()]", text=text) == [False, True]
    assert await ask("modules.json.get('[0].v') == -int('7' * 4300)", text=text) is True


@pytest.mark.parametrize(("broken", "why"), [
    ('{"a":', "EOF while parsing a value at column 5"), ("{'a': 1}", "key must be a string at column 2"),
    ('{"a": 01}', "invalid number at column 8"), ('{"a": 1,}', "trailing comma at column 9"),
    ('{"a": 1} {"a": 2}', "trailing characters at column 10"), ('{"a": NaN}', "expected value at column 7"),
    ('{"a": "\t"}', "control character (\\u0000-\\u001F) found while parsing a string at column 8"),
    ('{"a": "\\x"}', "invalid escape at column 9"), ('{"a": 1, "b": tru}', "expected ident at column 18"),
    ("plain text", "expected value at column 1"), ("[" * 100_000, "recursion limit exceeded at column 128"),
])  # fmt: skip
@pytest.mark.parametrize("call", ["select(['a'])", "select()", "get('a')"])
async def test_a_broken_line_is_told_and_left_out(run_cells, call, broken, why):
    """By its number, and where in it; the others are there."""
    outcome = await run_cells(f"print(len(modules.json.{call}))", text=f'{{"a": 1}}\n\n{broken}\n{{"a": 2}}\n')
    assert (outcome.head, outcome.error) == (f"modules.json: 1 broken line was left out: line 3 ({why})\n2\n", None)


async def test_a_depth_of_127_is_read(ask):
    """The row itself counts."""
    text = "[" * 127 + "]" * 127 + "\n1\n"
    assert await ask("len(repr(modules.json.select()[0]['value']))", text=text) == 254


async def test_many_broken_lines_are_counted(run_cells):
    """The first ten are told; documents have their numbers."""
    outcome = await run_cells("print(modules.json.aggregate())", documents=['{"a": 1}\n{"a": 2}\n' + "{x\n" * 12])
    told = "; ".join(f"document 0, line {line} (key must be a string at column 2)" for line in range(3, 13))
    assert outcome.head == f"modules.json: 12 broken lines were left out: {told}\n[{{'document': 0, 'count': 2}}]\n"


@pytest.mark.parametrize(
    ("call", "text", "message"),
    [
        ("select()", "", "json.select: it is not JSON: EOF while parsing a value at column 0"),
        ("get('a')", "plain text", "json.get: it is not JSON: expected value at column 1"),
        ("describe()", '{"a": 1,}', "json.describe: it is not JSON: trailing comma at column 9"),
        ("select()", '{"a": 1} x', "json.select: it is not JSON: trailing characters at column 10"),
        ("select()", '[{"a": 1}, {"a": }]', "json.select: it is not JSON: item 2, behind byte 10: expected value at line 1 column 8"),
        ("select()", '[{"a": 1}', "json.select: it is not JSON: item 1, behind byte 0: EOF while parsing a list at line 1 column 9"),
        ("select()", '[{"a": 1}] x', "json.select: it is not JSON: something follows its list"),
        ("select(['z'])", DOCUMENT, 'json.select: no row has "z": modules.json.describe() lists the paths'),
        ("select(where=[['z', '!=', 1]])", DOCUMENT, 'json.select: no row has "z": modules.json.describe() lists the paths'),
        ("get('l[9]')", DOCUMENT, 'json.get: there is nothing at "l[9]": modules.json.describe() lists the paths'),
        ("select(['l[*].p', 'n[*][0]'])", DOCUMENT, 'json.select: "n[*][0]" and "l[*].p" repeat over two different lists: ask for one at a time'),
        ("aggregate(['l[*].p'], where=[['n[*]', '==', 1]])", DOCUMENT, 'json.aggregate: "n[*]" and "l[*].p" repeat over two different lists: ask for one at a time'),
        *((f"get({path!r})", "1", f"json.get: {json.dumps(path)} is not a path like user.address.city, items[*].price or [\"a.b\"]")
          for path in ("a..b", ".a", "a.", "a[-1]", "a[", "a[x]", 'a["b]', "a[0]b")),
        ("aggregate(values={'s': ['sum', 'v']})", VALUES, 'json.aggregate: line 3, column v: "b" is not a number'),
        ("get(5)", "1", "json.get: invalid type: number, expected a string"),
        ("get()", "1", "JSON.get() missing 1 required positional argument: 'path'"),
        ("select(path='a')", "1", "JSON.select() got an unexpected keyword argument 'path'"),
        ("keys()", "1", "'JSON' object has no attribute 'keys'"),
        ("get('a', text={})", "1", "text must be a str, not dict; without it the module works on the context"),
    ],
)  # fmt: skip
async def test_a_wrong_call_says_what_is_right(failure, call, text, message):
    """The whole message."""
    assert (await failure(f"modules.json.{call}", text=text)).partition(": ")[2] == message


async def test_one_of_the_documents_is_not_json(failure):
    """It is named."""
    assert await failure("modules.json.select()", documents=['{"a": 1}', "x"]) == (
        "ModuleError: json.select: document 1 is not JSON: expected value at column 1"
    )


async def test_describe(ask):
    """Every path with its types, in the order in which they come, and as `get` takes it."""
    text = '{"a": 1, "b": [{"c": null}, {"c": 2.5}]}\n{"a": "x", "d.e": {"": true}}\n[\n{}'
    assert await ask("modules.json.describe()", text=text) == {
        "format": "lines", "rows": 3, "broken": {"count": 1, "first": [{"line": 3, "error": "EOF while parsing a list at column 1"}]},
        "paths": [
            {"path": "a", "types": {"integer": 1, "string": 1}, "count": 2},
            {"path": "b", "types": {"array": 1}, "count": 1},
            {"path": "b[*]", "types": {"object": 2}, "count": 2},
            {"path": "b[*].c", "types": {"null": 1, "number": 1}, "count": 2},
            {"path": '["d.e"]', "types": {"object": 1}, "count": 1},
            {"path": '["d.e"][""]', "types": {"boolean": 1}, "count": 1},
        ],
    }  # fmt: skip
    formats = await ask("[each['format'] for each in modules.json.describe()]", documents=["{}", "[{}]", "{}\n{}"])
    assert formats == ["document", "list", "lines"]


async def test_describe_names_so_many_paths(ask):
    """200, and that there are more."""
    text = json.dumps({f"k{number}": number for number in range(1000)})
    assert await ask("[len(modules.json.describe()['paths']), modules.json.describe()['more_paths']]", text=text) == [200, True]


@pytest.mark.parametrize("form", ["list", "lines", "indented"])
async def test_rows_across_the_pieces_that_are_read(ask, form):
    """The border of a piece falls into every place of an item."""
    rows = [{"n": number, "t": f'é😀"{number}', "l": [number, -1.5, True]} for number in range(1000, 1040)]
    rest = "json.dumps(modules.json.select(limit=None)[1:], sort_keys=True).encode()"
    for shift in range(0, 64, 1 if form == "list" else 5):
        every = [{"x": "x" * (PIECE - 900 - shift)}, *rows]
        texts = [json.dumps(row, ensure_ascii=shift % 2 == 0) for row in every]
        text = {"list": f"[{', '.join(texts)}]", "lines": "\n".join(texts), "indented": json.dumps(every, indent=2)}[form]
        if form != "lines":  # whose first line must be short: see above
            assert len(text.encode()) > PIECE
        else:
            text = "{}\n" + text
            every = [{}, *every]
        assert (
            await ask(f"__import__('hashlib').sha256({rest}).hexdigest()", text=text)
            == hashlib.sha256(json.dumps(every[1:], sort_keys=True).encode()).hexdigest()
        )


SPACES = st.sampled_from(["", " ", "\t", "\r", "  "])  # no line ends: such a text may be taken for lines, see test_rows
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=5), inner, max_size=4),
    max_leaves=15,
)  # fmt: skip


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=JSON, ascii_only=st.booleans(), separators=st.tuples(SPACES, SPACES, SPACES, SPACES))
async def test_what_is_written_is_read(new_notebook, value, ascii_only, separators):
    """By select and by get, as by Python, spaces or none."""
    before, comma, colon, after = separators
    text = before + json.dumps({"v": value}, ensure_ascii=ascii_only, separators=(comma + "," + after, colon + ":")) + after
    found = "(modules.json.select()[0]['v'], modules.json.select(['v'])[0]['v'], modules.json.get('v'))"
    code = f"import json\nfor one in {found}: print(repr(one) == repr(json.loads(context)['v']))"
    outcome = await new_notebook(text=text).run_cell(1, code)
    assert (outcome.head, outcome.error) == ("True\n" * 3, None)


SEEDS = ['{"a": [1, -2.5e+3, "x\\u00e9\\n"], "b": {"c": null}}', '["", true, false, {"": 0}]', '"\\ud83d\\ude00\\\\"', "-10.25E-2", "{}"]  # fmt: skip


@st.composite
def mutations_of(draw, line):
    """Up to three characters are put in, or in the place of others."""
    for _ in range(draw(st.integers(0, 3))):
        place, length = draw(st.integers(0, len(line))), draw(st.integers(0, 2))
        line = line[:place] + draw(st.sampled_from([*'{}[]",:\\0159.-+eEut nf\t\x01é', ""])) + line[place + length :]
    return line or "0"


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), lines=st.lists(st.sampled_from(SEEDS), min_size=1, max_size=4))
async def test_the_lines_of_python(new_notebook, data, lines):
    """Mutated JSON is a row where Python's json takes it, and a broken line where not."""
    mutated = [data.draw(mutations_of(line)) for line in lines]
    assume(not any(map(is_constant, mutated)))
    await same_lines(new_notebook, mutated)


@pytest.mark.parametrize(
    "line", ["\ufeff1", "1\x00", "[1,2", '{"a" 1}', "1 2", "+1", ".5", "1.", "1e", "'x'", '"\\u12g4"', "nul", "tru e"]
)
async def test_a_line_of_python(new_notebook, line):
    """Some that are nearly JSON."""
    await same_lines(new_notebook, [line])


@pytest.mark.parametrize("line", ["\x0b1", "1\xa0", "\u20281", "1\x0c"])
async def test_a_line_with_other_spaces(new_notebook, line):
    """JSON has four: these are broken."""
    await same_lines(new_notebook, [line])


def is_json(line):
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def is_constant(line):
    """NaN and Infinity, which Python reads and the module does not."""
    try:
        json.loads(line, parse_constant=int)
    except ValueError as error:
        return "invalid literal for int()" in str(error)
    return False


async def same_lines(new_notebook, lines):
    code = """
import contextlib, io, json
with contextlib.redirect_stdout(io.StringIO()):
    found = len(modules.json.select([""])), len(modules.json.select()), modules.json.describe()["rows"]
print([each - 2 for each in found])
"""
    outcome = await new_notebook(text="\n".join(["{}", "{}", *lines])).run_cell(1, code)
    expected = sum(map(is_json, lines))
    assert (outcome.head, outcome.error) == (f"{[expected] * 3}\n", None)


def lines_of(seed):
    """Generated JSON Lines: some members are missing, some null."""
    chance = random.Random(seed)
    made = {
        "g": lambda: chance.choice(["red", 'say "blue"', "é😀", None]),
        "h": lambda: chance.randrange(-3, 4),
        "i": lambda: chance.choice([None, chance.randrange(-(10**6), 10**6)]),
        "f": lambda: chance.choice([None, chance.uniform(-1e3, 1e3), chance.gauss(0, 1)]),
        "b": lambda: chance.random() < 0.5,
    }
    rows = [{name: make() for name, make in made.items() if name in "hb" or chance.random() < 0.9} for _ in range(400)]
    return "".join(json.dumps(row | {"u": {"h": row["h"]}}, ensure_ascii=seed % 2 == 0) + "\n" for row in rows)


@pytest.mark.parametrize(("by", "where", "condition"), [
    (["g"], [], "true"), (["u.h"], [["i", ">=", 0]], "i >= 0"), (["b", "g"], [["f", "!=", None]], "f IS NOT NULL"),
    (["h"], [["b", "==", True], ["g", "!=", "red"]], "b AND g != 'red'"),
    (["g", "h"], [["g", "contains", "e"]], "contains(g, 'e')"), ([], [["u.h", "in", [1, 2]]], "u.h IN (1, 2)"),
])  # fmt: skip
@pytest.mark.parametrize("seed", [3, 4])
async def test_the_groups_of_duckdb(ask, tmp_path, seed, by, where, condition):
    """Every measure; null last; floats but for their rounding."""
    (tmp_path / "lines.jsonl").write_text(lines_of(seed), encoding="utf-8")
    values = {
        "n": ["count"], "c": ["count", "i"], "s": ["sum", "i"], "lo": ["min", "i"], "hi": ["max", "g"], "d": ["distinct", "i"],
        "m": ["mean", "i"], "fl": ["min", "f"], "fh": ["max", "f"], "p": ["p50", "f"], "q": ["p90", "f"], "r": ["p95", "i"], "x": ["p99.9", "f"],
    }  # fmt: skip
    theirs = (
        "count(*), count(i), sum(i)::BIGINT, min(i), max(g), count(DISTINCT i), avg(i), min(f), max(f), "
        "quantile_cont(f, 0.5), quantile_cont(f, 0.9), quantile_cont(i, 0.95), quantile_cont(f, 0.999)"
    )
    query = f"[list(row.values()) for row in modules.json.aggregate({by!r}, {values!r}, {where!r})]"
    found = await ask(query, text=lines_of(seed))
    keys = ", ".join(by)
    ordered = f"GROUP BY {keys} ORDER BY {', '.join(f'{each} NULLS LAST' for each in by)}" if by else ""
    source = f"read_json('{tmp_path}/lines.jsonl', format='newline_delimited', columns={{g: 'VARCHAR', h: 'BIGINT', i: 'BIGINT', f: 'DOUBLE', b: 'BOOLEAN', u: 'STRUCT(h BIGINT)'}})"
    with duckdb.connect() as connection:
        connection.execute("SET autoinstall_known_extensions = false")
        rows = connection.execute(f"SELECT {', '.join([*by, theirs])} FROM {source} WHERE {condition} {ordered}").fetchall()  # noqa: S608  (our own table)
    assert found == [
        [pytest.approx(value, rel=1e-12, abs=0) if isinstance(value, float) else value for value in row] for row in rows
    ]
