"""The journals of `rlm query`: kept, bounded, found by how a run's id begins."""

import os
import stat

import pytest

from orchestrator.cli import journals
from orchestrator.cli.journals import Origin, create_journal, find_journal, keep_journal, origin_of, read_journal, read_origin
from orchestrator.errors import InvalidRequest, JournalError
from orchestrator.journal.events import Answer, ModelCalled

ORIGIN = Origin(("/files/a",), "utf-8")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where they are kept."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path / "data" / "rlm" / "journals"


def keep(run_id):
    journal = keep_journal(run_id, ORIGIN)
    journal.write(Answer(text=run_id, partial=False))
    journal.close()


def test_nobody_else_can_read_them(folder):
    """They hold questions, code and what it printed."""
    keep("a" * 32)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in [folder, *folder.iterdir()]}
    assert modes == {"journals": 0o700, f"{'a' * 32}.jsonl": 0o600, f"{'a' * 32}.origin.json": 0o600}


def test_an_event_is_in_the_file_as_soon_as_it_is_written(folder):
    """A program that is killed leaves what it had."""
    journal = keep_journal("a" * 32, ORIGIN)
    journal.write(Answer(text="x", partial=False))
    assert find_journal("a").read_bytes().startswith(b'{"event":"answer","at":0.0,"text":"x"')
    with pytest.raises(JournalError, match=r"^line 1: it is not run_started$"):
        read_journal(find_journal("a"))
    journal.close()


def test_the_oldest_leaves_first(folder, monkeypatch):
    """With what is kept of it."""
    monkeypatch.setattr(journals, "KEPT", 3)
    for number in range(5):
        keep(f"{number:032x}")
        os.utime(find_journal(f"{number:032x}"), (number, number))
    assert sorted(path.name.lstrip("0") for path in folder.iterdir()) == [
        "2.jsonl",
        "2.origin.json",
        "3.jsonl",
        "3.origin.json",
        "4.jsonl",
        "4.origin.json",
    ]


def test_a_run_is_found_by_how_its_id_begins(folder):
    """If no other begins so; a file with that name is meant first."""
    keep("ab" * 16)
    keep("ac" * 16)
    assert find_journal("ab") == folder / f"{'ab' * 16}.jsonl"
    assert read_origin(find_journal("ab")) == ORIGIN
    with pytest.raises(InvalidRequest) as error:
        find_journal("a")
    assert str(error.value) == f"a: several runs begin so: {'ab' * 16}, {'ac' * 16}"


@pytest.mark.parametrize("name", ["../../etc/passwd", "*", "[a-f]", "", "A", "a" * 33, "x" * 5000])
def test_what_is_no_id_is_looked_for_as_a_file_only(folder, name, tmp_path, monkeypatch):
    """No name leads out of the folder."""
    monkeypatch.chdir(tmp_path)
    keep("ab" * 16)
    with pytest.raises(InvalidRequest) as error:
        find_journal(name)
    assert str(error.value) == f"{name}: there is no such file"


def test_a_folder_that_cannot_be_written_costs_the_journal_and_not_the_run(tmp_path, monkeypatch, capsys):
    """One line says so."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "file"))
    journal = keep_journal("a" * 32, ORIGIN)
    journal.write(Answer(text="x", partial=False))
    assert not journal.is_whole
    assert capsys.readouterr().err == (
        f"rlm: the journal is not kept, {tmp_path}/file/rlm/journals cannot be written: Not a directory\n"
    )


def test_a_full_disk_ends_the_journal_and_not_the_run(tmp_path, capsys):
    """One line says so, once."""
    (tmp_path / "journal").symlink_to("/dev/full")
    journal = create_journal(tmp_path / "journal")
    journal.write(ModelCalled(turn=1, prompt_chars=0, texts=()))
    journal.write(Answer(text="x", partial=False))
    assert not journal.is_whole
    assert capsys.readouterr().err == (
        f"rlm: the journal ends here, {tmp_path}/journal cannot be written: No space left on device\n"
    )


@pytest.mark.parametrize("content", [b"", b"[]", b'{"inputs": 5}', b'{"inputs": [], "encoding": "utf-8"}'])
def test_an_origin_that_says_nothing_is_none(folder, content):
    """The input has to be named again."""
    keep("ab" * 16)
    (folder / f"{'ab' * 16}.origin.json").write_bytes(content)
    assert read_origin(find_journal("ab")) is None


@pytest.mark.parametrize(
    ("names", "kept"), [(["a"], True), (["a", "."], True), (["a", "-"], False), (["-"], False), (["/dev/null"], False)]
)
def test_only_files_and_folders_can_be_read_twice(tmp_path, monkeypatch, names, kept):
    """By whole names; standard input, a pipe or a device is read once."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a").write_text("x")
    assert origin_of(names, "utf-8").inputs == (tuple(str(tmp_path / name) for name in names) if kept else ())


@pytest.mark.parametrize("value", ["", "relative"])
def test_without_a_whole_path_in_the_environment_they_are_in_the_home_folder(tmp_path, monkeypatch, value):
    """As the XDG specification has it."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", value)
    keep("ab" * 16)
    assert find_journal("ab") == tmp_path / ".local" / "share" / "rlm" / "journals" / f"{'ab' * 16}.jsonl"
