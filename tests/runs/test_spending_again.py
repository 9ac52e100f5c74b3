"""Runs with a limit of tokens that go on after a restart, and forks of them."""

import contextlib

import httpx
import msgspec
import pytest
from fakes import FAKE_MODEL, python
from ledgers import Ledger

from orchestrator.config import Settings
from orchestrator.contexts.store import ContextStore
from orchestrator.errors import AboveCap
from orchestrator.journal import events as ev
from orchestrator.journal.journal import Journal
from orchestrator.journal.recording import Recording
from orchestrator.journal.results import result
from orchestrator.journal.rewriting import Rewriting
from orchestrator.journal.usage import own, usage
from orchestrator.providers.openai import OpenAIProvider
from orchestrator.providers.pool import Pool
from orchestrator.runs.execute import Tools, execute
from orchestrator.runs.forking import Fork
from orchestrator.runs.live import Live
from orchestrator.runs.query import Query, WantedLimits
from orchestrator.runs.recorded import RecordedThenLive
from orchestrator.runs.replay import replay
from orchestrator.runs.service import RunService
from orchestrator.sandbox.guest import describe
from orchestrator.store.runs import RunStore

ASKS = python("""\
llm_query('q', max_tokens=2000)
print(budget()['tokens'])
try:
    llm_batch(['x'] * 20)
except BudgetError as error:
    print(error)
print(budget()['sub_calls'])""")
MOST = 20_000


async def gone_on(engine, recorded):
    """(the events, what the server charged) of a run that goes on from a journal."""
    recording, model, journal = Recording(recorded), Ledger(ASKS), Journal("again")
    journal.events = list(recorded)
    writer = Rewriting(recording, then=journal)
    writer.write(recording.started)
    async with httpx.AsyncClient(transport=model) as client:
        pool = Pool([OpenAIProvider(FAKE_MODEL, client)], retry_seconds=0)
        source = RecordedThenLive(recording, Live(pool, pool.choose(), journal, max_seconds=1000.0))
        tools = Tools(engine, await describe(engine))
        await execute(tools, recording.started, ContextStore().add_text("the context"), source, writer)
    return journal.events, model.charged


@contextlib.asynccontextmanager
async def service(engine, model):
    """One whose runs may have so many tokens."""
    async with httpx.AsyncClient(transport=model) as client, contextlib.AsyncExitStack() as closing:
        store = closing.enter_context(contextlib.closing(RunStore()))
        settings = Settings(providers=(FAKE_MODEL,), sandbox=engine.settings, output_limit=1000, max_total_tokens=MOST)
        pool = Pool([OpenAIProvider(FAKE_MODEL, client)], retry_seconds=0)
        yield RunService(settings, Tools(engine), pool, ContextStore(), store)


async def ended(runs):
    """The events of a run."""
    return await runs.start(Query("q", runs.contexts.add_text("the context"))).wait()


async def forked(runs, origin, **fork):
    """Those of its fork."""
    beginning = runs.beginnings.fork(origin, Fork(**fork), runs.contexts.add_text("the context"), None)
    return await runs.begin(beginning, detached=False).wait()


def paid(events):
    return usage(own(events)).total_tokens


async def test_a_run_goes_on_within_what_it_has_left(run_query, engine):
    """From behind any event: it comes to the same end, what was recorded counts, and nothing of it is paid again."""
    whole = (await run_query(Ledger(ASKS), max_iterations=20, max_total_tokens=MOST)).events
    assert (whole[-1].stopped, result(whole).answer) == ("max_total_tokens", "The best is 7.")
    assert any(isinstance(each, ev.HostCalled) and each.call.error for each in whole)
    for cut in range(1, len(whole)):
        events, charged = await gone_on(engine, whole[:cut])
        assert events[:cut] == whole[:cut]
        assert paid(events) == paid(whole[:cut]) + charged == paid(whole), f"cut behind event {cut}"
        assert [type(each) for each in events] == [type(each) for each in whole]
        await replay(events, ContextStore().add_text("the context"), engine)


async def test_what_a_cell_was_told_it_is_told_again(run_query, engine):
    """Though more would be left by the limits of now: it would take another way than the one that is written down."""
    whole = (await run_query(Ledger(ASKS), max_iterations=20, max_total_tokens=MOST)).events
    end = next(place for place, each in enumerate(whole) if isinstance(each, ev.CellFinished))
    limits = msgspec.structs.replace(whole[0].limits, max_total_tokens=10 * MOST)
    events, _ = await gone_on(engine, [msgspec.structs.replace(whole[0], limits=limits), *whole[1:end]])
    assert events[end].output == whole[end].output


async def test_a_run_that_asked_when_nothing_was_left_still_has_one_more_reply(run_query, engine):
    """Also if it goes on from within the cell that was told so."""
    asks = python("for _ in range(2):\n    try:\n        llm_query('q')\n    except BudgetError:\n        print('none')")
    whole = (await run_query(Ledger(asks), max_iterations=20, max_sub_calls=1)).events
    end = next(place for place, each in enumerate(whole) if isinstance(each, ev.CellFinished))
    events, _ = await gone_on(engine, whole[:end])
    assert (whole[-1].stopped, events[-1].stopped) == ("max_sub_calls", "max_sub_calls")


async def test_a_fork_has_a_budget_of_its_own(engine):
    """What it shares, its origin has paid for; where that one was stopped, it goes on."""
    async with service(engine, Ledger()) as runs:
        origin = await ended(runs)
        last = result(origin).iterations
        fork = await forked(runs, origin, turn=last + 1, limits=WantedLimits(max_iterations=20))
        assert (origin[-1].stopped, fork[-1].stopped) == ("max_total_tokens", "max_iterations")
        assert result(fork).iterations > last
        assert 0 < paid(fork) <= MOST < usage(fork).total_tokens
        await replay(fork, runs.contexts.add_text("the context"), engine)


async def test_a_fork_may_lower_its_limits_and_never_raise_them(engine):
    """Else they are those of its origin."""
    async with service(engine, Ledger()) as runs:
        origin = await ended(runs)
        fork = await forked(runs, origin, turn=2, limits=WantedLimits(max_total_tokens=9_000))
        assert 0 < paid(fork) <= 9_000
        with pytest.raises(AboveCap, match=r"^max_total_tokens: 20001 is above this server's 20000$"):
            await forked(runs, origin, turn=2, limits=WantedLimits(max_total_tokens=MOST + 1))


async def test_a_fork_of_a_run_without_limits_has_those_of_now(engine):
    """A journal from before there were any."""
    async with service(engine, Ledger(python("FINAL(1)"))) as runs:
        events = await ended(runs)
        unlimited = msgspec.structs.replace(events[0].limits, max_total_tokens=None)
        origin = [msgspec.structs.replace(events[0], limits=unlimited), *events[1:]]
        fork = await forked(runs, origin, turn=1, code="FINAL(2)")
        assert (fork[0].limits.max_total_tokens, result(fork).answer) == (MOST, "2")
