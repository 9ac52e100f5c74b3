"""Commands of `rlm` in this process, which is quick: no start, and one engine for all."""

import functools
import io
import sys

import pytest
import structlog

from orchestrator import opening
from orchestrator.cli import main, query, replay
from orchestrator.providers.pool import Pool


class Input(io.TextIOWrapper):
    """A standard input with these bytes."""

    def __init__(self, content):
        super().__init__(io.BufferedReader(io.BytesIO(content)))


class Lent:
    """An engine that its borrower cannot close."""

    def __init__(self, engine):
        self._engine = engine

    def __getattr__(self, name):
        return getattr(self._engine, name)

    def close(self):
        """Others use it."""


@pytest.fixture
def rlm(tmp_path, monkeypatch, capsys, engine):
    """rlm(*arguments, stdin=b""): (status, stdout, stderr), in an empty folder with an empty environment of models."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr(query, "Orchestrator", functools.partial(opening.Orchestrator, engine=engine))
    monkeypatch.setattr(replay, "Engine", lambda *_: Lent(engine))
    monkeypatch.setattr(opening, "Pool", lambda providers, _seconds, *others: Pool(providers, 0, *others))
    for name in ("DEEPSEEK_API_KEY", "OPENAI_API_KEY", "OPENAI_BASE_URL", "LITELLM_API_KEY"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments, stdin=b""):
        monkeypatch.setattr(sys, "stdin", Input(stdin))
        status = main.main([str(each) for each in arguments])
        return status, *capsys.readouterr()

    yield run
    structlog.reset_defaults()
