"""How far a pattern looks."""

import re

import pytest
from rlm_guest.lazy_re import widths


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
        (r"(?<=u(?=[^Z]*Z))s", (2, None, False, 1)),
        (r"(?<=u(?=.*Z))s", (2, None, True, 1)),
        (r"(?<=(\n))a\1", (2, 4, False, 2)),
        (r"(?=.*b)a", (1, None, True, 1)),
        (r"(ab)\1", (1, 6, True, 4)),
        ("[^\\n]+\n", (1, None, False, 2)),
    ],
)
def test_a_pattern_looks_so_far(pattern, expected):
    """Behind its beginning, ahead to its end, and whether it stays in its line."""
    assert tuple(widths.reach(re.compile(pattern))) == expected
