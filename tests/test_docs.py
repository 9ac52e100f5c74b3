"""What README and the demo promise, held against the code."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

from orchestrator import __version__
from orchestrator.config import PROVIDER_TYPES, SandboxSettings, Settings

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


@pytest.mark.parametrize("name", [name for name in PROVIDER_TYPES if name != "scripted"])
def test_every_provider_is_documented_with_its_address_and_key(name):
    """In the table of README.md; of a server on this machine the port is enough."""
    text = (ROOT / "README.md").read_text()
    [row] = [line for line in text[text.index("## Providers") :].splitlines() if line.startswith("| `") and f"`{name}`" in line]
    settings = PROVIDER_TYPES[name](
        model="m", **({"base_url": "https://RESOURCE.openai.azure.com/openai/v1"} if name == "azure" else {})
    )
    assert settings.base_url.removeprefix("http://127.0.0.1") in row
    assert (settings.api_key_env or "none") in row


def test_the_pins_have_what_a_wheel_is_built_with():
    """The extra that requirements.txt is made from is the list of [build-system]."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["project"]["optional-dependencies"]["build"] == project["build-system"]["requires"]


def folders():
    return sorted(path.parent for path in (ROOT / "orchestrator").rglob("__init__.py"))


@pytest.mark.parametrize("folder", folders()[1:], ids=lambda folder: str(folder.relative_to(ROOT)))
def test_the_map_of_a_folder_names_what_is_in_it(folder):
    """Each file and folder once, and nothing that is not there."""
    text = ast.get_docstring(ast.parse((folder / "__init__.py").read_text()))
    named = re.findall(r"^(\w+(?:\.py|/)) ", text, re.MULTILINE)
    there = [each.name for each in folder.glob("*.py") if each.name != "__init__.py"]
    there += [f"{each.parent.name}/" for each in folder.glob("*/__init__.py")]
    assert sorted(named) == sorted(there)


def test_the_map_of_the_package_names_its_rooms():
    """Each folder, and the files that stand beside them."""
    text = ast.get_docstring(ast.parse((ROOT / "orchestrator" / "__init__.py").read_text()))
    rooms = {f"{each.name}/" for each in (ROOT / "orchestrator").iterdir() if each.is_dir() and each.name != "__pycache__"}
    rooms |= {each.name for each in (ROOT / "orchestrator").glob("[a-z]*.py")}
    assert set(re.findall(r"\b\w+(?:\.py|/)(?=[\s,;:(]|$)", text)) - {"host_imports.py"} == rooms


def test_the_example_of_the_library_runs(capsys):
    """As it stands in the README."""
    text = (ROOT / "README.md").read_text()
    section = text[text.index("## From Python") :]
    exec(section[section.index("```python") + 9 : section.index("\n```\n\n`context`")], {"__name__": "example"})  # noqa: S102  (our own)
    assert capsys.readouterr().out == "2 answered 1\n1 cell came to the same again\n"
