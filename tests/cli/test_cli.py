"""The `rlm` command, as an operator runs it."""

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

SCRIPT = """
[[rules]]
query = "how long"
replies = ['''```python
FINAL(len(context))
```''']
"""
CONFIG = """
[[providers]]
provider_type = "scripted"
model = "script.toml"
"""


def rlm(*arguments, cwd):
    command = [sys.executable, "-m", "orchestrator", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=60, check=False)


def test_a_wrong_configuration_is_one_line_and_status_2(tmp_path):
    """The key's path, no stack trace."""
    (tmp_path / "config.toml").write_text(CONFIG + "modle = 1\n")
    done = rlm("serve", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "rlm: config.toml: providers[0].modle: unknown key\n")


def test_a_missing_configuration_is_one_line_and_status_2(tmp_path):
    """The path as it was given."""
    done = rlm("serve", "--config", "nowhere.toml", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (2, "rlm: nowhere.toml: cannot be read: No such file or directory\n")


PAYMENTS = "How many errors does the payment service have in this log?"


def test_without_a_configuration_a_scripted_model_answers_and_one_line_says_how_to_name_another(tmp_path):
    """`rlm init` does."""
    (tmp_path / "log").write_text("ERROR service=payment\nERROR service=search\n")
    done = rlm("query", "--context", "log", PAYMENTS, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "1\n")
    assert [line for line in done.stderr.splitlines() if line.startswith("rlm: ")][:-2] == [
        "rlm: no config.toml here: settings have their defaults, and a scripted model answers the questions of the demo; "
        "`rlm init` names a model that this machine has",
    ]


def test_a_configuration_that_is_a_broken_link_is_not_taken_for_none(tmp_path):
    """Whoever made the link wants that file."""
    (tmp_path / "config.toml").symlink_to("nowhere.toml")
    (tmp_path / "log").write_text("x")
    done = rlm("query", "--context", "log", PAYMENTS, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (2, "rlm: config.toml: cannot be read: No such file or directory\n")


def test_a_missing_script_is_one_line_and_status_2(tmp_path):
    """The scripted model's file is looked for beside config.toml."""
    (tmp_path / "config.toml").write_text(CONFIG)
    done = rlm("serve", "--port", "0", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (
        2,
        "rlm: providers: the script script.toml cannot be read: No such file or directory\n",
    )


def test_a_port_in_use_is_one_line_and_status_2(tmp_path):
    """Before anything is built."""
    (tmp_path / "config.toml").write_text(CONFIG)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = rlm("serve", "--port", str(port), cwd=tmp_path)
    assert (done.returncode, done.stderr) == (
        2,
        f"rlm: server.host, server.port: cannot listen on 127.0.0.1:{port}: Address already in use; --port 0 takes a free one\n",
    )


@pytest.fixture
def scripted(tmp_path):
    """A folder with a configuration and a script for "how long"."""
    (tmp_path / "config.toml").write_text(CONFIG)
    (tmp_path / "script.toml").write_text(SCRIPT)
    return tmp_path


def test_query_answers_without_a_server(scripted):
    """The answer alone on stdout; on stderr what it does, what that took, and how to see it again."""
    (scripted / "input.txt").write_bytes(b"exactly\r\n13c")
    done = rlm("query", "--context", "input.txt", "how long is it?", cwd=scripted)
    steps = re.sub(r"[\d.]+ s\b", "S", re.sub("[0-9a-f]{8}", "RUN", re.sub(r"\d+ read", "N read", done.stderr)))
    assert (done.returncode, done.stdout) == (0, "12\n")
    assert steps.splitlines() == [
        "[   S] turn 1: asks the model",
        "[   S] turn 1: the model replied in S (9 tokens)",
        "[   S] turn 1: runs python: FINAL(len(context))",
        "[   S] turn 1: printed 0 characters",
        "rlm: turns: 1, sub-calls: 0, tokens: N read and 9 written, S",
        "rlm: run RUN: `rlm export RUN --commands` shows it, `rlm replay RUN` executes it again",
    ]


def test_query_over_a_folder_takes_its_files_as_documents(scripted):
    """In the order of their names."""
    (scripted / "folder" / "b").mkdir(parents=True)
    (scripted / "folder" / "a.txt").write_text("x")
    (scripted / "folder" / "b" / "c.txt").write_text("y")
    assert rlm("query", "--context", "folder", "how long?", cwd=scripted).stdout == "2\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("--context", "config.toml", "why?"),
            "rlm: the scripted model has no rule for this query; it knows only those of its script. "
            "To ask anything, name a real model: `rlm init` writes a config.toml with one that it finds.\n",
        ),
    ],
)
def test_a_query_that_cannot_be_asked_is_one_line_and_status_2(scripted, arguments, message):
    """The scripted model knows its own questions only."""
    done = rlm("query", *arguments, cwd=scripted)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", message)


def test_serve_answers_with_the_scripted_model(tmp_path):
    """From the command line to an answer; an unscripted query is a 503; the log has one line per run and one per request."""
    (tmp_path / "config.toml").write_text(CONFIG)
    (tmp_path / "script.toml").write_text(SCRIPT)
    command = [sys.executable, "-m", "orchestrator", "serve", "--port", "0"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, env=dict(os.environ))
    try:
        line = next(line for line in process.stderr if "listening" in line)
        url = re.search(r"http://\S+", line)[0]
        answered = httpx.post(f"{url}/query", json={"query": "how long is it?", "context": "a secret text"})
        refused = httpx.post(f"{url}/query", json={"query": "why?", "context": "x"})
        limits = Path(f"/proc/{process.pid}/limits").read_text()
    finally:
        process.send_signal(signal.SIGTERM)
        log = process.stderr.read()
        process.wait(timeout=30)
    assert (answered.status_code, answered.json()["answer"]) == (200, "13")
    assert (refused.status_code, refused.json()["detail"]) == (
        503,
        "the scripted model has no rule for this query; it knows only those of its script. "
        "To ask anything, name a real model: `rlm init` writes a config.toml with one that it finds.",
    )
    assert [re.search('"event": "(.+?)"', each)[1] for each in log.splitlines()] == ["run", "audit", "audit"]
    assert re.search(r"Max core file size +0 +0 ", limits)  # a dump would hold keys, and what callers sent
    assert "secret" not in log
    assert "how long" not in log
