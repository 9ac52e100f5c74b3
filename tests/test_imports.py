"""The rooms of the house: who may know whom."""

import ast
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "orchestrator"
FRAMEWORKS = {"litestar", "httpx", "wasmtime", "uvicorn", "structlog"}


def imported(path):
    """The modules that a file imports, by their whole names."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize(
    "name", ["dialogue/replies", "dialogue/prompts", "dialogue/commands", "budget", "journal/events", "errors"]
)
def test_the_words_know_no_framework(name):
    """They could be used anywhere."""
    used = {module.partition(".")[0] for module in imported(PACKAGE / f"{name}.py")}
    assert used & FRAMEWORKS == set()


@pytest.mark.parametrize(
    "name",
    ["shipped", "errors", "sandbox/build/componentize", "sandbox/build/soundness", "sandbox/build/binary"],
)
def test_what_builds_a_wheel_knows_the_standard_library_alone(name):
    """Nothing else is there when guest_sdk/wheel.py runs."""
    used = {module.partition(".")[0] for module in imported(PACKAGE / f"{name}.py")}
    assert used <= sys.stdlib_module_names | {"orchestrator"}


@pytest.mark.parametrize("path", sorted((PACKAGE / "sandbox").rglob("*.py")), ids=lambda path: path.stem)
def test_the_sandbox_knows_neither_http_nor_providers(path):
    """What it may call arrives as an argument."""
    forbidden = ("litestar", "httpx", "uvicorn", "orchestrator.api", "orchestrator.runs", "orchestrator.providers")
    assert [module for module in imported(path) if module.startswith(forbidden)] == []


def test_only_the_command_line_knows_the_app():
    """app.py connects everything, so nothing may lean on it."""
    knowing = [path.name for path in PACKAGE.rglob("*.py") if "orchestrator.app" in set(imported(path))]
    assert sorted(knowing) == ["query.py", "serve.py"]


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.name)
def test_a_file_can_be_read_in_one_go(path):
    """At most 300 lines."""
    assert len(path.read_text().splitlines()) <= 300
