"""Which processes live that hold runs: each has a locked file, and a lock ends with its process, however that ends."""

import contextlib
import fcntl
import os
import uuid
from pathlib import Path


class Holder:
    """This process, among those that use the same store on this machine."""

    def __init__(self, folder: Path, *, named: bool = False) -> None:
        """`folder`: one for all of them. `named`: other machines have one too, whose processes cannot be seen from here."""
        self._folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._place = _name(folder) if named else ""
        self.id = self._place + uuid.uuid4().hex
        self._path = folder / self.id
        # Locked before it has its name: nobody finds it unlocked.
        partial = folder / f"{self.id}.new"
        self._file = os.open(partial, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX)
        partial.rename(self._path)

    def lives(self, holder: str) -> bool:
        """Whether that process still does; it may have lost its power, too. One of another machine counts as alive."""
        if holder == self.id or not holder.startswith(self._place):
            return True
        try:
            file = os.open(self._folder / holder, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(file)
        return False

    def tidy(self) -> None:
        """Takes away the files of those that live no more."""
        for path in self._folder.glob("?" * len(self.id)):
            if not self.lives(path.name):
                path.unlink(missing_ok=True)

    def close(self) -> None:
        """It holds nothing any more."""
        self._path.unlink(missing_ok=True)
        os.close(self._file)


def _name(folder: Path) -> str:
    """Of the folder: the same for all processes that use it."""
    path = folder / "name"
    if not path.exists():
        partial = folder / f"{uuid.uuid4().hex}.name"
        partial.write_text(uuid.uuid4().hex[:16])
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(partial)
        partial.unlink()
    return path.read_text()
