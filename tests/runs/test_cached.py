"""Runs that send the same prompts: what one paid for the other is given, and neither can spoil it for the other."""

import asyncio
import contextlib

import httpx
import pytest
from fakes import FAKE_MODEL, FakeModel, python, streamed

from orchestrator.config import CacheSettings, Settings
from orchestrator.contexts.store import ContextStore
from orchestrator.journal.events import CellFinished, SubcallFinished, SubcallStarted
from orchestrator.journal.results import result
from orchestrator.providers.cache import Cache
from orchestrator.providers.openai import OpenAIProvider
from orchestrator.providers.pool import Pool
from orchestrator.runs.execute import Tools
from orchestrator.runs.query import Query
from orchestrator.runs.replay import replay
from orchestrator.runs.service import RunService
from orchestrator.store.runs import RunStore

ASK = python("FINAL(llm_query('the same'))")


@contextlib.asynccontextmanager
async def caching(engine, model):
    """A service whose replies to sub-calls are kept."""
    provider = type(FAKE_MODEL)(model="fake", base_url="http://model/v1", cache=True)
    async with httpx.AsyncClient(transport=model) as client, contextlib.AsyncExitStack() as closing:
        store = closing.enter_context(contextlib.closing(RunStore()))
        settings = Settings(providers=(provider,), sandbox=engine.settings)
        pool = Pool([OpenAIProvider(provider, client)], retry_seconds=0, cache=Cache(CacheSettings()))
        yield RunService(settings, Tools(engine), pool, ContextStore(), store)


async def ask(runs, **query):
    """The events of a run."""
    return await runs.start(Query("q", runs.contexts.add_text("x"), **query)).wait()


def hits(events):
    return [event.reply.cached for event in events if isinstance(event, SubcallFinished)]


async def test_another_run_is_given_what_the_first_one_paid_for(engine):
    """It says so in its journal, counts it, and comes to the same when it is executed again."""
    model = FakeModel([ASK] * 2)
    async with caching(engine, model) as runs:
        first, second = await ask(runs), await ask(runs)
        assert await replay(second, runs.contexts.add_text("x"), engine) == 1
    assert (hits(first), hits(second), model.sub_prompts) == ([False], [True], ["the same"])
    found = result(second)
    assert (found.answer, found.sub_calls, found.usage.cache_hits, found.usage.calls) == ("THE SAME", 1, 1, 1)


@pytest.mark.parametrize("order", [(False, True), (True, False)], ids=["reads none", "writes none"])
async def test_a_request_can_do_without(engine, order):
    """It neither reads nor writes."""
    model = FakeModel([ASK] * 2)
    async with caching(engine, model) as runs:
        found = [hits(await ask(runs, cache=cache)) for cache in order]
    assert (found, model.sub_prompts) == ([[False], [False]], ["the same"] * 2)


async def test_samples_of_one_prompt_are_different_calls(engine):
    """consensus_check asks three times, and gets three answers; another run gets the same three."""
    answers = iter("abc")
    model = FakeModel([python("print(llm_batch(['vote'] * 2))\nFINAL(llm_query('vote'))")] * 2, sub=lambda _: next(answers))
    async with caching(engine, model) as runs:
        first, second = await ask(runs), await ask(runs)
    outputs = [[event.output for event in events if isinstance(event, CellFinished)] for events in (first, second)]
    assert outputs == [["['a', 'b']\n"], ["['a', 'b']\n"]]
    assert [result(events).answer for events in (first, second)] == ["c", "c"]
    assert (hits(first), hits(second)) == ([False] * 3, [True] * 3)


class Slow(FakeModel):
    """Its sub-calls take a while."""

    async def handle_async_request(self, request):
        self.delay = 0.2 if b'"system"' not in await request.aread() else 0
        return await super().handle_async_request(request)


async def test_a_run_that_is_cancelled_leaves_the_other_its_reply(engine):
    """Both wait for one call, which the first one made: the second one makes it anew, and is answered."""
    model = Slow([ASK] * 2)
    async with caching(engine, model) as runs:
        first = runs.start(Query("q", runs.contexts.add_text("x")))
        async for event in first.follow():
            if isinstance(event, SubcallStarted):
                break
        second = asyncio.create_task(ask(runs))
        await asyncio.sleep(0.1)
        first.cancel()
        assert result(await first.wait()).stopped == "cancelled"
        found = result(await second)
    assert (found.stopped, found.answer, found.usage.cache_hits) == ("answered", "THE SAME", 0)
    assert model.cancelled.is_set()


async def test_counts_that_no_model_can_have_end_no_run(engine):
    """A server that counts below nothing or beyond all bounds: they are estimated instead."""

    def count(_prompt):
        return streamed("x", prompt_tokens=-(10**40), completion_tokens=10**40)

    async with caching(engine, FakeModel([ASK], sub=count)) as runs:
        found = result(await ask(runs))
    assert (found.answer, found.usage.prompt_tokens, found.usage.completion_tokens) == ("x", 12, 6)
