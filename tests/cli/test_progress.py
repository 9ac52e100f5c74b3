"""What a run shows while it goes on: lines in a file, one live line on a terminal."""

import io
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time

import pytest
from fakes import python
from model_server import model_server
from processes import ROOT

from orchestrator.cli.progress import RunProgress
from orchestrator.cli.say import visible
from orchestrator.journal import events as ev
from orchestrator.providers.messages import Reply, Usage

REPLY = Reply(provider="m", text="x", reasoning="", usage=Usage(1, 2), attempts=1, seconds=3.0)
HOSTILE = "\x1b]0;title\x07\x1b[2J\r\x9b31m\u202e[bold red]x[/bold red] :smile:"


class Terminal(io.StringIO):
    def isatty(self):
        return True


def shown(stream, *events, **options):
    with RunProgress(stream, **options) as progress:
        for event in events:
            progress.show(event)
    return stream.getvalue()


def asked(number):
    return ev.SubcallStarted(turn=1, cell=1, subcall=number, prompt=f"prompt {number}")


def answered(number):
    return ev.SubcallFinished(turn=1, cell=1, subcall=number, reply=REPLY, error=None)


EVENTS = [
    ev.ModelCalled(turn=1, prompt_chars=1, texts=()),
    ev.ModelReplied(turn=1, reply=REPLY),
    ev.CellStarted(turn=1, cell=1, kind="python", code="# first\n\nx = llm_batch(['a', 'b'])"),
    asked(1),
    asked(2),
    answered(2),
    answered(1),
    ev.Unparsed(turn=1, reason="there is no block"),
]


def test_a_file_gets_a_line_per_step():
    """Plain text; sub-calls are one step together."""
    lines = re.sub(r"\[ *[\d.]+ s\]", "S", shown(io.StringIO(), *EVENTS))
    assert lines == (
        "S turn 1: asks the model\n"
        "S turn 1: the model replied in 3.0 s (2 tokens)\n"
        "S turn 1: runs python: x = llm_batch(['a', 'b'])\n"
        "S turn 1, sub-calls 2/2: sub-models replied\n"
        "S turn 1, sub-calls 2/2: could not act on the reply: there is no block\n"
    )


def test_a_terminal_gets_one_line_that_goes_away(monkeypatch):
    """It is erased at the end, and the cursor is back."""
    monkeypatch.setenv("TERM", "xterm")
    text = shown(Terminal(), *EVENTS)
    assert "\x1b[?25l" in text  # the cursor is hidden
    assert text.endswith("\x1b[?25h\r\x1b[1A\x1b[2K")


def test_a_terminal_that_cannot_go_back_gets_lines(monkeypatch):
    """TERM=dumb, as in an editor."""
    monkeypatch.setenv("TERM", "dumb")
    assert shown(Terminal(), *EVENTS).count("\n") == 5


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
@pytest.mark.parametrize("verbose", [False, True])
def test_a_models_text_steers_no_terminal(monkeypatch, stream, verbose):
    """No escape sequence, no markup: it is shown as what it is."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "300")
    started = ev.CellStarted(turn=1, cell=1, kind="python", code=HOSTILE)
    text = shown(stream(), started, ev.CellRolledBack(**ROLLED_BACK), ev.Unparsed(turn=1, reason=HOSTILE), verbose=verbose)
    own = re.sub(r"\x1b\[(\?25[lh]|2K|1A|[\d;]*m)|\r", "", text)
    assert own.replace("\n", "").isprintable()
    assert "[bold red]x[/bold red] :smile:" in own


ROLLED_BACK = {
    "turn": 1,
    "cell": 1,
    "limit": "fuel",
    "message": HOSTILE,
    "fuel": 1,
    "guest_seconds": 1.0,
    "lost": False,
    "effects": None,
    "loaded": False,
}


@pytest.mark.parametrize(
    ("text", "keep", "shown"),
    [
        ("plain ✓ 漢字 é", "", "plain ✓ 漢字 é"),
        ("a\nb\tc", "\n\t", "a\nb\tc"),
        ("a\nb\tc", "", "a\\nb\\tc"),
        ("a\r\nb", "\n", "a\nb"),
        ("\x1b[31m\x07\x7f\x9b", "\n", "\\x1b[31m\\x07\\x7f\\x9b"),
        ("\u202e\u2066\u200b\ud800", "\n", "\\u202e\\u2066\\u200b\\ud800"),
    ],
)
def test_what_steers_a_terminal_is_made_visible(text, keep, shown):
    """Controls, marks of direction, what is no character."""
    assert visible(text, keep) == shown


class Session:
    """`rlm` on a terminal of its own."""

    def __init__(self, folder, *arguments, **environment):
        self._main, other = pty.openpty()
        command = [sys.executable, "-m", "orchestrator", *arguments]
        environment = os.environ | {"TERM": "xterm", "COLUMNS": "120", "PYTHONPATH": str(ROOT)} | environment
        self.process = subprocess.Popen(
            command, cwd=folder, env=environment, stdin=other, stdout=other, stderr=other, start_new_session=True
        )
        os.close(other)
        self.text = ""

    def read_until(self, pattern, seconds=30):
        """All that was written so far."""
        end = time.monotonic() + seconds
        while re.search(pattern, self.text) is None and time.monotonic() < end:
            ready, _, _ = select.select([self._main], [], [], 0.1)
            try:
                self.text += os.read(self._main, 10_000).decode() if ready else ""
            except OSError:  # it has ended
                break
        assert re.search(pattern, self.text), self.text
        return self.text

    def end(self):
        """The exit status."""
        self.read_until(r"rlm: run [0-9a-f]{8}: [^\n]*\n")
        status = self.process.wait(timeout=30)
        while select.select([self._main], [], [], 0.1)[0]:
            try:
                self.text += os.read(self._main, 10_000).decode()
            except OSError:  # that was all
                break
        os.close(self._main)
        return status


def test_the_clock_moves_while_a_model_is_asked_and_sub_calls_are_counted(tmp_path):
    """On a terminal, in a program of its own; the answer's control characters are visible."""
    (tmp_path / "text").write_text("x")
    replies = [python("print(llm_batch(['a', 'b']))"), python("FINAL('\\x1b[31mred\\nend')")]
    with model_server(*replies, root_seconds=0.4, sub_seconds=0.3) as url:
        session = Session(tmp_path, "query", "q", "text", "--model", "openai/fake", OPENAI_BASE_URL=url)
        text = session.read_until("turn 2, sub-calls 2/2: asks the model")
        assert session.end() == 0
    assert len(set(re.findall(r"\[ *([\d.]+) s\] turn 1: asks the model", text))) >= 3
    assert "turn 1, sub-calls 0/2: asks sub-models" in text
    assert "\\x1b[31mred\r\nend\r\n" in session.text
    assert "rlm: turns: 2, sub-calls: 2, tokens: 40 read and 20 written, " in session.text


def test_ctrl_c_gives_what_there_is(tmp_path):
    """Status 130, the partial answer, no traceback; the run is kept."""
    (tmp_path / "text").write_text("x")
    with model_server(python("answer['content'] = 'so far'"), root_seconds=0.2) as url:
        session = Session(tmp_path, "query", "q", "text", "--model", "openai/fake", OPENAI_BASE_URL=url)
        session.read_until("turn 2: asks the model")
        session.process.send_signal(signal.SIGINT)
        assert session.end() == 130
    assert "so far\r\n" in session.text
    assert "rlm: interrupted (the answer above is partial)" in session.text
    assert "Traceback" not in session.text


def test_ctrl_c_before_a_run_is_status_130(tmp_path):
    """While the input is read, for instance; nothing is said."""
    session = Session(tmp_path, "query", "q", "-", "--model", "openai/fake", OPENAI_BASE_URL="http://127.0.0.1:9/v1")
    session.read_until("reading the input from the terminal")
    session.process.send_signal(signal.SIGINT)
    assert session.process.wait(timeout=30) == 130
    assert "Traceback" not in session.text
