"""Texts as bytes."""

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.contexts.utf8 import UTF8


@given(parts=st.lists(st.text("aé\U0001f600\n", max_size=8), max_size=5), start=st.integers(0, 60), length=st.integers(0, 60))
def test_every_range_is_that_of_the_parts_together(parts, start, length):
    """Cut at the end, and within characters; empty parts included."""
    together = "".join(parts).encode()
    held = UTF8(parts)
    assert (held.length, held.lengths) == (len(together), [len(part.encode()) for part in parts])
    assert held.read(start, length) == together[start : start + length]
