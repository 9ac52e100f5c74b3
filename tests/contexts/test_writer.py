"""A context while it arrives: in pieces of any size, in any encoding, exact or refused with the place."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.contexts.store import ContextStore
from orchestrator.errors import InvalidRequest

STORE = ContextStore()


def arrived(content, size=3, encoding="utf-8"):
    """The context of a text that comes in pieces of that size."""
    with STORE.arriving("text", encoding) as writer:
        for start in range(0, len(content), size):
            writer.write(content[start : start + size])
        writer.end_document()
        return STORE.keep(writer), writer.boms


@settings(suppress_health_check=list(HealthCheck), deadline=None)
@given(text=st.text(), size=st.integers(1, 5), encoding=st.sampled_from(["utf-8", "utf-16-le", "utf-32-be"]))
def test_pieces_may_end_anywhere(text, size, encoding):
    """Also within a character."""
    text = text.lstrip("\ufeff")
    assert arrived(text.encode(encoding), size, encoding)[0].read(0, 0, len(text) + 1) == text


def test_a_byte_order_mark_is_no_part_of_the_text():
    """That one was there is known; a second one is a character."""
    context, boms = arrived("\ufeff\ufeffa".encode())
    assert (context.read(0, 0, 9), boms) == ("\ufeffa", 1)
    assert STORE.add_text("\ufeffa").read(0, 0, 9) == "\ufeffa"


@pytest.mark.parametrize("size", [1, 2, 3, 100])
@pytest.mark.parametrize(
    ("content", "encoding", "message"),
    [
        (b"abc\xffdef", "utf-8", "not valid UTF-8 at byte 3"),
        ("aé".encode() + b"\xe2\x82", "utf-8", "not valid UTF-8 at byte 3"),
        (b"a" * 10 + b"\xed\xa0\x80", "utf-8", "not valid UTF-8 at byte 10"),
        (b"ab\x81", "cp1252", "not valid cp1252 at byte 2"),
        (b"a\0b", "utf-16-le", "not valid utf-16-le at byte 2"),
    ],
)
def test_what_is_not_of_the_encoding_is_refused_with_its_byte(content, size, encoding, message):
    """In the document as it was sent, wherever the pieces were cut."""
    with pytest.raises(InvalidRequest) as error:
        arrived(content, size, encoding)
    assert str(error.value) == message


def test_the_byte_is_that_of_its_document():
    """Not of all of them."""
    with STORE.arriving("documents") as writer:
        writer.write(b"first")
        writer.end_document("a")
        with pytest.raises(InvalidRequest) as error:
            writer.write(b"x\xff")
    assert str(error.value) == "not valid UTF-8 at byte 1"


def test_an_unknown_encoding_is_named():
    """Before anything is written."""
    with pytest.raises(InvalidRequest) as error, STORE.arriving("text", "nope"):
        pass
    assert str(error.value) == "encoding: there is no text encoding 'nope'; there are utf-16, cp1252, gb18030, ..."


def test_a_lone_surrogate_is_refused_with_its_place():
    """In code points of its document."""
    with pytest.raises(InvalidRequest) as error:
        STORE.add_documents(["a", "bc\ud800"])
    assert str(error.value) == "a lone surrogate at code point 2 is not text"


@pytest.mark.parametrize("text", ["a", "é", "\u20ac", "😀", "a" * 5000, "é" * 5000, "\u20aca" * 5000, "😀a" * 5000])
def test_what_a_guest_needs_is_known(text):
    """About what a str takes, whatever its widest character."""
    needed = STORE.add_text(text).guest_bytes
    assert 0 <= needed - text.__sizeof__() <= 100
