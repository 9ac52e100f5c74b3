"""Contexts: exact, whatever is read of them."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.contexts import layout
from orchestrator.contexts.store import ContextStore
from orchestrator.contexts.utf8 import ContextBytes, JoinedBytes, TextBytes
from orchestrator.errors import InvalidRequest

STORE = ContextStore()
# Around the steps of the index: characters of each width, ends of lines, combining marks, NUL.
TEXTS = st.lists(st.tuples(st.text("a\r\n\0é\u0301\u20ac\U0001f600", max_size=8), st.integers(1, 1500)), max_size=4).map(
    lambda parts: "".join(text * times for text, times in parts)
)
PLACES = st.integers(0, 3 * layout.STEP)


@settings(suppress_health_check=list(HealthCheck), deadline=None)
@given(documents=st.lists(TEXTS, min_size=1, max_size=4), start=PLACES, length=PLACES, data=st.data())
def test_every_range_is_that_of_the_text(documents, start, length, data):
    """By code points of each document, and by bytes of all."""
    context = STORE.add_documents(documents)
    number = data.draw(st.integers(0, len(documents) - 1))
    assert context.read(number, start, length) == documents[number][start : start + length]
    together = "".join(documents).encode()
    assert read_part(ContextBytes(context), start, length) == together[start : start + length]
    characters = "".join(documents)
    assert context.read_all(start, length) == characters[start : start + length]
    part = (min(start, context.length), min(start + length, context.length))
    assert read_in_pieces(ContextBytes(context, part), 1000) == characters[slice(*part)].encode()
    joined = "\n".join(documents)
    assert read_in_pieces(JoinedBytes(context), length // 2 + 1) == joined.encode()
    part = (min(start, len(joined)), min(start + length, len(joined)))
    assert read_in_pieces(JoinedBytes(context, part), 1000) == joined[slice(*part)].encode()
    assert [length for _, length in context.documents(0, context.count)] == [len(each) for each in documents]
    assert (context.length, context.byte_length) == (sum(map(len, documents)), len(together))


def read_in_pieces(source, size):
    return b"".join(read_part(source, start, size) for start in range(0, source.length + size, size))


def read_part(source, start, length):
    room = bytearray(max(0, min(length, source.length - start)))
    assert source.read_into(memoryview(room), start) == len(room)
    return bytes(room)


def test_positions_are_code_points():
    """Astral characters, CRLF and NUL count one each, and are read as they are."""
    context = STORE.add_text("a😀\r\n\0z")
    assert (context.length, context.count, context.read(0, 1, 3), context.read(0, 4, 100)) == (6, 1, "😀\r\n", "\0z")


def test_documents_have_names():
    """Those that were given, in a table with their lengths: a line of ASCII for each."""
    context = STORE.add_documents([("a/b\n.txt", "xyz"), "é", ("ö", "")])
    assert context.names == ["a/b\n.txt", None, "ö"]
    assert context.documents(1, 9) == [(None, 1), ("ö", 0)]
    assert (context.documents(3, 9), STORE.add_documents([]).documents(0, 1)) == ([], [])
    assert context.read_table(0, 100) == '[["a/b\\n.txt", 3],\n[null, 1],\n["\\u00f6", 0]]'
    assert (context.read_table(1, 4), context.read_table(10**20, 1)) == ('["a/', "")
    assert (STORE.add_documents([]).names, STORE.add_documents(["x"]).names) == ([], [None])


def test_a_name_is_text():
    """As documents are."""
    with pytest.raises(InvalidRequest) as error:
        STORE.add_documents([("a\ud800", "")])
    assert str(error.value) == 'a lone surrogate in the name "a\\ud800" is not text'


def test_a_text_of_a_cell_is_read_as_bytes():
    """As a context is."""
    source = TextBytes("aé")
    assert (source.length, read_part(source, 1, 5)) == (3, "é".encode())


@pytest.mark.parametrize(
    ("kind", "content", "empty"),
    [
        ("text", [""], True),
        ("text", [" \r\n\t"], True),
        ("text", ["\n."], False),
        ("documents", [], True),
        ("documents", ["", "\n"], True),
        ("documents", ["", "x"], False),
        ("json", None, True),
        ("json", "", True),
        ("json", [], True),
        ("json", {}, True),
        ("json", 0, False),
        ("json", False, False),
        ("json", [None], False),
        ("messages", [], True),
        ("messages", [{"role": "user", "content": ""}], True),
        ("messages", [{"role": "user", "content": ""}, {"role": "user", "content": "x"}], False),
        ("messages", [{"role": "user", "content": '"'}], False),
    ],
)
def test_a_context_with_nothing_in_it_is_empty(kind, content, empty):
    """White space, no documents, no messages, null, "", [] and {}; 0 and false are values that one may ask about."""
    match kind:
        case "text":
            context = STORE.add_text(content[0])
        case "documents":
            context = STORE.add_documents(content)
        case _:
            context = STORE.add_json(kind, content)
    assert context.is_empty is empty
