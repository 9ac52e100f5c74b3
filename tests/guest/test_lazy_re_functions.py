"""The functions of `re`, its patterns and matches, over a lazy text: as over the str."""

import copy
import pickle
import re

import pytest
from comparing import described, outcome
from comparing_patterns import same_as_str
from hypothesis import strategies as st
from rlm_guest.lazy_re import functions
from rlm_guest.lazy_re.functions import LazyPattern


def test_any_split_is_that_of_a_str(lazy):
    """With groups, and at empty matches; some parts, or all."""
    same_as_str(lazy, lambda pattern, text, most: pattern.split(text, most), st.integers(-1, 3))


REPLACEMENTS = st.sampled_from(
    ["", "x", r"<\g<0>>", r"\n", lambda match: f"{match.start()}{match.group()}", lambda match: None]
)


def test_any_substitution_is_that_in_a_str(lazy):
    """By a template or a function; some, or all."""

    def replaced(pattern, text, repl, count):
        return pattern.sub(repl, text, count), pattern.subn(repl, text, count)

    same_as_str(lazy, replaced, REPLACEMENTS, st.integers(-1, 3))


@pytest.mark.parametrize("pattern", [r"\s+", "user"])
@pytest.mark.parametrize("name", ["sub", "split", "findall"])
def test_what_is_close_together_is_read_together(lazy, name, pattern):
    """A few reads for each piece of the text, whether a module finds the matches or `re` does."""
    lazy.cut(1000, longest=2000, near=500, ahead=1000)
    text = "user=u1 ms=12 abc def\n" * 1000
    arguments = {"sub": ["-"]}.get(name, [])
    found = getattr(LazyPattern(re.compile(pattern)), name)(*arguments, lazy.text(text))
    assert list(iter(found)) == list(getattr(re.compile(pattern), name)(*arguments, text))
    assert len(lazy.reads) < 10 * len(text) / 1000


def test_matches_far_apart_are_read_by_themselves(lazy):
    """What lies between them is not."""
    lazy.cut(1000, longest=2000, near=500, ahead=100_000)
    text = ("a\n\n" + "-" * 20_000) * 4
    assert len(LazyPattern(re.compile(r"a\s+")).findall(lazy.text(text))) == 4
    assert sum(length for _, length in lazy.reads) < 5000


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
        lambda text: re.sub("zzz", r"\9", text),
        lambda text: re.sub("zzz", 5, text),
        lambda text: re.sub("a", r"\g<x", text),
        lambda text: re.sub("a", lambda match: 5, text),
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
