"""gzip files and zip archives: opened by how they begin, bounded, whatever is in them."""

import gzip
import io
import tarfile
import zipfile

import pytest

from orchestrator.contexts import archives
from orchestrator.contexts.files import Source, add_sources
from orchestrator.contexts.store import ContextStore
from orchestrator.errors import InvalidRequest, NoRoom


def zipped(members, method=zipfile.ZIP_DEFLATED):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", method) as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return content.getvalue()


def tarred():
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a"))
    return content.getvalue()


@pytest.fixture
def add(tmp_path):
    """add({name: content}, what=".", max_bytes=...): files in a folder, and what add_sources makes of it."""

    def add(files, what=".", max_bytes=10_000_000):
        for name, content in files.items():
            (tmp_path / name).write_bytes(content)
        path = tmp_path / what
        added = add_sources(ContextStore(max_bytes=max_bytes), [Source(path, what)])
        context = added.context
        texts = [context.read(number, 0, length) for number, (_, length) in enumerate(context.documents(0, context.count))]
        return dict(zip(context.names, texts, strict=True)), added.notes

    return add


def test_a_gzip_file_is_its_content(add):
    """Named or found, of several parts too; its name does not matter."""
    content = gzip.compress(b"one\n") + gzip.compress(b"two\n")
    assert add({"log": content}, "log") == ({None: "one\ntwo\n"}, ())
    assert add({"log": content}) == ({"log": "one\ntwo\n"}, ())


def test_the_members_of_a_zip_archive_are_documents(add):
    """Alone, or in a folder; what is no text of them is left out, and so are archives in it."""
    members = {"a/b.txt": "x", "../../c": "y", ".git/d": "", "e": b"\0", "f.zip": zipped({"g": "z"}), "h/": ""}
    expected = {"a.zip/a/b.txt": "x", "a.zip/../../c": "y"}
    notes = ("3 left out: a.zip/.git/d (hidden), a.zip/e (binary), a.zip/f.zip (binary)",)
    assert add({"a.zip": zipped(members)}, "a.zip") == (expected, notes)
    assert add({"a.zip": zipped(members), "b": b"1"}) == ({**expected, "b": "1"}, notes)


def test_a_member_that_cannot_be_unpacked_is_left_out(add):
    """Encrypted, of another method, or damaged; the others are there."""
    content = bytearray(zipped({"a": "A" * 100, "b": "B" * 100, "c": "C" * 100}))
    table = content.index(b"PK\x01\x02")
    content[table + 8] |= 1  # a is encrypted
    damaged = content.index(b"b", 60) + 1
    content[damaged : damaged + 2] = b"\xff\xff"
    members, notes = add({"a.zip": bytes(content)}, "a.zip")
    assert members == {"a.zip/c": "C" * 100}
    assert notes[0].startswith("2 left out: a.zip/a (encrypted), a.zip/b (damaged: Error -3 while decompressing data: ")
    with pytest.raises(InvalidRequest) as error:
        add({"l.zip": zipped({"l": "x"}, zipfile.ZIP_LZMA)}, "l.zip")
    assert str(error.value).endswith("l.zip: no file in it is text: l.zip/l (packed in a way that is not read)")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (gzip.compress(b"x" * 100)[:-9], "damaged: Compressed file ended before the end-of-stream marker was reached"),
        (b"\x1f\x8b nonsense", "damaged: Unknown compression method"),
        (b"PK\x03\x04 nonsense", "damaged: File is not a zip file"),
        (tarred(), "a tar archive, which is not opened: unpack it, and name the folder"),
        (gzip.compress(tarred()), "a tar archive, which is not opened: unpack it, and name the folder"),
    ],
    ids=["cut", "no gzip", "no zip", "tar", "tar in gzip"],
)
def test_what_is_not_what_it_begins_as_is_told(add, tmp_path, content, message):
    """A mistake if it was named; else it is left out."""
    with pytest.raises(InvalidRequest) as error:
        add({"a": content}, "a")
    assert str(error.value) == f"{tmp_path}/a: {message}"
    assert add({"a": content, "b": b"1"}) == ({"b": "1"}, (f"1 left out: a ({message})",))


@pytest.mark.parametrize("content", [gzip.compress(b"a" * 3_000_000), zipped({"a": "a" * 3_000_000})])
@pytest.mark.parametrize("what", [".", "bomb"])
def test_what_unpacks_to_too_much_is_refused_by_the_setting(add, content, what):
    """While it is unpacked."""
    with pytest.raises(NoRoom) as error:
        add({"bomb": content}, what, max_bytes=1_000_000)
    assert str(error.value) == "the context has more than 1000000 bytes (context_bytes, or max_bytes of its token)"


def test_a_table_of_members_is_bounded(add, monkeypatch):
    """It is the only part that is read as a whole."""
    monkeypatch.setattr(archives, "_TABLE", 100)
    with pytest.raises(InvalidRequest) as error:
        add({"a.zip": zipped({"n" * 200: "x"})}, "a.zip")
    assert str(error.value).endswith("a.zip: damaged: its table of members has more than 100 bytes")
