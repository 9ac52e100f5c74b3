"""modules.regex: its answers over texts and documents, the same wherever the text is cut."""

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pieces import Cut

from orchestrator.errors import ModuleError

ANY_FUNCTION = settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
PLAIN = {"ignore_case": False, "multi_line": False}
LETTERS = "ab1 _\né\U0001f600"
TEXTS = st.text(LETTERS, max_size=60)
CUTS = st.lists(st.integers(1, 9), min_size=1, max_size=4)


def atoms():
    """One character's worth of pattern, of the syntax that both have."""
    return st.sampled_from(
        ["a", "b", "1", "é", " ", "\n", ".", r"\w", r"\d", r"\s", r"\W", "[ab]", "[^a]", r"[^\n]", "\U0001f600"]
    )


def patterns():
    """Without anything that matches empty next to a match, which Python counts and this does not."""

    def extended(inner):
        quantified = st.builds("{}{}".format, atoms(), st.sampled_from(["*", "+", "?", "{1,2}", "{2}", "*?", "+?", "??"]))
        sequence = st.lists(st.one_of(inner, quantified), min_size=1, max_size=4).map("".join)
        return st.one_of(
            sequence,
            st.builds("({})".format, sequence),
            st.builds("(?:{}|{})".format, sequence, sequence),
            st.builds(r"\b{}".format, sequence),
            st.builds(r"{}\b".format, sequence),
            st.builds("^{}".format, sequence),
        )

    # What looks back, where the search begins behind another match.
    looking = [r"\b.", r"\Bb", "(?m:^)[^a]*b", "^[^a]*1", "b|^[^b]*1|1", r"\b\s?", "(?m:^)\\s*b", "a"]
    # Groups beside each other, whose places are found with and without the engine.
    pieces = ["(a+)", r"(\w*)", "([ab]{1,2})", "1", "_", "( )", r"(\d{2})", "([^a]+)", "é", "(é*?)", r"\b", "(.)", "([^a1]?)"]
    return st.one_of(
        st.recursive(atoms(), extended, max_leaves=6),
        st.lists(st.sampled_from(pieces), min_size=2, max_size=6).map("".join),
        st.lists(st.sampled_from(looking), min_size=1, max_size=3).map("|".join),
    )


def places(pattern, text, flags):
    """What Python finds, in the module's form."""
    return [
        {
            "start": each.start(),
            "end": each.end(),
            "line": text.count("\n", 0, each.start()) + 1,
            "match": each.group(),
            "groups": list(each.groups()),
        }
        for each in re.finditer(pattern, text, flags)
    ]


@ANY_FUNCTION
@given(pattern=patterns(), text=TEXTS, cuts=CUTS, multi_line=st.booleans(), ignore_case=st.booleans())
def test_the_matches_are_those_of_python_wherever_the_text_is_cut(run_module, pattern, text, cuts, multi_line, ignore_case):
    """Positions, lines and groups, over the syntax that both share; matches that are empty are another test's."""
    expected = places(pattern, text, re.MULTILINE * multi_line | re.IGNORECASE * ignore_case)
    if any(each["start"] == each["end"] for each in expected):
        return
    args = {"pattern": pattern, "limit": None, "ignore_case": ignore_case, "multi_line": multi_line}
    assert run_module("regex", "find", args, Cut(text, cuts)) == expected
    args.pop("limit")
    assert run_module("regex", "count", args, Cut(text, cuts)) == len(expected)


@ANY_FUNCTION
@given(pattern=st.one_of(patterns(), atoms().map("{}*".format), st.just(r"\b"), st.just("(?m)^|$")), text=TEXTS, cuts=CUTS)
def test_where_it_is_cut_never_matters(run_module, pattern, text, cuts):
    """Empty matches included."""
    args = {"pattern": pattern, "limit": None} | PLAIN
    assert run_module("regex", "find", args, Cut(text, cuts)) == run_module("regex", "find", args, Cut(text))


@ANY_FUNCTION
@given(pattern=patterns(), text=TEXTS, cuts=CUTS)
def test_lines_are_searched_one_by_one(run_module, pattern, text, cuts):
    r"""As re.search on each line without its end; a last empty line is none."""
    lines = text.split("\n")
    lines = lines[:-1] if not lines[-1] else lines
    found = [{"line": number, "text": line} for number, line in enumerate(lines, 1) if re.search(pattern, line)]
    args = {"pattern": pattern, "limit": None, "ignore_case": False}
    assert run_module("regex", "lines", args, Cut(text, cuts)) == found


LOG = "one ERROR disk\ntwo WARN disk\r\nthree ERROR net\n"


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("modules.regex.count('ERROR|WARN')", 3),
        ("modules.regex.count('error')", 0),
        ("modules.regex.count('error', ignore_case=True)", 2),
        ("modules.regex.count('^t')", 0),
        ("modules.regex.count('^t', multi_line=True)", 2),
        ("modules.regex.count_many(['disk', 'net', 'x'])", [2, 1, 0]),
        (r"modules.regex.find(r'(\w+) (ERROR|WARN)', limit=1)", [{"start": 0, "end": 9, "line": 1, "match": "one ERROR", "groups": ["one", "ERROR"]}]),
        ("modules.regex.find('(x)?net')", [{"start": 42, "end": 45, "line": 3, "match": "net", "groups": [None]}]),
        ("modules.regex.find('net', limit=0)", []),
        ("modules.regex.lines('disk$')", [{"line": 1, "text": "one ERROR disk"}, {"line": 2, "text": "two WARN disk"}]),
        ("modules.regex.lines('^t', limit=1)", [{"line": 2, "text": "two WARN disk"}]),
        (r"modules.regex.top(r'(\w+)\r?\n')", {"distinct": 2, "total": 3, "top": [["disk", 2], ["net", 1]]}),
        (r"modules.regex.top('ERROR|WARN', k=1)", {"distinct": 2, "total": 3, "top": [["ERROR", 2]]}),
        (r"modules.regex.top(r'(\w+) (\w+)', group=2)", {"distinct": 2, "total": 3, "top": [["ERROR", 2], ["WARN", 1]]}),
        (r"modules.regex.extract(r'(\w+) (ERROR|WARN)', limit=2)", [["one", "ERROR"], ["two", "WARN"]]),
        (r"modules.regex.extract('ERROR|WARN')", [["ERROR"], ["WARN"], ["ERROR"]]),
        ("modules.regex.count('é', text='éé')", 2),
        ("modules.regex.count('ERROR', text=context)", 2),
    ],
)  # fmt: skip
async def test_each_function_answers_in_its_form(ask, expression, value):
    """Over the context, or over a text of the cell."""
    assert await ask(expression, text=LOG) == value


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("modules.regex.count('a')", 3),
        ("modules.regex.count('^a')", 2),
        ("modules.regex.find('b')", [{"document": 2, "start": 2, "end": 3, "line": 2, "match": "b", "groups": []}]),
        (
            "modules.regex.lines('a', limit=2)",
            [{"document": 0, "line": 1, "text": "aé"}, {"document": 2, "line": 1, "text": "a"}],
        ),
        ("modules.regex.extract('(b)')", [[2, "b"]]),
        ("modules.regex.top('.')", {"distinct": 3, "total": 5, "top": [["a", 3], ["b", 1], ["é", 1]]}),
    ],
)
async def test_documents_are_each_searched_by_themselves(ask, expression, value):
    """Each row says which it is from; counts are of all."""
    assert await ask(expression, documents=["aé", "", "a\nba"]) == value


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("é(", '"é(", character 2: unclosed group'),
        ("[z-a]", '"[z-a]", character 2: invalid character class range, the start must be <= the end'),
        (r"(\w{1000}){1000}", r'"(\w{1000}){1000}" is too large when it is compiled: use smaller repetition counts'),
        (r"\p{Lu}(?=a)", "look-ahead (?=...) is not supported: match the text around it too and put what you want into a group (top and extract give groups), or filter the matches in Python"),
        (r"\p{Lu}++", r"\p{Lu}++ (a possessive or doubled quantifier) is not supported: write one quantifier; matching takes linear time here anyway"),
    ],
)  # fmt: skip
async def test_a_wrong_pattern_is_named_with_a_way_out(ask, pattern, why):
    """The whole message, with the pattern as it was written."""
    assert await ask(f"modules.regex.count({pattern!r})") == f"ModuleError: regex.count: {why}"


@pytest.mark.parametrize(
    ("pattern", "unit", "count"),
    [
        (r"\bå\w+\b", "åre båt ", 60_000),  # a boundary at each end
        (r"\båre\b|\bbåt\b", "åre båt ", 120_000),  # boundaries within
        (r"b\b", "b bå b ", 120_000),
        (r"\Bt\b", "åre båt t ", 60_000),
        (r"(?i)\bÅRE\b", "åre båt ", 60_000),
    ],
)
async def test_word_boundaries_are_quick_where_text_is_not_ascii(run_module, pattern, unit, count):
    """The engine's own way takes more than ten times the fuel."""
    text = unit * 60_000
    assert len(re.findall(pattern.replace("(?i)", ""), text, re.IGNORECASE)) == count
    assert run_module("regex", "count", {"pattern": pattern} | PLAIN, Cut(text), fuel=1_500 * len(text)) == count


async def test_a_boundary_that_fails_everywhere_stays_linear(run_module):
    """What is looked at in vain is bounded; then the engine takes over."""
    text = "é" + "a" * 200_000
    assert run_module("regex", "count", {"pattern": r"\ba+b?"} | PLAIN, Cut(text), fuel=4 * 10**9) == 0


async def test_a_pattern_that_spans_lines_has_the_whole_text(ask):
    """Whether or not it is longer than what is read at once."""
    text = "<" + "x\n" * 300_000 + ">"
    assert await ask("modules.regex.count('<[^>]*>')", text=text) == 1
    assert await ask(r"modules.regex.count(r'x\nx')", text=text) == 150_000


def test_a_text_that_is_too_long_for_such_a_pattern_is_refused_with_the_reason(run_module):
    """The limit is that of the cell's memory, here 256 MiB."""
    with pytest.raises(ModuleError) as error:
        run_module("regex", "count", {"pattern": "<[^>]*>"} | PLAIN, Cut("<" + "x" * 300_000_000))
    message = str(error.value)
    assert message == (
        'out of memory: 300000001 bytes of text are needed at once. "<[^>]*>" can match line ends, without a limit, so it '
        r"needs the whole text at once: write [ \t] for \s, [^...\n] for [^...], or {1,100} for +"
    )
