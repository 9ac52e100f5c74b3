"""What a pattern finds in a lazy text, beside what it finds in a str."""

import re
import warnings

from comparing import SIZES, plain
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from rlm_guest.lazy_re.functions import LazyPattern

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
    "(?<=a(?={}))",
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
