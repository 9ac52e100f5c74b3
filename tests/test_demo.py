"""The scripts of demo/, each against a running server with the shipped configuration."""

import re
import tomllib
from pathlib import Path

import pytest
from fakes import FakeModel, python
from processes import run
from serving import serving, serving_app

from orchestrator import config
from orchestrator.opening import Orchestrator

ROOT = Path(__file__).parents[1]
SCRIPTS = sorted((ROOT / "demo").glob("*.sh"))
NAMES = [path.stem for path in SCRIPTS]


@pytest.fixture(scope="module")
async def url(engine):
    """Of a server with the shipped configuration."""
    async with serving_app(Orchestrator(config.load(ROOT / "config.toml"), print, engine=engine)) as client:
        yield client.base_url


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
async def test_a_script_asks_its_question_of_a_running_server(url, script):
    """The answer is the truth, which the script computed itself; it prints the page of the run."""
    status, out, err = await run(script, url)
    assert (status, err) == (0, "")
    assert re.search(r"\n  RIGHT: \d+ turns, \d+ sub-calls, [\d.]+ s \(answered\)\n", out)
    assert re.search(rf"\n  {url}/visualize/\w+\n$", out)


async def test_a_script_without_a_server_says_what_to_do():
    """Exit status 2, one line."""
    status, _, err = await run(SCRIPTS[0], "http://127.0.0.1:9")
    assert (status, err) == (
        2,
        "http://127.0.0.1:9: no answer: [Errno 111] Connection refused (start a server with: make serve)\n",
    )


async def test_a_wrong_answer_is_exit_status_1(engine):
    """It stands beside the truth."""
    async with serving(engine, FakeModel([python("FINAL(7)")])) as client:
        status, out, _ = await run(ROOT / "demo" / "log_errors.sh", client.base_url)
    assert status == 1
    assert re.search(r"\n  answer: 7\n  truth:  \d+\n  WRONG: 1 turns", out)


async def test_too_many_arguments_are_told_the_usage():
    """Exit status 2, with the names of the questions."""
    status, _, err = await run(ROOT / "demo" / "log_errors.sh", "a", "b")
    assert status == 2
    usage = re.fullmatch(r"usage: ask\.py (.+) \[URL, default http://127\.0\.0\.1:8080\]\n", err)
    assert sorted(usage[1].split(" | ")) == NAMES


def test_the_readme_has_every_script():
    """One row each in its table."""
    text = (ROOT / "README.md").read_text()
    assert re.findall(r"^\| `demo/(\w+)\.sh` \|", text, re.MULTILINE) == NAMES


@pytest.mark.parametrize("files", ["questions/[a-z]*.py", "scripts/*.toml"])
def test_every_script_has_a_question_and_its_replies(files):
    """Under the same name, and no others."""
    assert sorted(path.stem for path in (ROOT / "demo").glob(files)) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_the_replies_of_a_script_are_for_its_own_prompts(name):
    """All scripts are one: a pattern says how a prompt begins, so that it finds nothing in what another prompt quotes."""
    script = tomllib.loads((ROOT / "demo" / "scripts" / f"{name}.toml").read_text())
    assert [each["pattern"] for each in script.get("sub_calls", []) if not each["pattern"].startswith(r"\A")] == []
