"""The folder of contexts: each content once, kept while it is used and some time after."""

import contextlib
import gc
import os
import time

import pytest

from orchestrator.contexts.store import ContextStore
from orchestrator.errors import ContextDamaged, InvalidRequest, NoRoom, NotFound


def test_the_same_content_is_held_once(tmp_path):
    """A hundred runs over one text share it; so do two stores over one folder."""
    store = ContextStore(tmp_path)
    first = store.add_text("abc" * 100)
    assert store.add_text("abc" * 100) is first
    assert ContextStore(tmp_path).get(first.id).read(0, 0, 4) == "abca"
    assert [path.name for path in tmp_path.iterdir()] == [f"{first.id}.context"]


def test_different_content_has_a_different_id():
    """Kinds, boundaries, names and empty documents count."""
    store = ContextStore()
    contexts = [
        store.add_text("ab"),
        store.add_documents(["ab"]),
        store.add_documents(["a", "b"]),
        store.add_documents(["", "ab"]),
        store.add_documents([("name", "ab")]),
        store.add_documents([]),
        store.add_json("json", "ab"),
        store.add_json("messages", "ab"),
    ]
    assert len({context.id for context in contexts}) == len(contexts)


def test_what_nobody_uses_leaves_when_it_is_old(tmp_path):
    """By the time of its last use; what a run uses stays."""
    store = ContextStore(tmp_path, max_seconds=60)
    used, unused = store.add_text("used"), store.add_text("unused").id
    for path in tmp_path.iterdir():
        os.utime(path, (0, time.time() - 100))
    gc.collect()
    store.expire()
    assert [each.id for each in store.list()] == [used.id]
    with pytest.raises(NotFound) as error:
        store.get(unused)
    assert str(error.value) == f"there is no context '{unused}': send it again"


def test_the_longest_unused_leave_when_all_are_too_much(tmp_path):
    """Within max_bytes; one that alone is too much is refused, and does not stay."""
    store = ContextStore(tmp_path, max_bytes=3000)
    ids = []
    for number, letter in enumerate("abc"):
        ids.append(store.add_text(letter * 1000).id)
        os.utime(tmp_path / f"{ids[-1]}.context", (0, 1000 + number))
    gc.collect()
    store.expire()
    assert {each.id for each in store.list()} == set(ids[1:])
    with pytest.raises(NoRoom) as error:
        store.add_text("d" * 5000)
    assert str(error.value) == "the context has more than 3000 bytes (context_bytes, or max_bytes of its token)"
    assert len(store.list()) == 2


def test_what_did_not_arrive_whole_leaves_nothing(tmp_path):
    """An upload that ends in its middle."""
    store = ContextStore(tmp_path)
    with contextlib.suppress(InvalidRequest), store.arriving("text") as writer:
        writer.write(b"abc" * 1000)
        writer.write(b"\xff")
    assert writer.size == 3000
    assert list(tmp_path.iterdir()) == []


def test_what_arrived_when_a_process_ended_is_removed_later(tmp_path):
    """Another process may still be writing a younger one."""
    for name, age in (("arriving-old", 7200), ("arriving-young", 60)):
        (tmp_path / name).write_text("x")
        os.utime(tmp_path / name, (0, time.time() - age))
    store = ContextStore(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["arriving-young"]
    os.utime(tmp_path / "arriving-young", (0, time.time() - 7200))
    store.expire()
    assert list(tmp_path.iterdir()) == []


def test_a_finished_file_for_which_there_is_no_room_leaves(tmp_path):
    """Nothing of it stays."""
    store = ContextStore(tmp_path, max_bytes=100)
    (tmp_path / "arriving-x").write_bytes(b"x" * 200)
    with pytest.raises(NoRoom) as error:
        store.take(tmp_path / "arriving-x", "0" * 64)
    assert (
        str(error.value) == "the context takes 200 bytes, for which 100 have no room (context_bytes, or max_bytes of its token)"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("identity", ["../../etc/passwd", "", "A" * 64, "a" * 63, "\0" * 64])
def test_an_id_is_never_a_path(tmp_path, identity):
    """What is no hash is not there."""
    for attempt in (ContextStore(tmp_path).get, ContextStore(tmp_path).delete):
        with pytest.raises(NotFound) as error:
            attempt(identity)
        assert str(error.value) == f"there is no context {identity!r}"


@pytest.mark.parametrize("cut", [0, 1, 30, 200])
def test_a_file_that_was_cut_is_found(tmp_path, cut):
    """However much is left; nothing is read of it."""
    identity = ContextStore(tmp_path).add_text("abc" * 100).id
    path = tmp_path / f"{identity}.context"
    os.truncate(path, cut)
    with pytest.raises(ContextDamaged) as error:
        ContextStore(tmp_path).get(identity)
    assert str(error.value) == "the file of a context is not whole; delete the context and send it again"


def test_a_deleted_context_stays_for_who_uses_it(tmp_path):
    """To the end of the run."""
    store = ContextStore(tmp_path)
    context = store.add_text("abc")
    store.delete(context.id)
    assert (store.list(), context.read(0, 0, 3)) == ([], "abc")
    with pytest.raises(NotFound) as error:
        store.get(context.id)
    assert str(error.value) == f"there is no context '{context.id}': send it again"
    assert store.add_text("abc").read(0, 0, 3) == "abc"


def test_a_folder_that_cannot_be_used_is_named(tmp_path):
    """Before anything is begun."""
    (tmp_path / "file").write_text("")
    with pytest.raises(NoRoom) as error:
        ContextStore(tmp_path / "file" / "folder")
    assert str(error.value) == f"the folder of contexts {tmp_path}/file/folder cannot be used: Not a directory"


def test_one_that_leaves_is_not_given_to_who_comes_meanwhile(monkeypatch, tmp_path):
    """Its file is closed already, and the number of its descriptor may be that of another file."""
    store = ContextStore(tmp_path)
    came = []
    close = os.close

    def close_and_come(descriptor):
        close(descriptor)
        if not came:  # another thread
            came.append(store.get(identity))

    monkeypatch.setattr(os, "close", close_and_come)
    held = store.add_text("the text")
    identity = held.id
    del held
    assert came[0].read(0, 0, 10) == "the text"
