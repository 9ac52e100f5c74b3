"""Runs in a guest, before inside.py: files in a dict, since a guest has none and many tests keep something in one.

What opens by a path, asks after one or removes one works; what needs a real descriptor does not.
"""

import _io
import builtins
import contextlib
import errno
import io
import os
import shutil
import stat
import sys
import tempfile

_folders = {"/", "/tmp"}
_numbers = iter(range(10**9))


class Files(dict):
    """{absolute path: bytes, or the number of the document that it begins as}"""

    def __getitem__(self, path):
        content = self.get(path)
        if content is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        return context[content].encode() if isinstance(content, int) else content  # the cell's own


class _File(io.BytesIO):
    """One that is open. What was written is kept when it is closed or flushed."""

    def __init__(self, path, mode):
        fresh = "w" in mode or "x" in mode or ("a" in mode and path not in files)
        super().__init__(b"" if fresh else files[path])
        self.mode, self._path, self._appends = mode, path, "a" in mode
        self._reads, self._writes = bool(set(mode) & set("r+")), bool(set(mode) & set("wax+"))
        if fresh:
            files[path] = b""
        self.seek(0, io.SEEK_END if self._appends else io.SEEK_SET)

    def readable(self):
        return self._reads

    def writable(self):
        return self._writes

    def write(self, content):
        if not self._writes:
            raise io.UnsupportedOperation("write")
        if self._appends:
            self.seek(0, io.SEEK_END)
        return super().write(content)

    def fileno(self):
        return id(self)

    def flush(self):
        super().flush()
        if self._writes:
            files[self._path] = self.getvalue()

    def close(self):
        if not self.closed:
            self.flush()
        super().close()


files = Files()


def absolute(path):
    return os.path.normpath(os.path.join("/tmp", os.fsdecode(path)))


def open_file(file, mode="r", buffering=-1, encoding=None, errors=None, newline=None, closefd=True, opener=None):
    if isinstance(file, int) or opener is not None:
        return _open(file, mode, buffering, encoding, errors, newline, closefd, opener)
    path = absolute(file)
    if path in _folders:
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), file)
    if "x" in mode and path in files:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), file)
    opened = _File(path, mode)
    opened.name = file
    return opened if "b" in mode else io.TextIOWrapper(opened, encoding or "utf-8", errors, newline)


def _temporary(
    mode="w+b",
    buffering=-1,
    encoding=None,
    newline=None,
    suffix=None,
    prefix=None,
    dir=None,
    delete=True,
    *,
    errors=None,
    delete_on_close=True,
):
    return open_file(tempfile.mktemp(suffix or "", prefix or "tmp", dir or "/tmp"), mode, buffering, encoding, errors, newline)


def _stat(path, *, dir_fd=None, follow_symlinks=True):
    name = absolute(path)
    if name in _folders or any(each.startswith(f"{name}/") for each in files):
        return os.stat_result((stat.S_IFDIR | 0o755, 1, 1, 1, 0, 0, 0, 0, 0, 0))
    return os.stat_result((stat.S_IFREG | 0o644, 1, 1, 1, 0, 0, len(files[name]), 0, 0, 0))


def _listdir(folder="."):
    inside = absolute(folder).rstrip("/") + "/"
    names = {path.removeprefix(inside).partition("/")[0] for path in (*files, *_folders) if path.startswith(inside)}
    if not names and inside[:-1] not in _folders:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), folder)
    return sorted(names - {""})


class _Entry:
    """Of a folder, as os.scandir gives them."""

    def __init__(self, folder, name):
        self.name, self.path = name, os.path.join(folder, name)

    def is_dir(self, *, follow_symlinks=True):
        return os.path.isdir(self.path)

    def is_file(self, *, follow_symlinks=True):
        return os.path.isfile(self.path)

    def is_symlink(self):
        return False

    def stat(self, *, follow_symlinks=True):
        return os.stat(self.path)


@contextlib.contextmanager
def _scandir(folder="."):
    yield iter([_Entry(folder, name) for name in os.listdir(folder)])


def _remove(path, *, dir_fd=None):
    files[absolute(path)]
    del files[absolute(path)]


def _mkdir(path, mode=0o777, *, dir_fd=None):
    if absolute(path) in _folders:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
    _folders.add(absolute(path))


def _remove_tree(path, ignore_errors=False, onerror=None, *, onexc=None, dir_fd=None):
    inside = absolute(path)
    for each in [each for each in files if each.startswith(f"{inside}/")]:
        del files[each]
    _folders.difference_update([each for each in _folders if f"{each}/".startswith(f"{inside}/")])


_open = open


def use_files():
    """Again in each cell: the builtins are as they were at the end of the one before."""
    builtins.open = open_file


_io.open = io.open = open_file
os.stat = os.lstat = _stat
os.listdir = _listdir
os.scandir = _scandir
os.remove = os.unlink = _remove
os.mkdir = _mkdir
os.rmdir = lambda path, *, dir_fd=None: _folders.discard(absolute(path))
os.getcwd = lambda: "/tmp"
os.fsync = lambda descriptor: None
shutil.rmtree = _remove_tree
tempfile.tempdir = "/tmp"
tempfile.TemporaryFile = tempfile.NamedTemporaryFile = _temporary
for _module in ("zoneinfo", "_zoneinfo"):  # its C part kept the io.open that it found
    sys.modules.pop(_module, None)
