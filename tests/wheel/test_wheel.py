"""The wheel as a newcomer has it: built, installed in an empty environment, used from an empty folder.

Run by `make test-wheel`, for each Python that WHEEL_PYTHONS names, with the package index that pip is configured for.
"""

import contextlib
import hashlib
import os
import re
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import httpx
import pytest
from processes import ROOT

pytestmark = pytest.mark.wheel
PYTHONS = os.environ.get("WHEEL_PYTHONS", sys.executable).split()
QUESTION = "How many errors does the payment service have in this log?"
LOG = "ERROR service=payment\nERROR service=search\n"


def run(*command, folder, **environment):
    """A command outside the checkout, without its package."""
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [str(part) for part in command]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=inherited | environment)


def done(*command, **others):
    """The same for a command that must succeed."""
    result = run(*command, **others)
    assert result.returncode == 0, result.stderr
    return result


def built(source, folder):
    """The wheel that pip makes of a folder or a file."""
    done(sys.executable, "-m", "pip", "wheel", "--no-deps", "-w", folder, source, folder=folder)
    [wheel] = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    return built(ROOT, tmp_path_factory.mktemp("wheel"))


class Newcomer:
    """A user with an empty home, who has installed the wheel and stands in a folder with a log and nothing else."""

    def __init__(self, programs, home):
        self.programs = programs
        self.folder = home / "folder"
        self.environment = {"HOME": str(home), "XDG_CACHE_HOME": str(home / "elsewhere"), "XDG_DATA_HOME": str(home / "data")}
        self.folder.mkdir()
        (self.folder / "log").write_text(LOG)

    def rlm(self, *arguments):
        return run(self.programs / "rlm", *arguments, folder=self.folder, **self.environment)

    @contextlib.contextmanager
    def server(self):
        """A client of its server."""
        process = subprocess.Popen(
            [self.programs / "rlm", "serve", "--port", "0"],
            cwd=self.folder,
            env=os.environ | self.environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            listening = next(line for line in process.stderr if "listening" in line)
            with httpx.Client(base_url=re.search(r"http://\S+", listening)[0], timeout=60) as client:
                yield client
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=30)


@pytest.fixture(scope="session", params=PYTHONS)
def newcomer(request, wheel, tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    programs = tmp_path_factory.mktemp("environment") / "bin"
    done(request.param, "-m", "venv", programs.parent, folder=home)
    done(programs / "python", "-m", "pip", "install", wheel, folder=home)
    return Newcomer(programs, home)


@pytest.fixture(scope="session")
def first_query(newcomer):
    """With an empty cache."""
    return newcomer.rlm("query", "--context", "log", QUESTION)


def carried(wheel):
    """The names of what is no code, with SHA256 for that of the component."""
    names = (name for name in zipfile.ZipFile(wheel).namelist() if not name.endswith(".py"))
    return sorted(re.sub("[0-9a-f]{64}", "SHA256", name) for name in names)


def test_the_wheel_carries_what_runs_and_nothing_else(wheel):
    """The component, the modules, the pages, the demo's scripts and every setting, beside the code."""
    data = ["config.toml", "guest/SHA256.wasm"]
    data += [f"demo/scripts/{path.name}" for path in (ROOT / "demo" / "scripts").glob("*.toml")]
    data += [f"wasm_modules/dist/{name}" for name in ("csv.wasm", "json.wasm", "manifest.toml", "regex.wasm", "text.wasm")]
    package = ROOT / "orchestrator"
    pages = [str(path.relative_to(package)) for path in (package / "web").rglob("*.*")]
    about = ["METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE"]
    expected = [
        f"orchestrator/{name}" for name in [*(f"data/{name}" for name in data), *pages, "providers/prices.toml", "py.typed"]
    ]
    expected += [f"rlm_orchestrator-0.1.0.dist-info/{name}" for name in about]
    assert carried(wheel) == sorted(expected)


def test_the_component_is_named_by_its_hash(wheel):
    """A run's journal names it so."""
    with zipfile.ZipFile(wheel) as opened:
        [name] = [name for name in opened.namelist() if "/guest/" in name]
        assert hashlib.sha256(opened.read(name)).hexdigest() == Path(name).stem


def test_the_source_distribution_builds_the_same_wheel(wheel, tmp_path):
    """The bytes of the component excepted: no two builds are the same."""
    done(sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", tmp_path, folder=ROOT)
    [source] = tmp_path.glob("*.tar.gz")
    assert carried(built(source, tmp_path)) == carried(wheel)


def test_what_builds_the_guest_is_not_installed(newcomer):
    """It is of no use there."""
    found = run(newcomer.programs / "python", "-c", "import componentize_py", folder=newcomer.folder)
    assert found.stderr.splitlines()[-1] == "ModuleNotFoundError: No module named 'componentize_py'"


def test_it_says_its_version(newcomer):
    """That of the file's name."""
    assert newcomer.rlm("--version").stdout == "0.1.0\n"


def test_the_first_query_compiles_but_builds_nothing(newcomer, first_query):
    """It says so, and how to name a model."""
    assert (first_query.returncode, first_query.stdout) == (0, "1\n")
    assert said(first_query) == [
        "rlm: no config.toml here: settings have their defaults, and a scripted model answers the questions of the demo; "
        "`rlm init` names a model that this machine has",
        *(f"rlm: compiling the module {name} (once)" for name in ("regex", "csv", "json", "text")),
        "rlm: compiling the Python guest (once, about 5 seconds)",
    ]


def said(done):
    """What the program says of itself, without the two lines about the run."""
    return [line for line in done.stderr.splitlines() if line.startswith("rlm: ")][:-2]


def test_the_next_query_finds_what_was_compiled(newcomer, first_query):
    """Nothing is said but how to name a model."""
    again = newcomer.rlm("query", "--context", "log", QUESTION)
    assert (again.returncode, again.stdout) == (0, "1\n")
    assert len(said(again)) == 1


def test_init_writes_every_setting(newcomer, tmp_path):
    """From the file that the wheel carries."""
    assert newcomer.rlm("init", tmp_path / "config.toml").returncode == 0
    text = (tmp_path / "config.toml").read_text()
    assert "\nmax_iterations = 20 " in text
    assert re.search(r"^\[\[providers\]\].*\n(?:[^\[\n].*\n)*?provider_type = ", text, re.MULTILINE)


def test_nothing_is_written_but_the_cache_and_the_journals(newcomer, first_query):
    """In the folders that XDG_CACHE_HOME and XDG_DATA_HOME name."""
    home = newcomer.folder.parent
    assert {each.name for each in home.iterdir()} == {"folder", "elsewhere", "data"}
    assert [each.name for each in newcomer.folder.iterdir()] == ["log"]
    assert [each.name for each in (home / "elsewhere").iterdir()] == ["rlm"]


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/health", "application/json"),
        ("/visualize", "text/html; charset=utf-8"),
        ("/visualize/assets/visualize.js", "text/javascript; charset=utf-8"),
    ],
)
def test_the_server_answers_from_an_empty_folder(newcomer, path, kind):
    """Its pages come along."""
    with newcomer.server() as client:
        response = client.get(path)
    assert (response.status_code, response.headers["content-type"]) == (200, kind)


def test_a_run_is_replayed_where_its_component_was_brought(newcomer, tmp_path):
    """Here by the checkout, whose own component is another build."""

    def rlm(*arguments):
        return run(sys.executable, "-m", "orchestrator", *arguments, folder=ROOT, XDG_CACHE_HOME=str(tmp_path / "cache"))

    with newcomer.server() as client:
        answer = client.post("/query", json={"query": QUESTION, "context": LOG}).json()
        (tmp_path / "journal").write_bytes(client.get(f"/runs/{answer['run_id']}/journal").content)
    replay = ("replay", tmp_path / "journal", "--context", newcomer.folder / "log")
    missing = rlm(*replay)
    [sha256] = set(re.findall("[0-9a-f]{64}", missing.stderr))
    assert missing.returncode == 2
    assert newcomer.rlm("guest", "export", sha256, tmp_path / "carried").stdout == f"{sha256}\n"
    assert rlm("guest", "import", tmp_path / "carried").stdout == f"{sha256}\n"
    assert rlm(*replay).stdout == "identical\n"
