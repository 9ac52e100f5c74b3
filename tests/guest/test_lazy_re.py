"""`re` over a lazy text says what it says of the str."""

import re

import pytest
from comparing import plain
from comparing_patterns import POSITIONS, same_as_str
from hypothesis import strategies as st
from rlm_guest.lazy import characters
from rlm_guest.lazy.text import LazyText
from rlm_guest.lazy_re import elsewhere, search
from rlm_guest.lazy_re.functions import LazyPattern

from orchestrator.contexts.utf8 import TextBytes


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


@pytest.mark.parametrize("text", ["u" + "a \n" * 20, "a b" * 20, "a" + " " * 40 + "b", "a" + " " * 40 + "b\n"])
@pytest.mark.parametrize(
    "pattern", [r"(?s)u.+?\n", r"a\s+|a\s+b", r"(?s)a.*b$", r"(?s)a.*?$", r"(?s)a.*", r"(?s)(a.*?)(b)?", r"(?m)a\s*b$\s+"]
)
def test_a_module_says_whether_a_pattern_fits_the_whole_text(lazy, pattern, text):
    """Also one that would rather end before."""
    assert plain(LazyPattern(re.compile(pattern)).fullmatch(lazy.text(text))) == plain(re.fullmatch(pattern, text))


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        (r"(?s)a.*(?=b)", "it looks around, (?=...) or (?<=...)"),
        (r"(?<=u(?=[^Z]*Z))s", "it looks around, (?=...) or (?<=...)"),
        (r"(?<=u(?=(?:.|\n)*Z))s", "it looks around, (?=...) or (?<=...)"),
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


def test_characters_are_those_of_this_interpreter():
    """Written as ranges, in classes within the class: those Python has not."""
    ranges = characters.DIGIT.replace("[", "").replace("]", "")
    digits = re.compile("[" + re.sub(r"\\x\{(\w+)\}", lambda match: f"\\U{int(match[1], 16):08x}", ranges) + "]")
    assert all(bool(digits.match(chr(code))) == chr(code).isdecimal() for code in range(0x110000))
    assert isinstance(LazyText, type)
