"""modules.text: the counts of plain Python over generated texts, and what is a word, a term or a number."""

import json
import math
import random
import re
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from notebooks import as_sent


def prose(seed, count):
    """A generated text of so many words."""
    chance = random.Random(seed)
    words = [
        "the",
        "The",
        "Anna",
        "Boris",
        "Smith",
        "NASA",
        "X_1",
        "don't",
        "été",
        "naïve",
        "Ölberg",
        "Иван",
        "日本",
        "x2",
        "Dr",
        "Mr.",
        "is",
        "42",
        "-3.5",
    ]
    ends = [" "] * 12 + ["  ", ", ", ". ", "\n", "\n\n", "\r\n", "\t", " - ", "'"]
    return "".join(chance.choice(words) + chance.choice(ends) for _ in range(count))


def described(text):
    lines = [line.removesuffix("\n").removesuffix("\r") for line in text.splitlines(keepends=True)]
    longest = max(map(len, lines), default=0)
    return {
        "characters": len(text), "bytes": len(text.encode()), "lines": len(lines),
        "empty_lines": sum(not line.strip() for line in lines), "words": len(text.split()),
        "longest_line": {"line": [len(line) for line in lines].index(longest) + 1 if longest else 0, "characters": longest},
    }  # fmt: skip


@pytest.mark.parametrize(
    "text", ["", "\n", "a", "a\n", "a\n\nb", "a b\r\n\n   \né\u3000x\nlast", "😀" * 200_000 + "\nx y\n", prose(1, 60_000)]
)
async def test_describe(ask, text):
    """As Python counts; a line of spaces is empty, a last line end begins no line."""
    assert await ask("modules.text.describe()", text=text) == described(text)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text("a é😀\n\t\u3000", max_size=60))
async def test_describe_any_text(new_notebook, text):
    """The same over all texts of a small alphabet."""
    outcome = await new_notebook(text=text).run_cell(1, "import json\nprint(json.dumps(modules.text.describe()))")
    assert json.loads(outcome.head) == described(text)


async def test_documents_are_described_one_by_one_and_counted_together(ask):
    """The counts of words, terms and numbers are those of all; lines of terms have their document."""
    documents = ["Bob 1", "", "x\nBob 2\n"]
    assert await ask("modules.text.describe()", documents=documents) == [
        {"document": number} | described(text) for number, text in enumerate(documents)
    ]
    assert await ask("modules.text.words()", documents=documents) == [["bob", 2], ["1", 1], ["2", 1], ["x", 1]]
    assert await ask("modules.text.terms(lines=True)", documents=documents) == [
        {"term": "Bob", "count": 2, "lines": [[0, 1], [2, 2]]}
    ]
    assert (await ask("modules.text.numbers()", documents=documents))["sum"] == 3
    assert await ask("modules.text.histogram(bins=1)", documents=documents) == [{"from": 1, "to": 2, "count": 2}]


def ranked(found):
    return sorted(Counter(found).items(), key=lambda pair: (-pair[1], pair[0]))


@pytest.mark.parametrize("k", [0, 1, 5, 100])
async def test_words(ask, k):
    """In lower case; the most frequent first, equal ones by code point."""
    text = prose(2, 40_000)
    words = [word.strip("'").lower() for word in re.findall(r"[\w']+", text)]
    assert await ask(f"modules.text.words({k})", text=text) == [
        list(pair) for pair in ranked(word for word in words if word)[:k]
    ]


@pytest.mark.parametrize(("text", "words"), [
    ("", []), ("...'' '", []),
    ("It's 'it' IT_ it\u2019s", [["it", 1], ["it's", 1], ["it_", 1], ["it\u2019s", 1]]),
    ("É é E\u0301", [["é", 2], ["e", 1]]),
    pytest.param("ΟΔΟΣ οδος", [["οδος", 2]]),
])  # fmt: skip
async def test_what_is_a_word(ask, text, words):
    """Letters, digits, _ and apostrophes within."""
    assert await ask("modules.text.words()", text=text) == words


@pytest.mark.parametrize(("pattern", "own"), [
    ("proper_nouns", r"\b[A-ZÖИ][a-z\u0430-яé]+(?:[ \t]+[A-ZÖИ][a-z\u0430-яé]+)*\b"),
    ("titles", r"\b(?:Mr|Mrs|Ms|Miss|Dr|Prof|Sir|Lord|Lady|Prince|Princess|Count|Countess|King|Queen|General|Captain)\.? \w+"),
    ("all_caps", r"\b[A-Z][A-Z0-9_]+\b"), (r"[a-z]+\d", r"[a-z]+\d"), (r"(?m)^\w+", r"(?m)^\w+"),
    (r"\d*", r"\d+"),
])  # fmt: skip
@pytest.mark.parametrize(("min_count", "max_terms"), [(2, 500), (40, 3)])
async def test_terms(ask, pattern, own, min_count, max_terms):
    """Named patterns and others: counts as Python's re has them, and the first ten lines of each."""
    text = prose(3, 3000)
    matches = [match for match in re.finditer(own, text) if match[0]]
    lines = {}
    for match in matches:
        lines.setdefault(match[0], {}).setdefault(text.count("\n", 0, match.start()) + 1)
    kept = [(term, count) for term, count in ranked(match[0] for match in matches) if count >= min_count][:max_terms]
    arguments = f"{pattern!r}, {min_count}, {max_terms}"
    found = await ask(f"[[row['term'], row['count']] for row in modules.text.terms({arguments})]", text=text)
    assert found == [list(pair) for pair in kept]
    found = await ask(f"[row['lines'] for row in modules.text.terms({arguments}, lines=True)[:20]]", text=text)
    assert found == [list(lines[term])[:10] for term, _ in kept[:20]]


@pytest.mark.parametrize(("text", "terms"), [
    ("élan Élan ÉLAN éLan", ["Élan"]),
    ("Ada Lovelace met Charles  Babbage.", ["Ada Lovelace", "Charles  Babbage"]),
    ("New\nYork New\tYork", ["New", "York New\tYork"]),
    ("Ödön и Илья, Ørsted", ["Ödön", "Ørsted", "Илья"]),
    ("A McDonald X9 O'Brien iPhone", ["Brien"]),
    ("\u01c5 ǅemal ﬁne 漢字 ١٢٣", []),  # a title-case letter is no capital
    ("E\u0301lan Noe\u0308l", []),  # accents of their own are neither
])  # fmt: skip
async def test_what_is_a_proper_noun(ask, new_notebook, text, terms):
    """A capital and small letters of any script, joined by spaces and tabs; one meaning for cells and for commands."""
    assert [row["term"] for row in await ask("modules.text.terms(min_count=1)", text=text)] == terms
    outcome = await new_notebook(text=text).run_commands(1, as_sent({"op": "index_terms", "min_count": 1}))
    listed = "\n".join(f"{term} (1)" for term in terms)
    assert outcome.head == f"[{len(terms)} terms that occur at least 1 times]\n{listed}\n"


async def test_a_pattern_for_terms_is_of_lines(ask):
    """`^` and `$` are the ends of lines, as for numbers."""
    assert [row["term"] for row in await ask(r"modules.text.terms(r'^\w$', 1)", text="a\nb c\nd")] == ["a", "d"]


def percentile(values, share):
    place = share * (len(values) - 1)
    below, above = sorted(values)[math.floor(place)], sorted(values)[math.ceil(place)]
    return below + (above - below) * (place % 1)


def statistics(values):
    shares = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}
    exact = sum(values) if all(isinstance(each, int) for each in values) else math.fsum(values)
    return {"count": len(values), "sum": exact, "min": min(values), "max": max(values), "mean": exact / len(values)} | {
        name: percentile(values, share) for name, share in shares.items()
    }


def numbers_of(kind, seed):
    chance = random.Random(seed)
    made = {
        "integers": lambda: chance.randrange(-(10**9), 10**9),
        "floats": lambda: round(chance.uniform(-1e4, 1e4), 3),
        "mixed": lambda: chance.choice([chance.randrange(100), float(f"{chance.gauss(0, 1):.4e}")]),
        "few": lambda: chance.randrange(3),
    }
    return [made[kind]() for _ in range(5000)]


@pytest.mark.parametrize("kind", ["integers", "floats", "mixed", "few"])
async def test_numbers(ask, kind):
    """Any numbers, or those that a pattern's first group matches."""
    values = numbers_of(kind, 4)
    text = "".join(f"line v7 is {value!r}, (n={-value!r})\n" for value in values)
    expected = statistics(values)
    assert await ask("modules.text.numbers(r'is (\\S+),')", text=text) == {
        name: pytest.approx(value, rel=1e-12) for name, value in expected.items()
    }
    expected = statistics([*values, *(-value for value in values)])
    found = await ask("modules.text.numbers()", text=text)
    assert found == {name: pytest.approx(value, rel=1e-12, abs=1e-8) for name, value in expected.items()}


@pytest.mark.parametrize(("text", "values"), [
    ("1 2 3", [1, 2, 3]), ("-1, -2.5;+3 (4) $5 6% x=-7", [-1, -2.5, 3, 4, 5, 6, -7]),
    ("5-3 2020-01-02", [5, 3, 2020, 1, 2]), ("1e3 1E-2 2e 3.x 4.", [1000, 0.01, 3, 4]), ("x4 4x v1.2 _3 é5", []),
    ("\n7\n8\n", [7, 8]), ("1,234", [1, 234]),
])  # fmt: skip
async def test_what_is_a_number(ask, text, values):
    """Not what is a part of a word; no thousands separators; a sign only where nothing is before it."""
    found = await ask("([row['from'] for row in modules.text.histogram(bins=1)], modules.text.numbers())", text=text)
    assert (found[0], found[1]["count"], found[1]["sum"]) == ([min(values)] if values else [], len(values), sum(values))


async def test_integers_stay_integers(ask):
    """Count, sum, min and max of integers are integers; a group without a match counts for nothing."""
    found = await ask("[repr(value) for value in modules.text.numbers(r'n=(\\d+)?').values()]", text="n=1 n= n=3")
    assert found == ["2", "4", "1", "3", "2.0", "2.0", "2.8", "2.9", "2.98"]


async def test_large_integers_are_exact(ask):
    """Up to 64 bits."""
    found = await ask("modules.text.numbers()", text="9007199254740993")
    assert [found["sum"], found["min"], found["max"]] == [9007199254740993] * 3


async def test_a_word_like_a_number_does_not_end_the_scan(ask):
    """No pattern of one's own is to blame."""
    assert (await ask("modules.text.numbers()", text="commit 1e999 has 2 files"))["max"] == 2


@pytest.mark.parametrize(("kind", "bins"), [("integers", 10), ("floats", 7), ("mixed", 1), ("few", 3), ("few", 50)])
async def test_histogram(ask, kind, bins):
    """Ranges of equal width from the least to the greatest, which is in the last one."""
    values = numbers_of(kind, 5)
    least, width = min(values), (max(values) - min(values)) / bins
    counts = Counter(min(int((value - least) / width), bins - 1) for value in values)
    found = await ask(f"modules.text.histogram(r'(\\S+)', {bins})", text="\n".join(map(repr, values)))
    assert [row["count"] for row in found] == [counts[place] for place in range(bins)]
    edges = [pytest.approx(least + width * place, rel=1e-12, abs=1e-9) for place in range(bins + 1)]
    assert [[row["from"], row["to"]] for row in found] == [list(pair) for pair in pairwise(edges)]


@pytest.mark.parametrize(("call", "text", "value"), [
    ("words()", "", []), ("terms()", "", []), ("histogram()", "", []),
    ("histogram()", "no number", []),
    ("numbers()", "", {"count": 0, "sum": 0} | dict.fromkeys(["min", "max", "mean", "p50", "p90", "p95", "p99"])),
    ("histogram(bins=2)", "5 5", [{"from": 5, "to": 5, "count": 2}, {"from": 5, "to": 5, "count": 0}]),
    ("terms(max_terms=0, min_count=0)", "Bob", []), ("words(text='a a')", "b", [["a", 2]]),
    ("words(text=context)", "b", [["b", 1]]),
])  # fmt: skip
async def test_little_text(ask, call, text, value):
    """Nothing to count is no error."""
    assert await ask(f"modules.text.{call}", text=text) == value


async def test_a_histogram_wider_than_a_float_is_refused(run_cells):
    """With its ends."""
    outcome = await run_cells("modules.text.histogram(bins=2)", text="1e308 -1e308 0")
    assert outcome.error.endswith("ModuleError: text.histogram: the numbers are too far apart: from -1e308 to 1e308")


@pytest.mark.parametrize(("call", "message"), [
    ("numbers(r'(\\w+)')", 'text.numbers: "ab" is not a number: let a group match the number alone'),
    ("histogram('ab')", 'text.histogram: "ab" is not a number: let a group match the number alone'),
    ("histogram(bins=0)", "text.histogram: bins: from 1 to 10000, not 0"),
    ("histogram(bins=10001)", "text.histogram: bins: from 1 to 10000, not 10001"),
    ("histogram(bins=2.5)", "text.histogram: invalid type: number, expected a whole number from 0"),
    ("terms('(')", 'text.terms: "(", character 1: unclosed group'),
    ("terms(min_count=-1)", "text.terms: invalid type: number, expected a whole number from 0"),
    ("terms(5)", "text.terms: invalid type: number, expected a string"),
    ("words('many')", 'text.words: invalid type: string "many", expected a whole number from 0'),
    ("words(limit=5)", "Text.words() got an unexpected keyword argument 'limit'"),
    ("words(text=b'x')", "text must be a str, not bytes; without it the module works on the context"),
    ("lines()", "'Text' object has no attribute 'lines'"),
])  # fmt: skip
async def test_a_wrong_call_says_what_is_right(run_cells, call, message):
    """The whole message."""
    outcome = await run_cells(f"modules.text.{call}", text="ab")
    assert outcome.error.splitlines()[-1].partition(": ")[2] == message


@pytest.mark.parametrize(("call", "message"), [
    ("'text', 'lines', {}, None", 'text.lines: there is no function "lines"; there are: describe, words, terms, numbers, histogram'),
    ("'text', 'words', {}, None", "text.words: missing argument `k`"),
    ("'text', 'words', {'k': 1, 'n': 2}, None", "text.words: unknown argument `n`, expected `k`"),
    ("'json', 'keys', {}, None", 'json.keys: there is no function "keys"; there are: describe, get, select, aggregate'),
    ("'xml', 'get', {}, None", "xml.get: there is no module 'xml'; there are: regex, csv, json, text"),
    pytest.param("'json', 'describe', {'n': 2}, None", 'json.describe: unknown argument `n`, there are none'),
])  # fmt: skip
async def test_a_function_that_is_not_there(run_cells, call, message):
    """As a command or an added module's caller may name it."""
    outcome = await run_cells(f"from rlm_guest import calls as m\nm.run({call})", text="ab")
    assert outcome.error.splitlines()[-1] == f"ModuleError: {message}"
