"""The folder of what was compiled: whose it is, and who may write there."""

import os
import stat
from pathlib import Path

import pytest

from orchestrator.errors import SandboxError
from orchestrator.sandbox.build import cache


@pytest.fixture
def folder(tmp_path):
    os.environ["XDG_CACHE_HOME"] = str(tmp_path)
    return tmp_path / "rlm"


def test_the_cache_folder_is_made_for_this_user_alone(folder):
    """Nobody else may read or write it."""
    assert cache.folder() == folder
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777])
def test_a_cache_folder_that_others_can_write_is_refused(folder, mode):
    """Loading compiled code that others can write is running their code."""
    folder.mkdir()
    folder.chmod(mode)
    with pytest.raises(SandboxError) as error:
        cache.folder()
    assert str(error.value) == (
        f"others can write to the cache folder {folder}, which holds compiled code; run: chmod 700 {folder}"
    )


def test_a_cache_folder_that_is_a_link_is_refused(folder, tmp_path):
    """A link may point to a folder of somebody else's."""
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    folder.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SandboxError) as error:
        cache.folder()
    assert str(error.value) == f"the cache folder {folder} is a link, or another user's; set XDG_CACHE_HOME to another"


def test_a_cache_that_is_a_file_is_a_clear_error(folder):
    """The message names the folder and the reason."""
    folder.write_text("")
    with pytest.raises(SandboxError) as error:
        cache.folder()
    assert str(error.value) == f"the cache folder {folder} cannot be used: File exists; set XDG_CACHE_HOME to another"


def test_without_a_home_folder_the_reason_says_what_to_set(monkeypatch):
    """As for a user that the system does not know, in a container."""

    def unknown():
        raise RuntimeError("Could not determine home directory.")

    os.environ.pop("XDG_CACHE_HOME", None)
    monkeypatch.setattr(Path, "home", unknown)
    with pytest.raises(SandboxError) as error:
        cache.folder()
    assert str(error.value) == "this user has no home folder to keep compiled code in; set XDG_CACHE_HOME to a folder"


@pytest.mark.parametrize("write", [lambda path: cache.write(path, b""), lambda path: cache.made(path, bytes)])
def test_what_cannot_be_written_is_a_clear_error(tmp_path, write):
    """Here the folder is gone; a full or read-only one has its own reason."""
    with pytest.raises(SandboxError) as error:
        write(tmp_path / "rlm" / "file")
    assert str(error.value) == (
        f"the cache folder {tmp_path}/rlm cannot be used: No such file or directory; set XDG_CACHE_HOME to another"
    )


def test_what_is_made_is_made_once(tmp_path):
    """The second time nothing is written, not even a lock: the folder may be read-only then."""
    path = cache.made(tmp_path / "file", lambda: b"made")
    (tmp_path / "lock").unlink()
    assert cache.made(path, pytest.fail).read_bytes() == b"made"
    assert sorted(tmp_path.iterdir()) == [path, tmp_path / "file.sha256"]


@pytest.mark.parametrize("damage", [b"", b"mad", b"\0\0\0\0"], ids=["empty", "cut", "zeroed"])
def test_what_is_damaged_is_made_again(tmp_path, damage):
    """Machine code is not run before it is what was written."""
    path = cache.made(tmp_path / "file", lambda: b"made")
    path.write_bytes(damage)
    assert cache.made(path, lambda: b"made again").read_bytes() == b"made again"
    assert cache.made(path, pytest.fail) == path


def test_what_has_no_digest_is_made_again(tmp_path):
    """As an earlier version wrote it."""
    (tmp_path / "file").write_bytes(b"from before")
    assert cache.made(tmp_path / "file", lambda: b"made").read_bytes() == b"made"


def test_what_a_killed_process_left_is_taken_away(tmp_path):
    """A part of a file, in a folder of its own; not what another process writes just now."""
    for name in ("writing-old", "writing-now"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "part").write_bytes(b"ma")
    os.utime(tmp_path / "writing-old", (0, 0))
    cache.made(tmp_path / "file", lambda: b"made")
    assert sorted(each.name for each in tmp_path.glob("writing-*")) == ["writing-now"]
