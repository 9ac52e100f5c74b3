"""Files as a context: by their names, without what is no text, in memory that does not grow with them."""

import gzip
import io
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from orchestrator.contexts.files import Source, add_sources
from orchestrator.contexts.store import ContextStore
from orchestrator.contexts.writer import ContextWriter
from orchestrator.errors import InvalidRequest, NoRoom, Undecodable

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """folder(name=content, ...): the current folder, with these files below it."""
    monkeypatch.chdir(tmp_path)

    def make(files):
        for name, content in files.items():
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            Path(name).write_bytes(content)
        return tmp_path

    return make


@pytest.fixture
def add(tmp_path_factory):
    """add(*names, max_bytes=..., encoding=...): what add_sources gives; a mistake leaves no file."""
    kept = tmp_path_factory.mktemp("kept")

    def add(*names, max_bytes=10_000_000, encoding="utf-8"):
        before = set(kept.iterdir())
        try:
            return add_sources(ContextStore(kept, max_bytes), [Source(Path(name), name) for name in names], encoding)
        except (InvalidRequest, NoRoom):
            assert set(kept.iterdir()) == before
            raise

    return add


def documents(added):
    """{name: text} of a context."""
    context = added.context
    texts = [
        context.read(number, 0, length)
        for number, length in enumerate(length for _, length in context.documents(0, context.count))
    ]
    return dict(zip(context.names, texts, strict=True))


def test_a_file_is_a_text(folder, add):
    """Exactly as it is."""
    folder({"a.txt": "é\r\n\0\n".encode()})
    added = add("a.txt")
    assert (added.context.kind, added.context.read(0, 0, 9), added.notes) == ("text", "é\r\n\0\n", ())


def test_the_files_of_a_folder_are_named_by_their_paths_from_there(folder, add):
    """In the order of their names, folder by folder; several inputs are named as they were given."""
    folder({"f/b": b"2", "f/a.txt": b"1", "f/a/z": b"3", "f/a/\u00e9": b"4", "g": b"5"})
    assert list(documents(add("f")).items()) == [("a/z", "3"), ("a/\u00e9", "4"), ("a.txt", "1"), ("b", "2")]
    assert list(documents(add("g", "./f/"))) == ["g", "./f/a/z", "./f/a/\u00e9", "./f/a.txt", "./f/b"]


def test_what_is_no_text_is_left_out_of_a_folder_and_said(folder, add):
    """Hidden, binary or of another encoding, also if that shows late: nothing of it stays."""
    folder(
        {
            ".git/config": b"x",
            "a": b"1",
            "b.png": b"\x89PNG\0",
            "c": b"c" * 3_000_000 + b"\0",
            "d": b"d" * 3_000_000 + b"\xff",
            "e": b"2",
            "f": b"\xff",
            "s/.h": b"h",
            "t": b"\xff",
        }
    )
    added = add(".")
    assert documents(added) == {"a": "1", "e": "2"}
    assert added.notes == (
        "7 left out: .git (hidden), b.png (binary), c (binary), d (not valid UTF-8 at byte 3000000), "
        "f (not valid UTF-8 at byte 0) and 2 more",
    )
    assert added.context.id == ContextStore().add_documents([("a", "1"), ("e", "2")]).id


def test_a_folder_in_which_nothing_is_text_is_a_mistake(folder, add):
    """Also beside others; so is one without files."""
    folder({"pictures/a.png": b"\x89\0", "text": b"x"})
    Path("empty").mkdir()
    for names in (("pictures",), ("text", "pictures")):
        with pytest.raises(InvalidRequest) as error:
            add(*names)
        assert (
            str(error.value) == "pictures: no file in it is text: " + ("pictures/" if len(names) > 1 else "") + "a.png (binary)"
        )
    with pytest.raises(InvalidRequest) as error:
        add("empty")
    assert str(error.value) == "empty: there is no file in it"


def test_a_file_that_was_named_has_to_be_text(folder, add):
    """With the bytes around the place, from which other encodings are explained."""
    folder({"a": b"x" * (1 << 20) + b"\xff\xfeab"})
    with pytest.raises(Undecodable) as error:
        add("a")
    assert str(error.value) == "a: not valid UTF-8 at byte 1048576"
    assert (error.value.sample, error.value.place) == (b"x" * 64 + b"\xff\xfeab", 64)
    assert add("a", encoding="latin-1").context.length == (1 << 20) + 4


def test_byte_order_marks_are_said(folder, add):
    """Of all files; they are no part of the texts."""
    folder({"f/a": b"\xef\xbb\xbfx", "f/b": b"\xef\xbb\xbfy", "f/c": b"z"})
    added = add("f")
    assert (documents(added), added.notes) == (
        {"a": "x", "b": "y", "c": "z"},
        ("2 byte order marks are no part of the text",),
    )
    assert add("f/a").notes == ("1 byte order mark is no part of the text",)


def test_texts_of_two_bytes_a_character_are_not_taken_for_binary(folder, add):
    """It is characters that are looked at, not bytes."""
    folder({"f/a": "ab".encode("utf-16"), "f/b": "a\0".encode("utf-16")})
    added = add("f", encoding="utf-16")
    assert (documents(added), added.notes) == (
        {"a": "ab"},
        ("1 left out: b (binary)", "1 byte order mark is no part of the text"),
    )


def test_links_are_followed_to_files_within_the_folder_alone(folder, add):
    """Neither out of it, nor round in circles."""
    folder({"f/a": b"1", "f/s/b": b"2", "secret": b"3"})
    for name, target in {"in": "a", "out": "../secret", "up": "..", "loop": "loop", "gone": "x", "sub": "s"}.items():
        os.symlink(target, f"f/{name}")
    added = add("f")
    assert documents(added) == {"a": "1", "in": "1", "s/b": "2"}
    assert added.notes == (
        "5 left out: gone (No such file or directory), loop (Too many levels of symbolic links), "
        "out (a link out of the folder), sub (a link to a folder), up (a link to a folder)",
    )
    assert documents(add("f/sub")) == {"b": "2"}


def test_pipes_and_devices_hold_nobody(folder, add):
    """In a folder they are left out; one that was named is read to its end, or to the setting's."""
    folder({"f/a": b"1"})
    os.mkfifo("f/pipe")
    assert add("f").notes == ("1 left out: pipe (no file)",)
    threading.Thread(target=lambda: Path("f/pipe").write_bytes(gzip.compress(b"piped"))).start()
    assert add("f/pipe").context.read(0, 0, 9) == "piped"
    with pytest.raises(NoRoom) as error:
        add("/dev/zero", max_bytes=3_000_000)
    assert str(error.value) == "the context has more than 3000000 bytes (context_bytes, or max_bytes of its token)"


def test_a_file_that_vanishes_is_left_out(folder, add, monkeypatch):
    """Between the moment in which its name is read and that in which it is opened; or it becomes a pipe."""
    folder({"a": b"1", "b": b"2", "c": b"3"})
    look = os.lstat

    def vanish(path):
        status = look(path)
        if path.endswith("b"):
            os.unlink(path)
        if path.endswith("c"):
            os.unlink(path)
            os.mkfifo(path)
        return status

    monkeypatch.setattr("orchestrator.contexts.folders.os.lstat", vanish)
    added = add(".")
    assert (documents(added), added.notes) == ({"a": "1"}, ("2 left out: b (No such file or directory), c (no file)",))


def test_a_file_that_grows_while_it_is_read_has_an_end(folder, add, monkeypatch):
    """It is taken as long as it was: here it is what is being written."""
    folder({"a": b"12"})
    original = ContextWriter.write

    def grow(writer, content):
        with open("a", "ab") as file:
            file.write(b"34")
        original(writer, content)

    monkeypatch.setattr(ContextWriter, "write", grow)
    assert add("a").context.read(0, 0, 9) == "12"


def test_what_is_being_written_is_not_read(folder):
    """The folder of contexts may lie in the one that is asked about."""
    path = folder({"a": b"1", "kept/rlm/b": b"2"})
    store = ContextStore(path / "kept" / "contexts")
    earlier = add_sources(store, [Source(Path(), ".")])
    added = add_sources(store, [Source(Path(), ".")])
    assert (added.context.id, added.notes) == (earlier.context.id, ("1 left out: kept/contexts (the folder of contexts)",))


def test_names_are_only_data(folder, add):
    """Line ends, escape sequences; bytes that are no UTF-8 are escaped."""
    folder({"f/a\nb": b"1", "f/\x1b[31m": b"2", os.fsdecode(b"f/\xff"): b"3"})
    assert documents(add("f")) == {"\x1b[31m": "2", "a\nb": "1", "\\xff": "3"}


def test_a_text_and_a_stream_stand_beside_files(folder, tmp_path):
    """A text needs no name; a stream stays open."""
    folder({"a": b"1"})
    stream = io.BufferedReader(io.BytesIO(b"2"))
    added = add_sources(ContextStore(), [Source(Path("a"), "a"), Source("3"), Source(stream, "-")])
    assert added.context.documents(0, 3) == [("a", 1), (None, 1), ("-", 1)]
    assert not stream.closed


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["nowhere"], "nowhere: there is no such file or folder"),
        (["a", "nowhere"], "nowhere: there is no such file or folder"),
        (["x" * 300], f"{'x' * 300}: File name too long"),
        (["a\0b"], "a\0b: embedded null byte"),
        (["blank"], "blank: it is empty"),
        (["blank", "f"], "blank, f: all 3 files are empty"),
    ],
)
def test_what_cannot_be_read_is_named(folder, add, names, message):
    """The whole message."""
    folder({"a": b"1", "blank": b" \n", "f/a": b"", "f/b": b"\t"})
    with pytest.raises(InvalidRequest) as error:
        add(*names)
    assert str(error.value) == message


def test_a_file_larger_than_memory_is_read(folder):
    """In a process that may have less than the file: plain, packed, or a member."""
    folder({})
    size = 200 << 20
    with open("zeros", "wb") as file:
        file.truncate(size)
    code = (
        "import resource, sys; from pathlib import Path\n"
        "from orchestrator.contexts.files import Source, add_sources\n"
        "from orchestrator.contexts.store import ContextStore\n"
        f"resource.setrlimit(resource.RLIMIT_DATA, ({size // 2}, {size // 2}))\n"
        "print(add_sources(ContextStore(Path('kept')), [Source(Path(sys.argv[1]))]).context.length)"
    )
    with open("zeros", "rb") as file, gzip.open("zeros.gz", "wb", 1) as packed:
        for _ in range(size >> 20):
            packed.write(file.read(1 << 20))
    for name in ("zeros", "zeros.gz"):
        command = [sys.executable, "-c", code, name]
        ran = subprocess.run(command, capture_output=True, text=True, env={"PYTHONPATH": str(ROOT)}, check=False)
        assert (ran.stdout, ran.stderr) == (f"{size}\n", "")
