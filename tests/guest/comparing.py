"""What a lazy thing answers, beside what a str or a list answers."""

import operator
import re

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rlm_guest.lazy.documents import Rows
from rlm_guest.lazy.parts import Parts, Picked
from rlm_guest.lazy.text import LazyText
from rlm_guest.lazy_re.match import LazyMatch

# Line ends of all kinds, NUL, astral and combining characters, and those whose case is peculiar.
TEXTS = st.text(alphabet="abAB,_ \t\r\n\0\x1c\x85\u2028é\u0301ß\u0130\u03a3\u03c3😀", max_size=30)
NEEDLES = st.text(alphabet="ab,\r\n😀", max_size=4)
BOUNDS = st.one_of(st.none(), st.integers(-35, 35))
SIZES = st.tuples(st.integers(1, 7), st.integers(1, 9), st.integers(1, 9), st.integers(1, 9))


def plain(value):
    """The same as strings and lists."""
    if isinstance(value, LazyText):
        return str(value)
    if isinstance(value, Parts | Picked | Rows | list):
        return [plain(each) for each in value]
    if isinstance(value, tuple):
        return tuple(map(plain, value))
    if isinstance(value, LazyMatch | re.Match):
        return described(value)
    return value


def described(match):
    names = (match.groupdict(), match.groupdict("-"), match.lastgroup, match.lastindex, match.re.pattern)
    groups = (match.group(), match[0], match.groups(), match.groups("-"), match.group(0, 0), match.expand(r"<\g<0>>"))
    spans = (match.span(), match.start(), match.end(), match.regs, match.pos, match.endpos, repr(match))
    return names, groups, spans, str(match.string)


def outcome(expression, *arguments):
    """What it gives, or the exception that it raises."""
    try:
        return plain(expression(*arguments))
    except Exception as error:  # noqa: BLE001  (whatever str raises)
        return type(error)


def same_as_str(lazy, expression, *strategies, texts=TEXTS, examples=100):
    """For all texts, arguments and sizes of pieces."""

    @settings(max_examples=examples, suppress_health_check=[HealthCheck.too_slow], deadline=None)
    @given(texts, st.tuples(*strategies), SIZES)
    def same(text, arguments, sizes):
        piece, longest, near, ahead = sizes
        lazy.cut(piece, longest=longest, near=near, ahead=ahead)
        assert outcome(expression, lazy.text(text), *arguments) == outcome(expression, text, *arguments)

    same()


def method(name):
    """It, called."""
    return lambda text, *arguments: getattr(text, name)(*arguments)


COMPARISONS = (operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne)
