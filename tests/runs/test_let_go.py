"""What a run wrote down and sent is given back when it is let go of: the collector of cycles is off."""

import gc

import httpx
import pytest
from fakes import FakeModel, python
from serving import serving

from orchestrator.journal.journal import Journal
from orchestrator.server_settings import ServerSettings


@pytest.fixture
def count():
    """count(a class): how many of its instances there are."""
    gc.collect()
    gc.disable()
    yield lambda kind: sum(isinstance(each, kind) for each in gc.get_objects())
    gc.enable()


async def test_what_a_full_journal_held(engine, count):
    """Sub-calls that failed together, and the cell that made them, keep nothing of their run."""
    fill = python("llm_batch(['x' * 20_000] * 5)")
    server = ServerSettings(run_journal_bytes=50_000)
    async with serving(engine, FakeModel([fill] * 4), server=server) as client:
        before = count(Journal)
        for _ in range(4):
            result = (await client.post("/query", json={"query": "q", "context": "c"})).json()
            assert result["stopped"] == "max_journal"
        assert count(Journal) <= before + 1


async def test_what_was_sent_to_a_model(engine, count):
    """Each request has a prompt, which may be large."""
    cells = [python("llm_batch(['x' * 20_000] * 20)"), python("FINAL(1)")]
    async with serving(engine, FakeModel(cells)) as client:
        before = count(httpx.Request)
        assert (await client.post("/query", json={"query": "q", "context": "c"})).json()["answer"] == "1"
        assert count(httpx.Request) < before + 5
