"""What README and the demo promise, held against the code."""

import re
from pathlib import Path

from orchestrator import __version__
from orchestrator.config import SandboxSettings, Settings

ROOT = Path(__file__).parents[1]


def test_the_changelog_is_of_this_version():
    """The newest entry is the package's version."""
    newest = re.search(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)[1]
    assert newest == __version__


def test_the_readme_names_files_that_are_there():
    """Every path in its table of the code."""
    text = (ROOT / "README.md").read_text()
    table = text[text.index("## Read the code in this order") :]
    rows = [row.split("|")[1] for row in table.splitlines() if row.startswith("| `")]
    paths = [path for row in rows for path in re.findall(r"`([^`]+)`", row)]
    missing = [path for path in paths if not (ROOT / path).exists() and not (ROOT / "orchestrator" / path).exists()]
    assert len(paths) > 10
    assert missing == []


def test_every_limit_of_the_guest_is_documented_with_its_default():
    """The table in guest_sdk/README.md names each setting of [sandbox]."""
    text = (ROOT / "guest_sdk" / "README.md").read_text()
    names = [*SandboxSettings.__struct_fields__, *(name for name in Settings.__struct_fields__ if name.startswith("max_"))]
    assert [name for name in names if f"`{name}`" not in text] == []
