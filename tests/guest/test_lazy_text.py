"""A lazy text answers what a str answers, and reads what it needs."""

import string
import sys

import pytest
from comparing import BOUNDS, COMPARISONS, NEEDLES, TEXTS, method, same_as_str
from hypothesis import strategies as st
from rlm_guest import host
from rlm_guest.lazy.text import LazyText, length_of

STEPS = st.one_of(st.none(), st.integers(-9, 9))
INDEXES = st.one_of(st.integers(-35, 35), st.sampled_from([True, 0.0, "a", None]))
CHARS = st.one_of(st.none(), st.text(alphabet="ab \n😀", max_size=3))
SEPARATORS = st.one_of(st.none(), NEEDLES)
SPLITS = st.integers(-1, 4)


def test_any_slice_is_that_of_a_str(lazy):
    """Start, stop and step may be anything that a str takes."""
    same_as_str(lazy, lambda text, *bounds: text[slice(*bounds)], BOUNDS, BOUNDS, STEPS)


def test_any_index_is_that_of_a_str(lazy):
    """Also one that is none."""
    same_as_str(lazy, lambda text, index: text[index], INDEXES)


@pytest.mark.parametrize("name", ["find", "rfind", "index", "rindex", "count"])
def test_what_is_looked_for_is_found_as_in_a_str(lazy, name):
    """Needles that span pieces, overlap themselves, are empty, or none at all; bounds beyond the text."""
    same_as_str(lazy, method(name), st.one_of(NEEDLES, st.just(5)), BOUNDS, BOUNDS)


@pytest.mark.parametrize("name", ["startswith", "endswith"])
def test_ends_are_those_of_a_str(lazy, name):
    """One text or several."""
    same_as_str(lazy, method(name), st.one_of(NEEDLES, st.tuples(NEEDLES, NEEDLES), st.just([])), BOUNDS, BOUNDS)


def test_any_containment_is_that_of_a_str(lazy):
    """`in` finds needles of any length."""
    same_as_str(lazy, lambda text, needle: needle in text, st.one_of(NEEDLES, st.just(5)))


@pytest.mark.parametrize("name", ["strip", "lstrip", "rstrip"])
def test_what_is_stripped_is_that_of_a_str(lazy, name):
    """Of white space, and of given characters."""
    same_as_str(lazy, method(name), CHARS)


@pytest.mark.parametrize("name", ["removeprefix", "removesuffix", "partition", "rpartition"])
def test_a_text_is_divided_as_a_str(lazy, name):
    """At its ends, and around a separator."""
    same_as_str(lazy, method(name), NEEDLES)


@pytest.mark.parametrize("name", ["split", "rsplit"])
def test_a_text_is_split_as_a_str(lazy, name):
    """At white space or a separator, from the left or the right."""
    same_as_str(lazy, method(name), SEPARATORS, SPLITS, examples=200)


def test_a_text_has_the_lines_of_a_str(lazy):
    """All kinds of line ends, kept or not."""
    same_as_str(lazy, method("splitlines"), st.booleans(), examples=200)


def test_lines_end_at_line_feeds(lazy):
    """With or without a carriage return before; a last empty line does not count."""

    def lines(text):
        *whole, rest = str(text).split("\n")
        return (
            list(text.lines())
            if isinstance(text, LazyText)
            else [each.removesuffix("\r") for each in whole] + [rest] * bool(rest)
        )

    same_as_str(lazy, lines)


@pytest.mark.parametrize("name", [name for name in dir(str) if name.startswith("is")])
def test_a_question_is_answered_as_by_a_str(lazy, name):
    """Of all its characters."""
    same_as_str(lazy, method(name), texts=st.one_of(TEXTS, st.text(max_size=8), st.text(alphabet="aB1² ", max_size=8)))


@pytest.mark.parametrize("name", ["lower", "upper", "casefold", "swapcase", "title", "capitalize"])
def test_case_is_changed_as_of_a_str(lazy, name):
    """Also of characters that become two, and of the sigma that is another at the end of a word."""
    same_as_str(lazy, method(name), texts=st.one_of(TEXTS, st.text(alphabet="abAB é\n", max_size=30)))


WHOLE = {
    "center": (st.integers(0, 40),),
    "ljust": (st.integers(0, 40),),
    "rjust": (st.integers(0, 40),),
    "zfill": (st.integers(0, 40),),
    "encode": (st.sampled_from(["utf-8", "utf-16", "ascii"]),),
    "expandtabs": (st.integers(0, 9),),
    "replace": (NEEDLES, NEEDLES),
    "join": (st.lists(NEEDLES),),
    "translate": (st.just({97: "b", 98: None}),),
    "format": (st.just(1),),
    "format_map": (st.just({}),),
}


@pytest.mark.parametrize("name", WHOLE)
def test_what_needs_the_whole_text_is_that_of_a_str(lazy, name):
    """Where it fits into the memory."""
    same_as_str(lazy, method(name), *WHOLE[name])


@pytest.mark.parametrize(
    "expression",
    [
        lambda text, other: text + other,
        lambda text, other: other + text,
        lambda text, other: text * 2 + 2 * text,
        lambda text, other: f"{text}{text!s:>40}" + format(text),
        lambda text, other: "%s-%s" % (text, other),  # noqa: UP031  (the point)
        lambda text, other: "%s" % text,  # noqa: UP031
        lambda text, other: text % (),
        lambda text, other: text + 5,
        lambda text, other: 5 + text,
        lambda text, other: {text: 1}[str(text)],
        lambda text, other: hash(text) == hash(str(text)),
        lambda text, other: (bool(text), not text, length_of(text)),
        lambda text, other: (list(text), list(reversed(text)), sorted(text), set(text), "-".join(text)),
        lambda text, other: (text[:0], text.maketrans("a", "b"), str.maketrans("a", "b")),
    ],
)
def test_an_expression_gives_what_it_gives_of_a_str(lazy, expression):
    """Operators, formats, keys of a dict, characters."""
    same_as_str(lazy, expression, NEEDLES, examples=30)


@pytest.mark.parametrize("compare", COMPARISONS)
def test_a_text_stands_to_another_as_a_str(lazy, compare):
    """The same, a beginning of it, greater, or something else."""
    others = st.one_of(TEXTS, st.integers())
    same_as_str(lazy, lambda text, other: (compare(text, other), compare(other, text), compare(text, text + "a")), others)
    same_as_str(lazy, lambda text: (compare(text, text[:]), compare(text, str(text)), compare(text[1:], text)))


def test_every_method_of_a_str_is_there():
    """What this interpreter's str has, a lazy text has."""
    assert [name for name in dir(str) if not name.startswith("_") and not hasattr(LazyText, name)] == []


def test_a_lazy_text_is_neither_a_str_nor_a_list():
    """Code in C would see an empty one."""
    assert not issubclass(LazyText, str | list)


def test_a_slice_reads_its_own_range(lazy):
    """A slice with a step reads no more of a huge text than from its first to its last position."""
    assert lazy.text("abcdefghij")[7:3:-2] == "hf"
    assert lazy.reads == [(5, 3), (4, 1)]


def test_find_reads_up_to_its_end(lazy):
    """What is behind `end` is not read."""
    assert lazy.text("abcdefghij").find("x", 2, 5) == -1
    assert lazy.reads == [(2, 3)]


def test_what_is_far_away_is_found_by_a_module(lazy):
    """What is near is looked at here: then the module is asked, once."""
    text = lazy.text("x" * 100 + "needle" + "x" * 50)
    assert (text.find("needle"), text.count("x"), "nadel" in text, text.rfind("nadel")) == (100, 150, False, -1)
    assert [call["function"] for call in lazy.calls] == ["spans", "count", "spans", "spans"]
    assert sum(length for _, length in lazy.reads) < 60


def test_a_text_of_a_part_is_searched_in_that_part(lazy):
    """The module is given the part, as code points of the context."""
    part = lazy.text("é" * 10 + "ab" * 20 + "é" * 10 + "ab")[10:50]
    assert (part.count("ab"), part.find("é"), part.rfind("ab"), len(part)) == (20, -1, 38, 40)
    assert [call["part"] for call in lazy.calls] == [[10, 50], [14, 50]]


def test_reads_that_follow_each_other_are_few(lazy):
    """Going through a text by small slices, or by its characters, costs a call of the host now and then."""
    lazy.cut(100, longest=100, near=100, ahead=20)
    text = lazy.text(string.ascii_letters * 4)
    assert "".join(text[position : position + 3] for position in range(0, 208, 3)) == str(text)
    assert len(lazy.reads) == 16


def test_a_small_read_elsewhere_reads_no_more(lazy):
    """A slice here and a slice there."""
    lazy.cut(100, longest=100, near=100, ahead=20)
    text = lazy.text(string.ascii_letters)
    assert (text[30:32], text[3], text[50:]) == ("EF", "d", "YZ")
    assert lazy.reads == [(30, 2), (3, 1), (50, 2)]


@pytest.fixture
def full(lazy, monkeypatch):
    """A lazy text of ten characters, where there is no memory for more than five."""

    def read(document, start, length):
        if length > 5:
            raise MemoryError
        return "abcdefghij"[start : start + length]

    lazy.cut(20, longest=5, near=5, ahead=2)
    monkeypatch.setattr(host, "read", read)
    return lazy.text("abcdefghij")


@pytest.mark.parametrize(
    ("expression", "what"),
    [
        (str, "str()"),
        (hash, "hash()"),
        (lambda text: f"{text}", "format()"),
        (lambda text: text.replace("a", "b"), "replace()"),
        (lambda text: text + "a", "+"),
        (lambda text: text.encode(), "encode()"),
        (lambda text: text[::2], "a slice with a step"),
    ],
)
def test_what_does_not_fit_says_what_to_do(full, expression, what):
    """The whole message."""
    with pytest.raises(MemoryError) as error:
        expression(full)
    assert str(error.value) == (
        f"{what}: the text has 10 characters, too many for one str in this memory. Take slices, or go through it with lines() or "
        "pieces(); find, count, in, split, strip, re and modules work on all of it"
    )


def test_a_large_text_in_another_case_is_lazy_too(lazy):
    """It can be searched, sliced and cut like the text itself."""
    text = lazy.text("Error: DISK full\nAll Fine\nERROR again\n").lower()
    assert isinstance(text, LazyText)
    assert (text.count("error"), text.find("again"), text[7:11], list(text.lines())) == (
        2, 32, "disk", ["error: disk full", "all fine", "error again"],
    )  # fmt: skip


def test_a_text_longer_than_len_can_say_has_a_length(monkeypatch, lazy):
    """In the guest len() ends at 2 GiB."""
    text = lazy.text("abc")
    text.length = sys.maxsize + 1
    with pytest.raises(OverflowError) as error:
        len(text)
    assert str(error.value) == f"the text has {sys.maxsize + 1} characters, more than len() can say: use .length"
    assert (length_of(text), length_of("abc"), bool(text)) == (sys.maxsize + 1, 3, True)
