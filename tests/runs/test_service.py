"""Runs are started, followed and cancelled in one way."""

import asyncio
import contextlib

import httpx
import pytest
from fakes import FAKE_MODEL, FakeModel, python

from orchestrator.config import Settings
from orchestrator.contexts.store import ContextStore
from orchestrator.errors import InvalidRequest
from orchestrator.journal.events import ModelCalled
from orchestrator.journal.results import result
from orchestrator.providers.openai import OpenAIProvider
from orchestrator.providers.pool import Pool
from orchestrator.runs.execute import Tools
from orchestrator.runs.query import Query
from orchestrator.runs.replay import replay
from orchestrator.runs.service import RunService
from orchestrator.store.messages import Wanted
from orchestrator.store.runs import RunStore


@contextlib.asynccontextmanager
async def service(engine, model):
    async with httpx.AsyncClient(transport=model) as client, contextlib.AsyncExitStack() as closing:
        store = closing.enter_context(contextlib.closing(RunStore()))
        settings = Settings(providers=(FAKE_MODEL,), sandbox=engine.settings)
        yield RunService(
            settings, Tools(engine), Pool([OpenAIProvider(FAKE_MODEL, client)], retry_seconds=0), ContextStore(), store
        )


class Slow(FakeModel):
    """Takes its time from the second call on."""

    async def handle_async_request(self, request):
        self.delay = 60 if self.root_messages else 0
        return await super().handle_async_request(request)


async def test_a_run_that_is_cancelled_gives_what_it_has(engine):
    """What `answer` held is the partial answer, and the run comes to the same when it is executed again."""
    async with service(engine, Slow([python("answer['content'] = 'so far'")])) as runs:
        context = runs.contexts.add_text("x")
        run = runs.start(Query("q", context))
        async for event in run.follow():
            if isinstance(event, ModelCalled) and event.turn == 2:
                run.cancel()
        events = await run.wait()
    found = result(events)
    assert (found.stopped, found.success, found.answer) == ("cancelled", False, "so far")
    assert await replay(events, context, engine) == 1


async def test_a_run_over_nothing_is_refused_before_a_model_is_asked(engine):
    """There is no run, and no journal."""
    model = FakeModel()
    async with service(engine, model) as runs:
        with pytest.raises(InvalidRequest) as error:
            runs.start(Query("q", runs.contexts.add_text("\n")))
        assert await runs.journals.newest_first("", Wanted(), 9) == []
    assert str(error.value) == "context: it is empty"
    await asyncio.sleep(0)
    assert model.root_messages == []
