"""Runs that outlive their process: left where they are, gone on with by another one, or ended with a reason."""

import asyncio
import functools

import pytest
import sqlalchemy
from fakes import FakeModel, python

from orchestrator.contexts.store import ContextStore
from orchestrator.errors import NoRoom, Stopping
from orchestrator.journal import events as ev
from orchestrator.journal.results import result
from orchestrator.providers.messages import OwnModels
from orchestrator.runs.admission import Limits
from orchestrator.runs.query import Query, WantedLimits
from orchestrator.runs.replay import replay
from orchestrator.store import database
from orchestrator.store.database import sqlite_url

REPLIES = [python("x = llm_query('alfa')"), python("y = llm_query('bravo')"), python("FINAL([x, y, len(context)])")]


class Holding(FakeModel):
    """Holds back one call, so that its server can end meanwhile."""

    def __init__(self, *arguments, held=None, **others):
        super().__init__(*arguments, **others)
        self.held = held
        self.reached = asyncio.Event()

    async def handle_async_request(self, request):
        if f'"content":"{self.held}"' in request.content.decode():
            self.reached.set()
            await asyncio.sleep(3600)
        return await super().handle_async_request(request)


@pytest.fixture
def server(process, store_url):
    """async with server(model) as runs: one more process over the same store and contexts; it is stopped at the end."""
    return functools.partial(process, store_url)


async def ended(runs, run_id):
    """The events of a run that goes on."""
    async with asyncio.timeout(20):
        while not isinstance((events := await runs.journals.events(run_id))[-1], ev.RunFinished):  # noqa: ASYNC110  (it is in a database)
            await asyncio.sleep(0.05)
    return events


async def left(server, contexts, held, *, detached=True, **query):
    """The id of a run whose server was stopped while a call was held back."""
    model = Holding(list(REPLIES), held=held)
    async with server(model) as runs:
        run = runs.start(Query("q", contexts.add_text("a text"), **query), detached=detached)
        await model.reached.wait()
    return run.run_id


@pytest.mark.parametrize(("held", "asked"), [("alfa", 1), ("bravo", 2)])
async def test_a_detached_run_goes_on_where_its_server_was_stopped(server, contexts, engine, held, asked):
    """Only what had not been answered is asked; the answer is that of a run that nobody disturbed, and it replays."""
    run_id = await left(server, contexts, held)
    model = FakeModel(REPLIES[asked:])
    async with server(model) as runs:
        await runs.go_on()
        events = await ended(runs, run_id)
    found = result(events)
    assert (found.stopped, found.answer, len(model.root_messages)) == ("answered", '["ALFA", "BRAVO", 6]', 3 - asked)
    assert found.sub_calls == 2
    assert await replay(events, contexts.get(ev.run_started(events).context_id), engine) == 3


async def test_who_cancels_again_waits_for_the_end_in_the_store_too(server, contexts, monkeypatch):
    """A run that is told to be over is over for everybody."""
    model = Holding(list(REPLIES), held="alfa")
    async with server(model) as runs:
        run = runs.start(Query("q", contexts.add_text("a text")))
        await model.reached.wait()
        end = runs.journals.end

        async def end_slowly(journal):
            await asyncio.sleep(0.5)
            await end(journal)

        monkeypatch.setattr(runs.journals, "end", end_slowly)
        for _ in range(3):
            run.cancel()
            await asyncio.sleep(0.01)
        await asyncio.wait([run.task])
        assert await runs.store.has_ended(run.run_id, "")


async def test_who_waits_for_a_detached_run_is_told_that_it_goes_on(server, contexts):
    """It has no result here."""
    model = Holding(list(REPLIES), held="alfa")
    async with server(model) as runs:
        run = runs.start(Query("q", contexts.add_text("a text")), detached=True)
        await model.reached.wait()
        await runs.stop(0)
        with pytest.raises(Stopping) as error:
            await run.wait()
    assert str(error.value) == "the server is stopping; the run goes on when it is started again"


async def test_a_run_whose_caller_waited_has_ended_with_its_server(server, contexts):
    """It was told so, and nobody goes on with it."""
    run_id = await left(server, contexts, "alfa", detached=False)
    async with server(FakeModel()) as runs:
        await runs.go_on()
        found = result(await runs.journals.events(run_id))
    assert (found.stopped, found.error) == (
        "cancelled",
        "a request cancelled it, or its caller went away, or the server stopped",
    )


async def test_a_run_whose_caller_waited_for_a_process_that_was_killed_is_cancelled(server, contexts):
    """By the next one, which spends nothing."""
    model = Holding(list(REPLIES), held="alfa")
    async with server(model) as killed:
        run = killed.start(Query("q", contexts.add_text("a text")))
        await model.reached.wait()
        async with server(FakeModel()) as runs:
            runs.store.holder.lives = lambda holder: False
            await runs.go_on()
            found = result(await runs.journals.events(run.run_id))
    assert (found.stopped, found.error) == ("cancelled", "its caller waited for it, and the process that executed it has ended")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"name": "another"}, "root_model: there is no 'fake' for this role; these are configured: openai/another"),
        ({"over": ContextStore()}, "there is no context {context}: send it again"),
    ],
    ids=["its model is gone", "its context is gone"],
)
async def test_what_cannot_be_gone_on_with_says_why(server, contexts, changed, message):
    """And keeps its journal."""
    run_id = await left(server, contexts, "bravo", root_model="fake")
    async with server(FakeModel(), **changed) as runs:
        await runs.go_on()
        events = await runs.journals.events(run_id)
    found = result(events)
    told = message.format(context=repr(ev.run_started(events).context_id))
    assert (found.stopped, found.error, found.iterations) == ("not_resumable", told, 2)


async def test_a_run_of_a_component_that_is_not_here_cannot_be_gone_on_with(server, contexts, monkeypatch):
    """The message says how to bring it."""
    monkeypatch.setattr(
        "orchestrator.runs.beginning.RunStarted", lambda **fields: ev.RunStarted(**(fields | {"component_sha256": "0" * 64}))
    )
    async with server(FakeModel()) as runs:
        run_id = await runs.leave_for_server(runs.beginnings.first(Query("q", contexts.add_text("a text")), WantedLimits()))
        await runs.go_on()
        found = result(await ended(runs, run_id))
    assert found.stopped == "not_resumable"
    assert found.error.startswith(f"the component {'0' * 64} is not on this machine; run `rlm guest export {'0' * 64} FILE`")


async def test_a_run_with_a_callers_own_key_cannot_be_gone_on_with(server, contexts):
    """The key is kept nowhere."""
    async with server(FakeModel()) as runs:
        own = OwnModels(provider="openai", model="m", sub_model="m", key="k" * 20)
        runs.beginnings._choose = lambda *named: runs.pool.choose()
        run_id = await runs.leave_for_server(
            runs.beginnings.first(Query("q", contexts.add_text("a text"), own=own), WantedLimits())
        )
        await runs.go_on()
        found = result(await runs.journals.events(run_id))
    assert (found.stopped, found.error) == ("not_resumable", "its models are the caller's, whose key is kept nowhere")


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
async def test_a_store_that_is_locked_is_waited_for(server, contexts, monkeypatch, tmp_path):
    """What was paid waits in memory meanwhile."""
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.1)
    async with server(FakeModel(list(REPLIES))) as runs:
        other = sqlalchemy.create_engine(sqlite_url(tmp_path / "runs.db"))
        with other.connect() as lock:
            lock.exec_driver_sql("pragma busy_timeout = 5000")
            lock.rollback()
            lock.exec_driver_sql("begin immediate")
            run = runs.start(Query("q", contexts.add_text("a text")))
            await asyncio.sleep(1)
            assert not run.events[-1].at > 1
            lock.rollback()
        other.dispose()
        assert result(await run.wait()).stopped == "answered"
        assert len(await runs.journals.events(run.run_id)) == len(run.events)


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
async def test_a_server_ends_though_its_store_is_locked(server, contexts, monkeypatch, tmp_path):
    """It waits some seconds; the run goes on in the next one."""
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.1)
    monkeypatch.setattr("orchestrator.runs.underway.LAST_SECONDS", 0.3)
    monkeypatch.setattr("orchestrator.store.writer.LAST_SECONDS", 0.3)
    model = Holding(list(REPLIES), held="alfa")
    other = sqlalchemy.create_engine(sqlite_url(tmp_path / "runs.db"))
    async with asyncio.timeout(20):
        async with server(model) as runs:
            run = runs.start(Query("q", contexts.add_text("a text")), detached=True)
            await model.reached.wait()
            lock = other.connect()
            lock.exec_driver_sql("pragma busy_timeout = 5000")
            lock.rollback()
            lock.exec_driver_sql("begin immediate")
    lock.close()
    other.dispose()
    async with server(FakeModel(REPLIES[1:])) as runs:
        await runs.go_on()
        assert result(await ended(runs, run.run_id)).answer == '["ALFA", "BRAVO", 6]'


async def test_runs_wait_in_the_store_and_not_in_memory(server, contexts):
    """Only as many are taken as there is room for; the others a moment later."""
    async with server(FakeModel([python("FINAL(1)")] * 4)) as runs:
        runs.admission._limits = Limits(10**12, 1, 256)
        for _ in range(4):
            beginning = runs.beginnings.first(Query("q", contexts.add_text("a text")), WantedLimits())
            await runs.leave_for_server(beginning)
        has_the_place = runs.admission.enter(1)
        await runs.go_on()
        assert (len(runs.journals._live), runs.admission.waiting) == (1, 1)
        runs.admission.leave(has_the_place)


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
async def test_a_store_that_is_full_ends_runs_before_they_cost_more(server, contexts):
    """No other begins meanwhile; what was written is there; and with room again, so are their ends."""
    pages = {"most": 1 << 30}
    model = FakeModel([python("print(llm_query('x' * 200_000)[:1])"), *REPLIES])
    async with server(model) as runs:
        engine = runs.store.database._engine
        sqlalchemy.event.listen(
            engine, "begin", lambda connection: connection.exec_driver_sql(f"pragma max_page_count = {pages['most']}")
        )
        pages["most"] = 30
        run = runs.start(Query("q", contexts.add_text("a text")))
        found = result(await run.wait())
        with pytest.raises(NoRoom) as error:
            runs.start(Query("q", contexts.add_text("a text")))
        pages["most"] = 1 << 30
        async with asyncio.timeout(10):
            while runs.store.writer.full:  # noqa: ASYNC110  (a thread clears it)
                await asyncio.sleep(0.05)
        assert [type(each) for each in await runs.store.events(run.run_id, "")] == [type(each) for each in run.events]
    full = "the store is full: database or disk is full"
    assert (found.stopped, found.error, str(error.value)) == ("store_full", full, f"no run can begin: {full}")
