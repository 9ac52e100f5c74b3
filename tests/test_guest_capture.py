"""The bounded output of a cell."""

from hypothesis import given
from hypothesis import strategies as st
from rlm_guest.capture import Capture


@given(st.lists(st.text(max_size=30), max_size=30), st.integers(2, 40))
def test_the_first_and_the_last_half_are_kept(pieces, limit):
    """Whatever the sizes of the writes; an output within the limit is whole."""
    capture, text = Capture(limit), "".join(pieces)
    for piece in pieces:
        assert capture.write(piece) == len(piece)
    half = limit // 2
    assert capture.length == len(text)
    assert capture.head == text[:half]
    assert capture.tail == text[half:][-half:]


def test_a_million_small_writes_stay_small():
    """What leaves the tail is let go."""
    capture = Capture(1000)
    for _ in range(1_000_000):
        capture.write("ab")
    assert (capture.length, capture.head, capture.tail) == (2_000_000, "ab" * 250, "ab" * 250)
    assert len(capture._tail) <= 251
