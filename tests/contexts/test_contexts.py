"""Contexts: exact, held once, known by their content."""

import gc

import pytest

from orchestrator.contexts.store import ContextStore


def test_the_same_content_is_held_once():
    """A hundred runs over one text share it."""
    store = ContextStore()
    assert store.add("text", ("abc" * 100,)) is store.add("text", ("abc" * 100,))


def test_a_context_that_no_run_uses_is_let_go():
    """The store keeps nothing alive."""
    store = ContextStore()
    store.add("text", ("abc",))
    gc.collect()
    assert len(store._held) == 0


def test_different_content_has_a_different_id():
    """Kinds, boundaries and empty documents count."""
    store = ContextStore()
    contexts = [
        store.add("text", ("ab",)),
        store.add("documents", ("ab",)),
        store.add("documents", ("a", "b")),
        store.add("documents", ("", "ab")),
        store.add("documents", ()),
    ]
    assert len({context.id for context in contexts}) == 5


def test_positions_are_code_points():
    """Astral characters, CRLF and NUL count one each, and are read as they are."""
    context = ContextStore().add("text", ("a😀\r\n\0z",))
    assert (context.length, context.read(0, 1, 3), context.read(0, 4, 100)) == (6, "😀\r\n", "\0z")


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
    store = ContextStore()
    context = store.add(kind, tuple(content)) if kind in ("text", "documents") else store.add_json(kind, content)
    assert context.is_empty is empty
