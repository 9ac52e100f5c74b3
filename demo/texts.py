"""Real text of this machine that several questions are about."""

import sysconfig
from pathlib import Path

STDLIB = Path(sysconfig.get_path("stdlib"))
LEFT_OUT = {"site-packages", "dist-packages", "test", "tests", "idle_test"}


def standard_library() -> dict[str, str]:
    """The text of each module, by its path."""
    paths = sorted(path for path in STDLIB.rglob("*.py") if not LEFT_OUT & set(path.relative_to(STDLIB).parts))
    return {path.relative_to(STDLIB).as_posix(): path.read_bytes().decode() for path in paths}


def as_one_text(files: dict[str, str]) -> str:
    """A header line before each."""
    return "".join(f"##### FILE: {name} #####\n{text}\n" for name, text in files.items())


def reference() -> dict[str, str]:
    """The chapters of Python's language reference that `help()` shows, by topic: a book of some 80."""
    from pydoc_data.topics import topics  # noqa: PLC0415  (half a megabyte, for those who want it)

    return dict(sorted(topics.items()))
