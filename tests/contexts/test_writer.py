"""A context while it arrives: in pieces of any size, in any encoding, exact or refused with the place."""

import contextlib
import itertools
import resource
import signal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.contexts.store import ContextStore
from orchestrator.errors import InvalidRequest, NoRoom

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


# Of each length in UTF-8, around the steps of the index; CRLF, NUL, combining marks, byte order marks.
PARTS = st.tuples(st.text("a\r\n\0é\u0301\u20ac\U0001f600\ufeff", max_size=8), st.integers(1, 1500))
TEXTS = st.lists(PARTS, max_size=4).map(lambda parts: "".join(text * times for text, times in parts))
NAMES = st.one_of(st.none(), st.text(st.characters(exclude_categories=["Cs"]), max_size=5))


@settings(suppress_health_check=list(HealthCheck), deadline=None)
@given(
    documents=st.lists(st.tuples(NAMES, TEXTS, st.booleans()), max_size=5),
    encoding=st.sampled_from(["utf-8", "utf-16", "utf-16-be", "gb18030"]),
    data=st.data(),
)
def test_documents_come_in_any_pieces_and_those_that_are_abandoned_leave_no_trace(documents, encoding, data):
    """The id, the names and every character are those of the others alone, sent as a whole."""
    with STORE.arriving("documents", encoding) as writer:
        for name, text, is_kept in documents:
            content = ("\ufeff" + text if encoding in ("utf-8", "utf-16-be", "gb18030") else text).encode(encoding)
            places = data.draw(st.lists(st.integers(0, len(content)), max_size=4))
            for start, stop in itertools.pairwise(sorted([0, *places, len(content)])):
                writer.write(content[start:stop])
            if not is_kept and data.draw(st.booleans()):
                with contextlib.suppress(InvalidRequest):
                    writer.write(b"\xff")
            if is_kept:
                writer.end_document(name)
            else:
                writer.abandon_document()
        context, marks = STORE.keep(writer), writer.boms
    kept = [(name, text) for name, text, is_kept in documents if is_kept]
    assert (context.id, marks) == (STORE.add_documents(kept).id, len(kept))
    assert context.names == [name for name, _ in kept]
    for number, (_, text) in enumerate(kept):
        assert context.read(number, 0, len(text) + 1) == text
        assert context.read(number, len(text) // 2, 5) == text[len(text) // 2 :][:5]


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


@pytest.mark.parametrize("name", ["idna", "punycode"])
def test_an_encoding_of_host_names_is_none_of_texts(name):
    """Its decoder takes time that grows with the square of the text."""
    with pytest.raises(InvalidRequest) as error, STORE.arriving("text", name):
        pass
    assert str(error.value).startswith(f"encoding: there is no text encoding '{name}'; ")


@pytest.mark.parametrize("name", ["utf-16", "utf-32"])
def test_an_encoding_that_needs_a_byte_order_mark_says_so(name):
    """The other two names are for texts without one."""
    with pytest.raises(InvalidRequest) as error:
        arrived("hello".encode(f"{name}-le"), 1, name)
    assert str(error.value) == f"not valid {name} at byte 0: it has no byte order mark; there are {name}-le and {name}-be"


def send(store, pieces):
    with store.arriving("text") as writer:
        for piece in pieces:
            writer.write(piece)


def test_a_full_disk_leaves_nothing(tmp_path):
    """Not even what was still in a buffer, which cannot be written any more."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(NoRoom) as error:
            send(ContextStore(tmp_path), [b"x" * 3000] * 100)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert str(error.value) == "there is no room for the context: File too large"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["a", "é", "\u20ac", "😀", "a" * 5000, "é" * 5000, "\u20aca" * 5000, "😀a" * 5000])
def test_what_a_guest_needs_is_known(text):
    """About what a str takes, whatever its widest character."""
    needed = STORE.add_text(text).guest_bytes
    assert 0 <= needed - text.__sizeof__() <= 100
