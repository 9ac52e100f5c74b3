# ruff: noqa: ASYNC240  (small files, and nothing else is under way)
"""A store that somebody forged, deleted or cut, a clock that is wrong, callers that go away in the midst."""

import asyncio
import time
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import delete, func, select, update
from test_run_store import END, finish, started

from orchestrator.config import CacheSettings, StoreSettings
from orchestrator.errors import Busy, JournalError, StoreFull
from orchestrator.journal import events as ev
from orchestrator.providers.cache import Kept
from orchestrator.store import database, writer
from orchestrator.store.messages import Wanted
from orchestrator.store.replies import Replies
from orchestrator.store.tables import EVENTS, REPLIES, RUNS

FORGERIES = {
    "no JSON": lambda connection: connection.execute(update(EVENTS).where(EVENTS.c.position == 1).values(content=b"\xff{")),
    "no event": lambda connection: connection.execute(update(EVENTS).where(EVENTS.c.position == 1).values(content=b'{"event":"x"}')),
    "a gap": lambda connection: connection.execute(update(EVENTS).where(EVENTS.c.position == 1).values(position=2)),
    "no beginning": lambda connection: connection.execute(delete(EVENTS).where(EVENTS.c.position == 0)),
    "another's events": lambda connection: connection.execute(update(EVENTS).where(EVENTS.c.position == 0).values(content=msgspec.json.encode(started("b")))),
}  # fmt: skip
DAMAGED = "run a: its journal is damaged in the store"


async def left(opened):
    """(the store, its journals, a run `a` of two events that nobody holds)"""
    store, journals = opened()
    journal = journals.begin(started("a"), detached=True)
    journal.write(ev.Answer(text="x", partial=True))
    await journal.settle()
    await journals.leave(journal)
    [found] = await store.unfinished()
    return store, journals, found


@pytest.mark.parametrize("forgery", FORGERIES)
async def test_a_run_whose_events_were_forged_is_not_gone_on_with(opened, forgery):
    """It ends, and says why; others are not held up by it."""
    store, journals, found = await left(opened)
    with store.database.writing() as connection:
        FORGERIES[forgery](connection)
    assert await journals.take_over(found) is None
    [listed] = await journals.newest_first("", Wanted(), 9)
    assert (listed.summary.stopped, listed.summary.error) == ("not_resumable", DAMAGED)
    assert await store.unfinished() == []
    with pytest.raises(JournalError) as error:
        await journals.events("a")
    assert str(error.value) == DAMAGED


async def test_a_run_without_an_event_has_ended(opened):
    """Its process was killed right behind its beginning; nobody had been told of it."""
    store, journals, found = await left(opened)
    with store.database.writing() as connection:
        connection.execute(delete(EVENTS))
    assert await journals.take_over(found) is None
    [listed] = await journals.newest_first("", Wanted(), 9)
    assert (listed.summary.stopped, listed.summary.error) == (
        "not_resumable",
        "its process ended before its first event was written",
    )


async def test_a_summary_that_was_forged_is_left_out_of_lists(opened):
    """The others are there; its run can still end."""
    store, journals, found = await left(opened)
    await finish(journals, "b")
    with store.database.writing() as connection:
        connection.execute(update(RUNS).where(RUNS.c.run_id == "a").values(summary=b"{"))
        connection.execute(delete(EVENTS).where(EVENTS.c.run_id == "a"))
    assert [each.run_id for each in await journals.newest_first("", Wanted(), 9)] == ["b"]
    assert await journals.take_over(found) is None
    assert await store.unfinished() == []


async def test_a_reply_that_was_forged_is_not_there(opened):
    """The model is asked."""
    store, _ = opened()
    replies = Replies(store, CacheSettings())
    replies.keep(b"key", Kept("m", "yes", "", 10.0**12))
    await asyncio.wrap_future(store.writer.settle())
    with store.database.writing() as connection:
        connection.execute(update(REPLIES).values(content=b"{"))
    assert await replies.find(b"key") is None


async def test_a_run_that_cannot_be_read_now_is_given_back(opened, monkeypatch):
    """Whoever asks next takes it."""
    store, journals, found = await left(opened)

    def away(run_id):
        raise Busy("away")

    with monkeypatch.context() as patch:
        patch.setattr(store, "_read", away)
        assert await journals.take_over(found) is None
    [again] = await store.unfinished()
    assert len((await journals.take_over(again)).events) == 2


async def test_a_clock_that_jumps_back_changes_no_order(opened):
    """Of the runs that one process begins."""
    _, journals = opened()
    now = time.time_ns()
    for run_id, at in (("a", now), ("b", now - 10**15), ("c", now - 10**12)):
        journal = journals.begin(msgspec.structs.replace(started(run_id), began_ns=at))
        journal.write(END)
        await journals.end(journal)
    assert [each.run_id for each in await journals.newest_first("", Wanted(), 9)] == ["c", "b", "a"]


async def test_callers_that_go_away_during_a_commit_take_nothing_with_them(opened):
    """What they wrote is there, and so is what others wrote."""
    store, journals = opened()
    many = [journals.begin(started(f"run{number}")) for number in range(40)]

    async def write(journal):
        for _ in range(20):
            journal.write(ev.Answer(text="x", partial=True))
            await journal.settle()

    tasks = [asyncio.create_task(write(each)) for each in many]
    await asyncio.sleep(0.02)
    for each in tasks[::2]:
        each.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await many[0].settle()
    for journal in many:
        assert await store.events(journal.run_id, "") == journal.events


async def test_a_search_for_a_nul_finds_what_has_one(opened):
    """PostgreSQL has no text with it."""
    _, journals = opened()
    journal = journals.begin(msgspec.structs.replace(started("a"), query="one\0two"))
    journal.write(ev.Answer(text="three\0four", partial=False))
    journal.write(END)
    await journals.end(journal)
    found = [await journals.newest_first("", Wanted(text=text), 9) for text in ("e\0T", "e\0f", "e\0x")]
    assert [len(each) for each in found] == [1, 1, 0]


sqlite = pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)


@sqlite
@pytest.mark.parametrize("accident", ["deleted", "replaced"])
async def test_a_file_that_is_gone_ends_runs(monkeypatch, opened, settings, accident):
    """Nothing is written to what nobody will find, nor to another's file."""
    monkeypatch.setattr(writer, "LAST_SECONDS", 0.1)
    _, journals = opened()
    journal = journals.begin(started("a"))
    await journal.settle()
    path = Path(settings.url.removeprefix("sqlite:///"))
    path.unlink()
    if accident == "replaced":
        path.write_bytes(b"")
    journal.write(END)
    with pytest.raises(StoreFull) as error:
        await journal.settle()
    assert str(error.value) == f"the file of the store is gone, or another: {path}; start the server again"
    assert not path.exists() or path.read_bytes() == b""


@sqlite
async def test_the_log_of_sqlite_gives_its_disk_back(opened, settings):
    """It grows while somebody reads for long, and not for ever."""
    store, journals = opened()
    journal = journals.begin(started("a"))
    await journal.settle()
    log = Path(f"{settings.url.removeprefix('sqlite:///')}-wal")
    with store.database.reading() as reader:
        reader.execute(select(RUNS.c.run_id))
        for _ in range(100):
            journal.write(ev.Answer(text="x" * 1_000_000, partial=True))
        await journal.settle()
        most = log.stat().st_size
    for _ in range(3):
        journal.write(ev.Answer(text="x", partial=True))
        await journal.settle()
    assert (most > 90 << 20, log.stat().st_size <= database.LOG_BYTES) == (True, True)


async def test_what_is_forgotten_beside_a_server_is_not_what_goes_on(opened):
    """`rlm runs prune` in another process."""
    store, journals = opened()
    other, _ = opened()
    going = [journals.begin(started(f"on{number}")) for number in range(3)]
    for number in range(250):
        journal = journals.begin(started(f"old{number}"))
        journal.write(END)
        await journals.end(journal)
    pruning = asyncio.create_task(other.forget(StoreSettings(kept_runs=10)))
    for each in going * 5:
        each.write(ev.Answer(text="x", partial=True))
        await each.settle()
    assert await pruning == 240
    for each in going:
        assert await store.events(each.run_id, "") == each.events
    with store.database.reading() as connection:
        assert connection.scalar(select(func.count()).select_from(RUNS)) == 13
