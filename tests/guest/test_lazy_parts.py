"""What a lazy text is cut into answers what a list answers, and is cut while one looks at it."""

import itertools
import json

import pytest
from comparing import BOUNDS, plain, same_as_str
from hypothesis import strategies as st
from rlm_guest.lazy import parts as parts_module
from rlm_guest.lazy.parts import Parts, Picked

INDEXES = st.one_of(st.integers(-12, 12), st.just("a"))
LINES = st.text(alphabet="ab\n", max_size=30)


def looked_at(parts, index, slices):
    """In any order; parts of parts too."""
    found = []
    for bounds in slices:
        parts = parts[slice(*bounds)]
        found.append((plain(parts), len(parts), parts == list(parts), list(parts) == parts, parts[-3:3]))
    return [*found, parts[index], len(parts), list(parts), parts[index]]


STEPS = st.one_of(st.none(), st.integers(-3, 3))


@pytest.mark.parametrize("most", [0, 2, 10_000])
def test_parts_are_looked_at_as_a_list(lazy, monkeypatch, most):
    """By numbers and slices, in any order, whether a slice is a list or lazy."""
    monkeypatch.setattr(parts_module, "LISTED", most)
    slices = st.lists(st.tuples(BOUNDS, BOUNDS, STEPS), max_size=2)
    same_as_str(lazy, lambda text, *where: looked_at(text.split("\n"), *where), INDEXES, slices, texts=LINES)


@pytest.mark.parametrize(
    "expression",
    [
        lambda parts: ("a" in parts, parts.count("a"), parts.index("a")),
        lambda parts: (list(reversed(parts)), sorted(parts), max(parts), list(enumerate(parts))),
        lambda parts: list(itertools.pairwise(parts)) == list(zip(parts, parts[1:], strict=False)),  # noqa: RUF007  (the point)
        lambda parts: (parts + ["x"], ["x"] + parts),  # noqa: RUF005  (the point)
        lambda parts: parts == [*parts, "x"],
        lambda parts: parts == 5,
        lambda parts: (str(parts), f"{parts}"),
        lambda parts: parts.index("b", 1),
        lambda parts: parts.index("a", -2),
        lambda parts: parts.index("", 1, -1),
        lambda parts: "".join(map(str, parts)),
        hash,
    ],
)
def test_an_expression_gives_what_it_gives_of_a_list(lazy, expression):
    """Searching, order, joining."""
    same_as_str(lazy, lambda text: expression(text.split("\n")), texts=LINES, examples=30)


def test_parts_are_cut_when_they_are_asked_for(lazy):
    """The first lines of a huge text cost its beginning."""
    lazy.cut(20, longest=20, near=20, ahead=10)
    lines = lazy.text("line\n" * 1000).splitlines()
    assert lines[:2] == ["line", "line"]
    assert sum(length for _, length in lazy.reads) < 20


def test_parts_near_each_other_are_cut_once(lazy):
    """Going through them by number reads the text about once, whatever is looked at beside."""
    lazy.cut(200, longest=200, near=200, ahead=100)
    lines = lazy.text("line\n" * 1000).splitlines()
    assert all(lines[number - 1] == lines[number] == "line" for number in range(len(lines)))
    assert sum(length for _, length in lazy.reads) < 4 * 5000


def test_a_part_that_is_too_long_for_a_str_is_lazy(lazy):
    """And its end is found without holding it."""
    first, long, last = lazy.text("a," + "b" * 20 + ",c").split(",")
    assert (first, str(long), type(long).__name__, last) == ("a", "b" * 20, "LazyText", "c")


def test_parts_are_shown_shortly(lazy):
    """Without going through them."""
    assert repr(lazy.text("a\nb").lines()) == (
        "<parts of a large text, cut while they are looked at; use a loop, len(), [number], [from:to]>"
    )


def test_parts_are_no_list():
    """Code in C would see an empty one."""
    assert not any(issubclass(each, list) for each in (Parts, Picked))
    with pytest.raises(TypeError):
        json.dumps(Parts(lambda place: ([], None), 0))
