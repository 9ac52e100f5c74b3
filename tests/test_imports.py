"""The rooms of the house: who may know whom (CONTRIBUTING.md has the same as a table)."""

import ast
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "orchestrator"
FRAMEWORKS = {"litestar", "httpx", "wasmtime", "uvicorn", "structlog"}
WORDS = sorted(
    [
        *(PACKAGE / "dialogue").glob("*.py"),
        *(PACKAGE / name for name in ("amounts.py", "budget.py", "journal/events.py", "errors.py")),
    ]
)
BASE = {"errors", "config", "server_settings", "shipped", "presets"}
# What each room may import, beside itself. A room's messages.py is structs alone.
BELOW = {
    "errors": set(),
    "shipped": set(),
    "presets": set(),
    "env_file": {"errors"},
    "server_settings": set(),
    "config": {"errors", "server_settings", "shipped", "presets", "env_file"},
    "amounts": set(),
    "budget": BASE | {"amounts"},
    "contexts": BASE,
    "providers": BASE | {"amounts", "budget", "contexts"},
    "sandbox": BASE | {"contexts"},
    "dialogue": BASE | {"budget", "contexts", "sandbox.messages"},
    "journal": BASE | {"amounts", "contexts", "providers.messages", "sandbox.messages"},
    "logs": {"journal"},
    "store": BASE | {"journal", "providers.cache", "providers.messages", "logs"},
    "runs": BASE | {"amounts", "budget", "contexts", "providers", "sandbox", "dialogue", "journal", "store", "logs"},
    "opening": BASE | {"contexts", "providers", "sandbox", "store", "runs", "logs"},
    "telemetry": BASE | {"journal", "providers", "sandbox", "logs"},
    "api": BASE | {"contexts", "providers", "journal", "store.messages", "runs", "logs"},
}


def imported(path):
    """The modules that a file imports, by their whole names."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def files_of(room):
    return [PACKAGE / f"{room}.py"] if (PACKAGE / f"{room}.py").exists() else sorted((PACKAGE / room).rglob("*.py"))


def modules_of(path):
    """Those of this package that a file imports, without the package's name."""
    return {module.removeprefix("orchestrator.") for module in imported(path) if module.startswith("orchestrator.")}


@pytest.mark.parametrize("path", WORDS, ids=lambda path: path.stem)
def test_the_words_know_no_framework(path):
    """They could be used anywhere."""
    used = {module.partition(".")[0] for module in imported(path)}
    assert used & FRAMEWORKS == set()


def test_the_sandbox_knows_neither_http_nor_models():
    """What it may call arrives as a message."""
    used = {module.partition(".")[0] for path in files_of("sandbox") for module in imported(path)}
    assert used & {"litestar", "httpx", "uvicorn"} == set()


@pytest.mark.parametrize("room", BELOW)
def test_a_room_imports_only_what_is_below_it(room):
    """Arrows go down."""
    allowed = {*BELOW[room], room, "__version__"}
    beyond = {
        f"{path.relative_to(PACKAGE)}: {module}"
        for path in files_of(room)
        for module in modules_of(path)
        if not any(module == each or module.startswith(f"{each}.") or each.startswith(f"{module}.") for each in allowed)
    }
    assert beyond == set()


def test_every_room_has_its_place():
    """A new one needs a row above."""
    rooms = {
        each.name.removesuffix(".py") for each in PACKAGE.iterdir() if each.name[0].isalpha() and each.suffix in ("", ".py")
    }
    assert rooms == {*BELOW, "app", "cli", "library", "web"}


@pytest.mark.parametrize(
    "name",
    ["shipped", "errors", "sandbox/build/componentize", "sandbox/build/soundness", "sandbox/build/binary"],
)
def test_what_builds_a_wheel_knows_the_standard_library_alone(name):
    """Nothing else is there when guest_sdk/wheel.py runs."""
    used = {module.partition(".")[0] for module in imported(PACKAGE / f"{name}.py")}
    assert used <= sys.stdlib_module_names | {"orchestrator"}


def test_only_who_starts_a_server_waits_for_its_framework():
    """To import it takes longer than to answer a query."""
    serving = {PACKAGE / "app.py", PACKAGE / "cli" / "serve.py", *(PACKAGE / "api").glob("*.py")}
    knowing = {
        path for path in PACKAGE.rglob("*.py") for each in imported(path) if each.startswith(("litestar", "orchestrator.app"))
    }
    assert knowing <= serving


def test_only_what_is_loaded_on_demand_knows_opentelemetry():
    """It is an extra: what imports it is imported by `tracing.py` alone, if a collector is named."""
    knowing = {path for path in PACKAGE.rglob("*.py") for each in imported(path) if each.startswith("opentelemetry")}
    assert {path.name for path in knowing} == {"otlp.py", "spans.py"}
    users = {
        path.name
        for path in PACKAGE.rglob("*.py")
        for each in modules_of(path)
        if each in ("telemetry.otlp", "telemetry.spans")
    }
    assert users == {"otlp.py", "tracing.py"}


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.name)
def test_a_file_can_be_read_in_one_go(path):
    """At most 300 lines."""
    assert len(path.read_text().splitlines()) <= 300
