"""modules.regex beside the guest's own `re`: the same matches, or a refusal with the line to write with `re`."""

import json

import pytest

# The places of the groups in each match of both, in one form.
BOTH = """
import json, re, warnings
warnings.simplefilter("ignore")
pattern, flags, text = json.loads({case!r})
theirs = [[m.start(), m.end(), m.group(), list(m.groups())] for m in re.finditer(pattern, text, flags)]
found = modules.regex.find(pattern, ignore_case=bool(flags & re.I), multi_line=bool(flags & re.M), text=text)
print(json.dumps([[[m["start"], m["end"], m["match"], m["groups"]] for m in found], theirs]))
"""


@pytest.fixture
def both(run_cells):
    """await both(pattern, text, flags): what the module and what `re` finds."""

    async def answers(pattern, text, flags=0):
        outcome = await run_cells(BOTH.format(case=json.dumps([pattern, int(flags), text])))
        assert outcome.error is None, outcome.error
        return json.loads(outcome.head)

    return answers


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("(?x) [a-z ]+", "a b c1d"), ("(?x)[ ] | [#] # a comment", "a #b"), (r"(?x) a\ b \# c", "a b#c"), ("(?x: a b )c d", "abc d"),
        ("a*", "baac"), (r"\d*", "a12b3"), ("b|x*", "xab"), (r"\b", "a::bc"), ("(?m)^|$", "a\n\nb"), ("(?m)$^", "a\n\nb"), ("(?m)(a$|$)(^b|^)", "a\n\nb"), ("(a|b*)", "abbc"),
        (r"[a&&b]+", "a&b"), ("[[a]+", "[a["), ("[a||b]", "a|"), ("[a~~b]", "~"), ("[]a]+", "]a"), ("[^]]", "]a"),
        (r"\w+", "e\u0301 ½² \u200d"), (r"\s+", "a\x1c\u2028 b"), (r"[^\W\d_]+", "a1_é"), (r"\d+", "1\u0663"), (r"(?a)\w+", "aé"),
        (r"a\Z", "a\na"), (r"\0|\x41|\u0042|\N{DIGIT ONE}|\101", "\0AB1"), ("a{,2}", "aaa"), ("a{x}|a{", "a{x}a{"), ("(?#c)a", "a"),
        ("(?P<n>a)(b)?", "aab"), ("(?i)straße|K|\u017f", "STRASSE STRAßE k K s"), ("(?i:a)b", "Abab"), ("(?s).", "\n"), ("(?-i:a)", "aA"),
        ("(?:(a)|(b))*?c", "abc"), ("(?:(a)|b)*c", "abc"), ("(a)|(b)", "ab"), ("((a)b?)+", "aba"), ("x{2}?", "xxx"), (".+?,", "a,b,"),
        (r"\.\^\$\*\+\?\{\}\[\]\\\|\(\)", ".^$*+?{}[]\\|()"), (r"[\]\-\^\\]+", "]-^\\"), ("\ud83d\ude00+", "\U0001f600\U0001f600"),
        *((f"\\{mark}", f"a{mark}b") for mark in "!\"#%&',-/:;<=>@_`~ "),
    ],
)  # fmt: skip
async def test_the_matches_are_those_of_re(both, pattern, text):
    """With their groups."""
    pattern = pattern.encode("utf-16", "surrogatepass").decode("utf-16")
    ours, theirs = await both(pattern, text)
    assert ours == theirs


LOOKS = "it looks around, (?=...) or (?<=...)"
EMPTY = "it can match nothing where it could match something, and re tries the same place again"


@pytest.mark.parametrize(
    ("call", "why", "instead"),
    [
        ("count('a(?=b)')", LOOKS, "sum(1 for match in re.finditer('a(?=b)', context))"),
        ("count('(?<!a)b', ignore_case=True)", LOOKS.replace("?=", "?!").replace("?<=", "?<!"), "sum(1 for match in re.finditer('(?<!a)b', context, re.IGNORECASE))"),
        (r"find(r'(a)\1', text='aa')", "it refers back to a group", r"[match for match in re.finditer('(a)\\1', text)]"),
        (r"find(r'(?i)(a)\1')", "it refers back to a group", r"[match for match in re.finditer('(?i)(a)\\1', context)]"),
        ("lines('(a)(?(1)b|c)')", "it asks whether a group matched", r"[line for line in context.split('\n') if re.search('(a)(?(1)b|c)', line)]"),
        ("top('(?>a)')", "it has an atomic group", "Counter(match[1] for match in re.finditer('(?>a)', context)).most_common(10)"),
        ("extract('a++', multi_line=True)", "it has a possessive quantifier", "[match.groups() for match in re.finditer('a++', context, re.MULTILINE)]"),
        ("count_many(['a', '(?!b)'])", LOOKS.replace("?=", "?!").replace("?<=", "?<!"), "sum(1 for match in re.finditer('(?!b)', context))"),
        (r"count(r'\b|:+')", EMPTY, r"sum(1 for match in re.finditer('\\b|:+', context))"),
        ("count('a*?')", EMPTY, "sum(1 for match in re.finditer('a*?', context))"),
        ("count('x*|b')", EMPTY, "sum(1 for match in re.finditer('x*|b', context))"),
        ("count('(a*)*')", "it repeats what can match nothing", "sum(1 for match in re.finditer('(a*)*', context))"),
        ("count('a$')", r"its $ means the place before a last line end too; write \Z for the very end, or pass multi_line=True", "sum(1 for match in re.finditer('a$', context))"),
        (r"count(r'\ba', text='e\u0301a')", r"the text has characters of which not all say that they belong to a word, as \b asks", r"sum(1 for match in re.finditer('\\ba', text))"),
    ],
)  # fmt: skip
async def test_what_a_module_cannot_do_is_refused_with_the_line_for_re(failure, call, why, instead):
    """The whole message."""
    function, pattern = call.partition("(")[0], instead.partition("re.finditer(")[2] or instead.partition("re.search(")[2]
    shown = pattern[: pattern.index("', ") + 1]
    assert await failure(f"modules.regex.{call}", text="abc") == (
        f"ModuleError: regex.{function}: {shown} is not for a module: {why}. With re: {instead}"
    )


async def test_patterns_of_the_module_text_are_those_of_re(ask):
    """`^` and `$` are the ends of lines."""
    assert await ask(r"modules.text.numbers(r'^n\:(\d+)$')", text="n:1\nn:22\nxn:3\n") == await ask(
        r"modules.text.numbers(r'(?:^|\n)n:([0-9]+)')", text="n:1\nn:22\nxn:3\n"
    )
    assert await ask(r"modules.text.terms(r'[a&&b]', min_count=1)", text="a&c") == [
        {"term": "&", "count": 1}, {"term": "a", "count": 1},
    ]  # fmt: skip


async def test_a_pattern_of_the_modules_own_is_taken_as_it_is(ask):
    r"""What `re` has not: \p{Lu}."""
    assert await ask(r"modules.regex.extract(r'\p{Lu}+', ignore_case=True)", text="aÄb1") == [["aÄb"]]


@pytest.mark.parametrize("call", ["find('a')", "lines('a')", "extract('a')"])
async def test_all_matches_are_found(ask, call):
    """Not only the first hundred."""
    assert await ask(f"len(modules.regex.{call})", text="a\n" * 6667) == 6667


@pytest.mark.parametrize(
    ("call", "items", "less"),
    [
        ("find('a+')", "20000 matches", "pass limit=, narrow the pattern, or take modules.regex.count or .top"),
        ("extract('a+')", "20000 matches", "pass limit=, narrow the pattern, or take modules.regex.count or .top"),
        ("lines('a')", "20000 lines", "pass limit=, narrow the pattern, or take modules.regex.count"),
    ],
)
async def test_too_many_matches_are_an_error_with_their_number(failure, call, items, less):
    """And with how to ask for less."""
    assert await failure(f"modules.regex.{call}", text=f"{'a' * 900}\n" * 20_000) == (
        f"ModuleError: regex.{call.partition('(')[0]}: {items} are more than the 16 MiB that a result may have: {less}"
    )


@pytest.mark.parametrize(
    "call", ["csv.select()", "csv.select(order_by='a')", "json.select()", "json.select(order_by='a', limit=19999)"]
)
async def test_too_many_rows_are_an_error_with_their_number(failure, call):
    """And with how to ask for less."""
    text = "a,b\n" + f"1,{'x' * 900}\n" * 20_000 if "csv" in call else f'{{"a":1,"b":"{"x" * 900}"}}\n' * 20_000
    assert await failure(f"modules.{call}", text=text) == (
        f"ModuleError: {call.partition('(')[0]}: {19_999 if 'limit' in call else 20_000} rows are more than the 16 MiB that a result may have: "
        "pass limit=, columns= or where=, or take aggregate"
    )


async def test_all_rows_are_selected(ask):
    """Not only the first hundred; the first in order of a table of any size."""
    text = "a,b\n" + "".join(f"{n},x\n" for n in range(6667))
    assert await ask("len(modules.csv.select())", text=text) == 6667
    lines = "".join(json.dumps({"a": n}) + "\n" for n in range(6667))
    assert await ask("len(modules.json.select())", text=lines) == 6667
    many = "a,b\n" + "".join(f"{n},{'x' * 900}\n" for n in range(40_000))
    assert await ask("[row['a'] for row in modules.csv.select(order_by='a', descending=True, limit=2)]", text=many) == [
        39_999,
        39_998,
    ]
