"""What modules.csv and modules.json share: keys that stay as they are written, and integers of any size."""

import json
from collections import Counter

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

LONG = "12345678901234567890"


def lines_of(values):
    """A table in CSV, and the same as JSON Lines, of one column with these values."""
    return {
        "csv": "v,w\n" + "".join(f"{value},x\n" for value in values),
        "json": "".join(f'{{"v": {value}}}\n' for value in values),
    }


@pytest.mark.parametrize("module", ["csv", "json"])
@pytest.mark.parametrize(
    ("values", "keys"),
    [
        ([f"{LONG}1", f"{LONG}2", f"{LONG}1"], [[int(f"{LONG}1"), 2], [int(f"{LONG}2"), 1]]),
        (["1.1", "1.10", "1.1"], [["1.1", 2], ["1.10", 1]]),
        (["1", "1.0"], [["1", 1], ["1.0", 1]]),
        (["1.5", "2", "1.5"], [[1.5, 2], [2, 1]]),
        (["10", "9", "9"], [[9, 2], [10, 1]]),
        (["1e2", "100"], [["1e2", 1], ["100", 1]]),
        (["9007199254740993", "9007199254740992.0"], [[9007199254740992.0, 1], [9007199254740993, 1]]),
    ],
)  # fmt: skip
async def test_keys_stay_apart(ask, module, values, keys):
    """They come as numbers if Python writes each of them so and no two are equal, else as their digits."""
    query = f"[[row['v'], row['count']] for row in modules.{module}.aggregate(['v'])]"
    assert await ask(query, text=lines_of(values)[module]) == keys
    query = f"modules.{module}.aggregate(values={{'n': ['distinct', 'v']}})[0]['n']"
    assert await ask(query, text=lines_of(values)[module]) == len(keys)


async def test_keys_of_a_column_of_texts_are_texts(ask):
    """As modules.csv.select has them."""
    text = "v,w\n1,x\n2,x\nn/a,x\n2,x\n"
    assert await ask("[row['v'] for row in modules.csv.aggregate(['v'])]", text=text) == ["1", "2", "n/a"]
    assert await ask("[row['v'] for row in modules.csv.select()]", text=text) == ["1", "2", "n/a", "2"]


@pytest.mark.parametrize("module", ["csv", "json"])
@pytest.mark.parametrize(
    ("condition", "found"),
    [
        (["==", int(f"{LONG}1")], [1]),
        (["!=", int(f"{LONG}1")], [0, 2, 3, 4]),
        (["in", [int(f"{LONG}2"), 2**53 + 1]], [2, 3]),
        ([">", int(f"{LONG}1")], [2]),
        (["<", -(2**64)], [4]),
        (["==", float(f"{LONG}1")], []),
        (["<=", 2.0**53], [0, 4]),
        ([">", 2.0**53], [1, 2, 3]),
    ],
)
async def test_conditions_on_integers_are_exact(ask, module, condition, found):
    """Of any size, and against floats."""
    values = [str(2**53), f"{LONG}1", f"{LONG}2", str(2**53 + 1), f"-{LONG}1"]
    query = f"[row['v'] for row in modules.{module}.select(['v'], where=[['v', *{condition!r}]])]"
    assert await ask(query, text=lines_of(values)[module]) == [int(values[place]) for place in found]


async def test_a_text_in_a_condition_is_compared_as_text(ask):
    """1.10 is the number 1.1, but not the text."""
    text = "v,w\n1.1,a\n1.10,b\n"
    assert await ask("[row['w'] for row in modules.csv.select(where=[['v', '==', '1.10']])]", text=text) == ["b"]
    assert await ask("[row['w'] for row in modules.csv.select(where=[['v', '==', 1.1]])]", text=text) == ["a", "b"]


INTEGERS = st.integers() | st.integers(-(10**60), 10**60) | st.sampled_from([2**63, -(2**63) - 1, 10**18, 10**36, -(10**36)])


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(INTEGERS, min_size=1, max_size=12))
@example(values=[10**40, -(10**40) - 1])
@example(values=[2**127 - 1, 1, -(2**127), 10**18 - 1, -(10**18)])
async def test_integers_of_any_size_are_exact(new_notebook, values):
    """In sum, min, max, distinct and as they are selected, as Python has them."""
    texts = lines_of(values)
    code = f"""
measures = {{"s": ["sum", "v"], "lo": ["min", "v"], "hi": ["max", "v"], "d": ["distinct", "v"]}}
for module, text in ((modules.csv, {texts["csv"]!r}), (modules.json, {texts["json"]!r})):
    [row] = module.aggregate(values=measures, text=text)
    print(json.dumps([*row.values(), [each["v"] for each in module.select(["v"], order_by="v", text=text)]]))
"""
    outcome = await new_notebook().run_cell(1, f"import json{code}")
    expected = [sum(values), min(values), max(values), len(set(values)), sorted(values)]
    assert [json.loads(line) for line in (outcome.head + outcome.tail).splitlines()] == [expected] * 2, outcome.error


@pytest.mark.parametrize("module", ["csv", "json"])
async def test_integers_among_floats_keep_their_digits(ask, module):
    """The least and the greatest are as they are written; a sum with floats is a float."""
    query = f"list(modules.{module}.aggregate(values={{'lo': ['min', 'v'], 'hi': ['max', 'v'], 's': ['sum', 'v'], 'm': ['mean', 'v']}})[0].values())"
    text = lines_of(["0.5", str(2**53 + 1), str(-(2**70) - 1)])[module]
    assert await ask(query, text=text) == [
        -(2**70) - 1,
        2**53 + 1,
        float(2**53 - 2**70),
        pytest.approx(float(2**53 - 2**70) / 3),
    ]


ORDERS = [[("ann", 1), ("bob", 10)], [("ann", 3)], [("bob", 10), ("ann", 5)]]
DOCUMENTS = {
    "csv": ["name,n\n" + "".join(f"{name},{n}\n" for name, n in rows) for rows in ORDERS],
    "json": ["".join(json.dumps({"name": name, "n": n}) + "\n" for name, n in rows) for rows in ORDERS],
}


@pytest.mark.parametrize("module", ["csv", "json"])
@pytest.mark.parametrize(
    ("by", "rows"),
    [(["name"], [["ann", 9, 3.0, 3], ["bob", 20, 10.0, 1]]), ([], [[29, 5.0, 4]])],
)
async def test_documents_are_aggregated_together(ask, module, by, rows):
    """One group over all of them, with percentiles and distinct values of all."""
    values = {"s": ["sum", "n"], "p": ["p50", "n"], "d": ["distinct", "n"]}
    query = f"[list(row.values()) for row in modules.{module}.aggregate({by!r}, {values!r}, together=True)]"
    assert await ask(query, documents=DOCUMENTS[module]) == rows


async def test_documents_of_unlike_columns_are_aggregated_together(ask):
    """What one does not have is null there."""
    documents = ["name,n\nann,1\n", "n;name\n2;ann\n", "name,m\nann,7\n"]
    query = "modules.csv.aggregate(['name'], {'s': ['sum', 'n'], 'c': ['count']}, together=True)"
    assert await ask(query, documents=documents) == [{"name": "ann", "s": 3, "c": 3}]


async def test_one_text_is_together_anyway(ask):
    """It has no documents."""
    assert await ask("modules.csv.aggregate(together=True)", text="a,b\n1,2\n") == [{"count": 1}]


async def test_sums_of_each_group_are_exact(ask):
    """Another group's floats change nothing."""
    text = f"g,v\na,0.5\nb,{LONG}1\nb,1\n"
    query = "[row['s'] for row in modules.csv.aggregate(['g'], {'s': ['sum', 'v']})]"
    assert await ask(query, text=text) == [0.5, int(f"{LONG}2")]


async def test_what_is_infinite_is_so_in_python(ask):
    """A sum beyond the range of floats, and 1e400 in JSON."""
    assert await ask("modules.csv.aggregate(values={'s': ['sum', 'v']})", text="v,w\n1e308,\n1e308,\n") == [{"s": float("inf")}]
    text = '{"v": 1e400}\n{"v": 1}\n'
    query = "[*modules.json.aggregate(values={'s': ['sum', 'v'], 'hi': ['max', 'v'], 'p': ['p0', 'v']})[0].values()]"
    assert await ask(query, text=text) == [float("inf"), float("inf"), 1.0]


NUMBERS = st.from_regex(r"-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,20})?", fullmatch=True)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(NUMBERS, min_size=1, max_size=12))
async def test_groups_are_those_of_the_texts(new_notebook, values):
    """Every key is there once, with its own digits or a number that is written with them."""
    texts = lines_of(values)
    code = f"""
import json
for module, text in ((modules.csv, {texts["csv"]!r}), (modules.json, {texts["json"]!r})):
    print(json.dumps([[str(row["v"]), row["count"]] for row in module.aggregate(["v"], text=text)]))
"""
    outcome = await new_notebook().run_cell(1, code)
    expected = sorted(Counter(values).items())
    for found in map(json.loads, outcome.head.splitlines()):
        assert sorted(map(tuple, found)) == expected
        assert [float(key) for key, _ in found] == sorted(float(key) for key, _ in found)
