"""`re` over a lazy text says what it says of the str."""

import copy
import pickle
import re
import warnings

import pytest
from comparing import SIZES, described, outcome, plain
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from rlm_guest.lazy import characters
from rlm_guest.lazy.text import LazyText
from rlm_guest.lazy_re import elsewhere, functions, search, widths
from rlm_guest.lazy_re.functions import LazyPattern

from orchestrator.contexts.utf8 import TextBytes

TEXTS = st.text(alphabet="abBk_1² \t\r\n\x1cé\u0301\u212a\u0130\u0131\u017fß😀", max_size=30)
ATOMS = st.sampled_from(
    [
        *"abBkiés😀1 ",
        r"\n",
        ".",
        r"\w",
        r"\W",
        r"\d",
        r"\D",
        r"\s",
        r"\S",
        "[ab]",
        "[^a]",
        "[a-k]",
        r"[^\w\n]",
        r"[\W_]",
        "[^k]",
        r"[\d\s]",
    ]
)
ANCHORS = st.sampled_from(["^", "$", r"\A", r"\Z", r"\b", r"\B"])
FORMS = [
    "{}*",
    "{}+",
    "{}?",
    "{}*?",
    "{}+?",
    "{}{{1,2}}",
    "({})",
    "(?:{})",
    "(?={})",
    "(?!{})",
    "(?<=a{})",
    "(?<!{})",
    "(?>{})",
    "(?:{})++",
    "({})\\1",
    "(?i:{})",
    "(?s:{})",
]
FLAGS = st.lists(st.sampled_from([re.I, re.M, re.S, re.A]), max_size=2).map(lambda flags: sum(set(flags)))


def joined(parts):
    return st.lists(parts, min_size=1, max_size=3).map("".join)


PATTERNS = st.recursive(
    st.one_of(ATOMS, ATOMS, ANCHORS),
    lambda inner: st.one_of(
        joined(inner),
        st.tuples(st.sampled_from(FORMS), inner).map(lambda form: form[0].format(form[1])),
        st.tuples(inner, inner).map("|".join),
    ),
    max_leaves=6,
)
POSITIONS = st.integers(-2, 35)


def same_as_str(lazy, expression, *strategies, patterns=PATTERNS, texts=TEXTS, examples=300):
    """For all patterns, flags, texts, arguments and sizes of pieces; or an error that says that it cannot be."""

    @settings(max_examples=examples, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much], deadline=None)
    @given(patterns, FLAGS, texts, st.tuples(*strategies), SIZES)
    def same(pattern, flags, text, arguments, sizes):
        piece, longest, near, ahead = sizes
        lazy.cut(piece, longest=longest, near=near, ahead=ahead)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                compiled = re.compile(pattern, flags)
        except re.error:
            assume(condition=False)
        try:
            found = plain(expression(LazyPattern(compiled), lazy.text(text), *arguments))
        except ValueError as error:
            assert "cannot be searched for" in str(error)  # noqa: PT017  (which it is, or the right answer)
        else:
            assert found == plain(expression(compiled, text, *arguments))

    same()


def test_any_matches_are_those_in_a_str(lazy):
    """Their groups, spans, names: whatever windows they are found in, and whether a module finds them."""
    same_as_str(
        lazy,
        lambda pattern, text, *ends: list(pattern.finditer(text, *ends)),
        POSITIONS,
        POSITIONS,
        examples=1000,
    )


def test_any_search_is_that_in_a_str(lazy):
    """The first match."""
    same_as_str(lazy, lambda pattern, text, *ends: pattern.search(text, *ends), POSITIONS, POSITIONS)


def test_any_match_at_a_place_is_that_in_a_str(lazy):
    """From there on, or to the end."""

    def at(pattern, text, start, length):
        return pattern.match(text, start, start + length), pattern.fullmatch(text, start, start + length)

    same_as_str(lazy, at, POSITIONS, st.integers(0, 35))


def test_any_findall_is_that_in_a_str(lazy):
    """Matches, or groups."""
    same_as_str(lazy, lambda pattern, text, *ends: pattern.findall(text, *ends), POSITIONS, POSITIONS)


def test_any_split_is_that_of_a_str(lazy):
    """With groups, and at empty matches; some parts, or all."""
    same_as_str(lazy, lambda pattern, text, most: pattern.split(text, most), st.integers(-1, 3))


REPLACEMENTS = st.sampled_from(["", "x", r"<\g<0>>", r"\n", lambda match: f"{match.start()}{match.group()}"])


def test_any_substitution_is_that_in_a_str(lazy):
    """By a template or a function; some, or all."""

    def replaced(pattern, text, repl, count):
        return pattern.sub(repl, text, count), pattern.subn(repl, text, count)

    same_as_str(lazy, replaced, REPLACEMENTS, st.integers(-1, 3))


LONG = [
    "ab",
    r"(?i)k",
    r"\w+",
    r"(\w)(\d)?",
    "a.b",
    r"^\w",
    r"\d$",
    r"k?(\w|\n)$",
    r"\d$|k|\w\Z",
    r"\n$",
    r"\bk",
    r"\Bk",
    "[^a]b",
    "(?s)a.*b",
    "a|b",
    r"\s+",
    r"(?P<n>a)+b",
    r"(?a)\w+\s",
]


@pytest.mark.parametrize("pattern", LONG)
def test_matches_far_away_are_found_by_a_module(lazy, pattern):
    """And are the same."""
    text = "-" * 300 + "ab Kk a1 aab\nk9 \u212a9\n" + "." * 200 + "ba1\nk"
    lazy.cut(20, longest=40, near=20, ahead=5)
    for flags in (0, re.MULTILINE):
        compiled = re.compile(pattern, flags)
        found = plain(list(LazyPattern(compiled).finditer(lazy.text(text))))
        assert found == plain(list(compiled.finditer(text)))
    assert lazy.calls != [] or pattern == "[^a]b"


def test_matches_far_apart_are_found_in_few_calls(lazy):
    """Ever more are asked for at once."""
    lazy.cut(10, longest=20, near=10, ahead=5)
    text = lazy.text(("needle" + "-" * 50) * 500)
    assert sum(1 for _ in LazyPattern(re.compile("needle")).finditer(text)) == 500
    assert len(lazy.calls) < 10


def test_one_match_is_asked_for_where_one_is_wanted(lazy):
    """A search does not look for the second."""
    LazyPattern(re.compile("needle")).search(lazy.text("-" * 50 + "needle" + "-" * 50 + "needle"))
    assert [call["args"]["limit"] for call in lazy.calls] == [1]


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        (r"(?s)a.*(?=b)", "it looks around, (?=...) or (?<=...)"),
        (r"(?s)(a).*\1", "it refers back to a group"),
        (r"[^a]*", "it can match nothing at all"),
        (r"a(?:\s+$)+b*", "it has a $ before its end, without re.MULTILINE"),
        (r"(?:a*)+b\s+", "it repeats what can match nothing"),
        (r"a\s++", "it has a possessive quantifier"),
        (r"(?>a\s+)", "it has an atomic group"),
        (r"(a)?b\s+(?(1)a|b)", "it asks whether a group matched"),
        (r"\ba\s+", "the text has characters of which not all say that they belong to a word, as \\b asks"),
    ],
)
def test_what_cannot_be_searched_for_says_why(lazy, pattern, why):
    """The whole message."""
    with pytest.raises(ValueError) as error:  # noqa: PT011  (the whole message follows)
        list(LazyPattern(re.compile(pattern)).finditer(lazy.text("x²" * 20)))
    assert str(error.value) == (
        f"{pattern!r} cannot be searched for in a text of 40 characters: it needs too much of it at once, and a module cannot do it "
        f"either ({why}). Write [^\\n] for what can be anything and {{1,1000}} for + and *, or search slices or lines()"
    )


def test_bytes_find_nothing_in_a_text(lazy):
    """As in a str."""
    with pytest.raises(TypeError, match=r"^cannot use a bytes pattern on a string-like object$"):
        LazyPattern(re.compile(b"a")).search(lazy.text("abc"))


@pytest.fixture
def installed(monkeypatch):
    """`re` as in a guest whose context is lazy."""
    for name in ("compile", "search", "match", "fullmatch", "finditer", "findall", "split", "sub", "subn"):
        monkeypatch.setattr(re, name, getattr(re, name))
    functions.install()


TEXT = "ab, cd;ab"


@pytest.mark.parametrize(
    "expression",
    [
        lambda text: re.search("c(.)", text),
        lambda text: re.match("a", text),
        lambda text: re.fullmatch(".*", text),
        lambda text: list(re.finditer("(?P<x>a)b", text)),
        lambda text: re.findall("A", text, re.IGNORECASE),
        lambda text: re.findall("A", text, flags=re.IGNORECASE),
        lambda text: re.split("[,;]", text),
        lambda text: re.split("[,;]", text, maxsplit=1),
        lambda text: re.sub("a", "-", text),
        lambda text: re.sub("a", "-", text, count=1),
        lambda text: re.subn(r"(\w)(\w)", r"\2\1", text),
        lambda text: re.compile("a").findall(text),
        lambda text: re.compile(re.compile("a")).findall(text),
        lambda text: re.search(re.compile("a"), text),
        lambda text: re.compile(re.compile("a"), re.I),
        lambda text: re.search("(", text),
    ],
)
def test_the_functions_of_re_take_lazy_texts_and_others(lazy, installed, expression):
    """By position and by name."""
    lazy.cut(100, longest=100, near=100, ahead=5)
    assert outcome(expression, lazy.text(TEXT)) == outcome(expression, TEXT)


def test_a_pattern_is_what_it_was(installed):
    """Its attributes, copies, place in dicts, and what it is shown as."""
    pattern, plain_pattern = re.compile("(?P<a>b)", re.I), functions._compile("(?P<a>b)", re.I)
    assert (pattern.pattern, pattern.flags, pattern.groups, pattern.groupindex) == ("(?P<a>b)", 34, 1, {"a": 1})
    assert (repr(pattern), pattern == plain_pattern, hash(pattern)) == (repr(plain_pattern), True, hash(plain_pattern))
    assert copy.deepcopy(pattern) == copy.copy(pattern) == pickle.loads(pickle.dumps(pattern)) == pattern  # noqa: S301  (our own)


def test_patterns_and_matches_are_known_for_what_they_are(lazy):
    """By isinstance."""
    pattern = LazyPattern(re.compile("b"))
    assert isinstance(pattern, re.Pattern)
    assert isinstance(pattern.search(lazy.text("abc")), re.Match)


def test_a_match_is_asked_as_in_a_str(lazy):
    """By number and by name; what is not there is told."""
    found = LazyPattern(re.compile("(?P<a>b)(c)?")).search(lazy.text("abd"))
    assert (found["a"], found.group("a", 2), found.span("a"), found.end(2), copy.deepcopy(found)) == (
        "b",
        ("b", None),
        (1, 2),
        -1,
        found,
    )
    for wrong in ("x", 3, -1, 1.0):
        with pytest.raises(IndexError, match=r"^no such group$"):
            found.group(wrong)


def test_a_match_holds_no_more_than_its_groups(lazy):
    """Not the window that it was found in."""
    found = LazyPattern(re.compile("b")).search(lazy.text("ab" * 10))
    assert not any(isinstance(value, re.Match) for value in vars(found).values())
    assert described(found)[1][-1] == "<b>"


def test_what_a_module_and_re_do_not_agree_on_is_an_error(lazy, monkeypatch):
    """Rather than a match that is none."""
    monkeypatch.setattr(search.far, "spans", lambda *arguments: [(20, 30)])
    with pytest.raises(RuntimeError, match="re and the module do not agree at 20"):
        LazyPattern(re.compile("b+")).search(lazy.text("a" * 40))


CLASSES = [
    r"\w",
    r"\W",
    r"\d",
    r"\s",
    r"[^\s_]",
    "k",
    "[^k]",
    "[a-z]",
    "[^A-Z]",
    r"[i\d]",
    "ß",
    "[\u03b1-\u03c9]",
    "\u0130",
    r"[\W_k]",
]


@pytest.mark.parametrize("flags", [0, re.IGNORECASE, re.ASCII, re.IGNORECASE | re.ASCII])
@pytest.mark.parametrize("pattern", CLASSES)
def test_a_class_has_the_same_characters_elsewhere(run_module, pattern, flags):
    """All of Unicode, by the module's own reading of what we write for it."""
    everything = "".join(map(chr, [*range(0xD800), *range(0xE000, 0x20000), *range(0xE0000, 0xE0200)]))
    compiled = re.compile(f"{pattern}+", flags)
    expected = [list(match.span()) for match in compiled.finditer(everything)]
    arguments = {"pattern": elsewhere.Elsewhere(compiled).pattern, "seen": 0, "limit": 100_000}
    assert run_module("regex", "spans", arguments, TextBytes(everything)) == expected


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("abc", (1, 5, True, 3)),
        ("a*", (1, None, True, 0)),
        (r"a\s", (1, 4, False, 2)),
        (r"\W+", (1, None, False, 1)),
        ("[^a]", (1, 3, False, 1)),
        ("(?s:.)b.", (1, 5, False, 3)),
        ("(?s)(?-s:.)", (1, 3, True, 1)),
        ("a(?=bc)(?!d)", (1, 6, True, 1)),
        (r"(?<=\n\n)a", (3, 3, True, 1)),
        (r"(?<!ab(?=cde))x", (3, 6, True, 1)),
        (r"(?=.*b)a", (1, None, True, 1)),
        (r"(ab)\1", (1, 6, True, 4)),
        ("[^\\n]+\n", (1, None, False, 2)),
    ],
)
def test_a_pattern_looks_so_far(pattern, expected):
    """Behind its beginning, ahead to its end, and whether it stays in its line."""
    assert tuple(widths.reach(re.compile(pattern))) == expected


def test_characters_are_those_of_this_interpreter():
    """Written as ranges."""
    digits = re.compile("[" + re.sub(r"\\x\{(\w+)\}", lambda match: f"\\U{int(match[1], 16):08x}", characters.DIGIT) + "]")
    assert all(bool(digits.match(chr(code))) == chr(code).isdecimal() for code in range(0x110000))
    assert isinstance(LazyText, type)
