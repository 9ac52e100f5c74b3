"""Lazy documents answer what a list of str answers; inline ones are one."""

import copy
import json

import pytest
from comparing import BOUNDS, outcome
from hypothesis import given, settings
from hypothesis import strategies as st
from rlm_guest.lazy import documents as documents_module
from rlm_guest.lazy import table
from rlm_guest.lazy.documents import DocumentList, Documents, held, joined
from rlm_guest.lazy.sources import Whole

NAMES = st.one_of(st.none(), st.text(alphabet='ab/"\\\n],[ é😀', max_size=6))
DOCUMENTS = st.lists(st.text(alphabet="ab \r\n\0é😀", max_size=9), max_size=8)
STEPS = st.one_of(st.none(), st.integers(-3, 3))
POSITIONS = st.integers(-10, 10)
INDEXES = st.one_of(st.integers(-10, 10), st.sampled_from([True, "a", 1.0]))


def same_as_list(lazy, monkeypatch, expression, *strategies):
    """For all documents, arguments and sizes of pieces."""

    @settings(deadline=None)
    @given(DOCUMENTS, st.tuples(*strategies), st.integers(1, 9), st.integers(1, 9), st.integers(3, 30), st.integers(0, 5))
    def same(documents, arguments, piece, longest, block, listed):
        lazy.cut(piece, longest=longest, near=3, ahead=piece)
        monkeypatch.setattr(table, "BLOCK", block)
        monkeypatch.setattr(documents_module, "LISTED", listed)
        assert outcome(expression, lazy.documents(documents), *arguments) == outcome(expression, documents, *arguments)

    same()


@pytest.mark.parametrize(
    "expression",
    [
        lambda documents, other: (len(documents), bool(documents), list(documents), [each for each in documents]),  # noqa: C416
        lambda documents, other: (list(reversed(documents)), sorted(map(str, documents)), list(enumerate(documents))),
        lambda documents, other: (other in documents, documents.count(other), 5 in documents),
        lambda documents, other: (str(documents), f"{documents}"),
        lambda documents, other: (documents + [other], [other] + documents, documents + documents),  # noqa: RUF005
        lambda documents, other: (documents == [*documents], documents == [other], documents != [], documents == other),
        lambda documents, other: documents.copy() == documents,
        lambda documents, other: hash(documents),
        lambda documents, other: documents + other,
        lambda documents, other: [len(each) for each in documents],
        lambda documents, other: [each.upper() for each in documents if other in each],
    ],
)
def test_documents_answer_like_a_list(lazy, monkeypatch, expression):
    """Loops, order, searching, comparing; a document that is too long for a str is a lazy text."""
    same_as_list(lazy, monkeypatch, expression, st.text(alphabet="ab\n", max_size=2))


def test_documents_have_the_indexes_of_a_list(lazy, monkeypatch):
    """What is none is told as by a list."""
    same_as_list(lazy, monkeypatch, lambda documents, index: documents[index], INDEXES)


def test_documents_have_the_places_of_a_list(lazy, monkeypatch):
    """The first of those between two bounds."""
    same_as_list(
        lazy,
        monkeypatch,
        lambda documents, *where: documents.index(*where),
        st.text(alphabet="ab\n", max_size=2),
        POSITIONS,
        POSITIONS,
    )
    same_as_list(lazy, monkeypatch, lambda documents, other: documents.index(other), st.text(alphabet="ab\n", max_size=2))


def test_documents_have_the_slices_of_a_list(lazy, monkeypatch):
    """Also slices of slices."""

    def sliced(documents, one, other):
        return documents[slice(*one)], documents[slice(*one)][slice(*other)], len(documents[slice(*one)])

    bounds = st.tuples(BOUNDS, BOUNDS, STEPS)
    same_as_list(lazy, monkeypatch, sliced, bounds, bounds)


def test_documents_have_their_names(lazy, monkeypatch):
    """Whatever is in a name, wherever the table of them is cut; None for a document without."""

    @settings(deadline=None)
    @given(st.lists(st.tuples(NAMES, st.text(alphabet="ab", max_size=3)), max_size=12), st.integers(1, 40))
    def named(pairs, block):
        monkeypatch.setattr(table, "BLOCK", block)
        names, texts = [name for name, _ in pairs], [text for _, text in pairs]
        documents, inline = lazy.documents(pairs), held(Whole(sum(map(len, texts))), table.Table(len(pairs)), 1.0)
        assert (list(documents.names), list(documents.names[1:]), list(documents)) == (names, names[1:], texts)
        assert (inline.names, inline) == (names, texts)

    named()


def test_a_million_documents_are_read_by_blocks(lazy):
    """Neither their texts nor their names cost a call each."""
    lazy.cut(1 << 20, longest=1 << 20, near=1 << 20, ahead=1 << 18)
    documents = lazy.documents([(f"file {number}", "ab") for number in range(20_000)])
    assert sum(len(each) for each in documents) == 40_000
    assert len(lazy.reads) < 30
    assert (documents.names[19_999], documents[10_000], documents.names.index("file 7")) == ("file 19999", "ab", 7)


def test_a_document_is_read_when_it_is_asked_for(lazy):
    """And no other."""
    lazy.cut(100, longest=100, near=100, ahead=1)
    documents = lazy.documents(["a" * 10, "b" * 10, "c" * 10])
    assert documents[1] == "b" * 10
    assert lazy.reads[1:] == [(10, 10)]


def test_a_document_too_long_for_a_str_is_a_lazy_text(lazy):
    """A module is asked about it as about the context."""
    document = lazy.documents(["a" * 50, "é" * 50 + "needle" + "x" * 50, "a"])[1]
    assert (document.find("needle"), document.count("a"), document.length) == (50, 0, 106)
    assert [call["part"] for call in lazy.calls] == [[54, 156], [50, 156]]


def test_documents_are_shown_by_their_number(lazy):
    """The repr of many documents is short; their names are those of a list, as far as they are not many."""
    assert repr(lazy.documents([("a", "x"), "b"]).names) == "['a', None]"
    assert repr(lazy.documents([""] * 10_001).names) == "<10001 of them; use a loop, [number], [from:to]>"
    assert repr(lazy.documents(["a", "b"])) == ("<2 documents, too large to hold them all: each is read when it is asked for>")


def test_documents_are_no_list():
    """Code in C would see an empty one."""
    assert not issubclass(Documents, list)


def test_inline_documents_are_a_list(lazy):
    """With names beside: code in C sees what Python sees."""
    lazy.documents([("one", "a"), (None, "b")])
    documents = held(Whole(2), table.Table(2), 1.0)
    documents.append("c")
    documents[0] = "z"
    assert (documents, json.dumps(documents), documents + ["d"], sorted(documents), isinstance(documents, list)) == (  # noqa: RUF005
        ["z", "b", "c"], '["z", "b", "c"]', ["z", "b", "c", "d"], ["b", "c", "z"], True,
    )  # fmt: skip
    assert (documents.names, copy.deepcopy(documents).names, type(documents[:])) == (["one", None], ["one", None], list)
    assert type(documents) is DocumentList


@given(DOCUMENTS, BOUNDS, BOUNDS)
def test_documents_are_joined_by_line_ends(documents, start, stop):
    """Without a copy of them."""
    assert str(joined(documents)[start:stop]) == "\n".join(documents)[start:stop]


def test_lazy_documents_are_joined_by_line_ends(lazy, monkeypatch):
    """All of them, some that follow each other, others; what is far away in all of them is found by a module."""

    def answers(documents, picked, bounds, needle):
        some = documents[slice(*picked)]
        text = "\n".join(some) if isinstance(some, list) and all(isinstance(each, str) for each in some) else joined(some)
        part = text[slice(*bounds)]
        return text, part, text.find(needle), part.count(needle), part.rfind(needle)

    bounds = st.tuples(BOUNDS, BOUNDS)
    everything = st.just((None, None, None))
    needles = st.sampled_from(["a", "\n", "b\na", "é\n"])
    same_as_list(lazy, monkeypatch, answers, st.one_of(everything, st.tuples(BOUNDS, BOUNDS, STEPS)), bounds, needles)
    text = joined(lazy.documents(["é" * 30, "", "b" * 30]))
    assert (text.find("b"), text[3:].find("\n\n"), text.count("\n")) == (32, 27, 2)
    assert [(call["part"], call["joined"]) for call in lazy.calls] == [([2, 62], True), ([5, 62], True), ([0, 62], True)]
