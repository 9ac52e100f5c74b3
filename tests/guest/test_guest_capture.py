"""The bounded output of a cell."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rlm_guest.capture import Capture

PIECES = st.lists(st.text(max_size=30), max_size=30)


def written(limit, pieces):
    capture = Capture(limit)
    for piece in pieces:
        capture.write(piece)
    return capture


@given(PIECES, st.integers(1, 1000))
def test_an_output_within_the_limit_is_whole(pieces, extra):
    """Head and tail are the output when it is no longer than the limit, also where the limit is odd."""
    text = "".join(pieces)
    capture = written(len(text) + extra - 1 or 1, pieces)
    assert (capture.head + capture.tail, capture.length) == (text, len(text))


@given(PIECES, st.integers(1, 41))
def test_the_first_and_the_last_half_are_kept(pieces, limit):
    """Of a longer output the head is the first half of the limit and the tail the last, whatever the sizes of the writes."""
    text, half = "".join(pieces), limit // 2
    capture = written(limit, pieces)
    assert (capture.head, capture.tail, capture.length) == (text[:half], text[half:][half - limit :], len(text))


@given(PIECES, PIECES, st.integers(1, 41))
def test_a_restart_forgets_everything(before, after, limit):
    """After restart a capture is like a new one, also where its attributes were replaced."""
    capture = written(limit, before)
    capture.write = None
    capture.restart(limit + 1)
    for piece in after:
        capture.write(piece)
    new = written(limit + 1, after)
    assert (capture.head, capture.tail, capture.length) == (new.head, new.tail, new.length)


def test_write_says_how_much_it_took():
    """As with any stream, the result is the number of code points."""
    assert Capture(1).write("three") == 5


def test_only_text_can_be_written():
    """Bytes are a TypeError, as with any text stream."""
    with pytest.raises(TypeError) as error:
        Capture(10).write(b"x")
    assert str(error.value) == "write() argument must be str, not bytes"


def test_a_closed_capture_can_be_written():
    """A cell that closes sys.stdout can still print."""
    capture = Capture(10)
    capture.close()
    capture.write("x")
    capture.flush()
    assert capture.head + capture.tail == "x"


def test_a_million_small_writes_stay_small_and_quick():
    """What leaves the tail is let go, in constant time per write."""
    began = time.perf_counter()
    capture = written(1000, ["ab"] * 1_000_000)
    assert (capture.length, capture.head, capture.tail) == (2_000_000, "ab" * 250, "ab" * 250)
    assert (len(capture._head), len(capture._tail)) == (250, 250)
    assert time.perf_counter() - began < 10


def test_a_million_empty_writes_keep_nothing():
    """A write of nothing takes no memory."""
    capture = written(1000, [""] * 1_000_000)
    assert (capture.length, len(capture._head), len(capture._tail)) == (0, 0, 0)
