"""What is PostgreSQL's own: it goes away and comes back, locks rows, and tells otherwise that it is full."""

import asyncio
import contextlib
import sys
import threading
import time

import psycopg
import pytest
from sqlalchemy import insert
from test_run_store import END, finish, started

from orchestrator.config import StoreSettings
from orchestrator.errors import Busy, ConfigError, StoreFull
from orchestrator.journal import events as ev
from orchestrator.store import database
from orchestrator.store.journals import Journals
from orchestrator.store.runs import RunStore
from orchestrator.store.tables import RUNS


@pytest.fixture
def url(postgres):
    return postgres.new_database()


@pytest.fixture
def opened(url):
    """(a store, its journals)"""
    with contextlib.closing(RunStore(StoreSettings(url=url))) as store:
        yield store, Journals(store, 1 << 30)


@pytest.fixture
def other(url):
    """A connection of somebody else."""
    with contextlib.closing(psycopg.connect(url.replace("+psycopg", ""))) as connection:
        yield connection


async def test_a_server_that_is_started_again_is_waited_for(opened, postgres):
    """What was written meanwhile is there; who reads is told to come again."""
    store, journals = opened
    journal = journals.begin(started("a"))
    await journal.settle()
    postgres.stop()
    try:
        journal.write(ev.Answer(text="paid", partial=True))
        waiting = asyncio.create_task(journal.settle())
        with pytest.raises(Busy) as error:
            await store.events("a", "")
        await asyncio.sleep(1)
        assert not waiting.done()
    finally:
        postgres.start()
    async with asyncio.timeout(10):
        await waiting
    assert str(error.value).startswith("the store of runs is away: ask again later (")
    assert [type(each) for each in await store.events("a", "")] == [ev.RunStarted, ev.Answer]


async def test_rows_that_somebody_locks_are_waited_for(opened, other, monkeypatch):
    """No longer than a moment at once, so that a process which ends is not held up."""
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.2)
    store, journals = opened
    journal = journals.begin(started("a"))
    await journal.settle()
    other.execute("lock table runs in access exclusive mode")
    journal.write(END)
    ending = asyncio.create_task(journals.end(journal))
    await asyncio.sleep(1)
    assert not ending.done()
    other.rollback()
    async with asyncio.timeout(10):
        await ending
    assert len(await store.events("a", "")) == 2


async def test_a_process_ends_though_its_rows_are_locked(url, other, monkeypatch):
    """It says in the log what is lost."""
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.2)
    monkeypatch.setattr("orchestrator.store.writer.LAST_SECONDS", 0.5)
    store = RunStore(StoreSettings(url=url))
    journal = Journals(store, 1 << 30).begin(started("a"))
    await journal.settle()
    other.execute("lock table runs in access exclusive mode")
    journal.write(END)
    began = time.monotonic()
    await asyncio.to_thread(store.close)
    assert time.monotonic() - began < 5


async def test_a_disk_that_is_full_is_told_as_such(opened, other):
    """By its code; with room again what was written is there."""
    store, journals = opened
    other.execute(
        "create function full_disk() returns trigger language plpgsql as $$ begin raise exception 'no space' using errcode = '53100'; end $$;"
        "create trigger full_disk before insert on events for each row execute function full_disk()"
    )
    other.commit()
    journal = journals.begin(started("a"))
    with pytest.raises(StoreFull) as error:
        await journal.settle()
    other.execute("drop trigger full_disk on events")
    other.commit()
    async with asyncio.timeout(10):
        while not await store.events("a", ""):  # noqa: ASYNC110  (it is in a database)
            await asyncio.sleep(0.05)
    assert str(error.value).startswith("the store is full: no space")


def test_servers_that_begin_at_once_make_the_tables_once(url):
    """Each waits for the one before."""
    failures = []

    def open_one():
        try:
            RunStore(StoreSettings(url=url)).close()
        except ConfigError as error:
            failures.append(error)

    threads = [threading.Thread(target=open_one) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert failures == []


async def test_a_run_of_another_machine_is_not_taken(opened, other):
    """Whether its process lives cannot be seen from here."""
    store, journals = opened
    journal = await finish(journals, "a")
    row = {"run_id": "b", "begun_ns": 1, "owner": "", "detached": True, "attempt": 1, "events": 0, "bytes": 0, "summary": b"{}"}
    with store.database.writing() as connection:
        for number, holder in enumerate(["f" * 48, None, store.holder.id[:-4] + "dead"]):
            values = row | {"run_id": f"b{number}", "holder": holder, "context_id": "", "component": ""}
            connection.execute(insert(RUNS).values(values))
    assert [each.run_id for each in await store.unfinished()] == ["b1", "b2"]
    assert journal.finished


def test_a_server_that_is_not_there_is_a_mistake_in_the_settings(tmp_path):
    """At the start; the password is not shown."""
    with pytest.raises(ConfigError) as error:
        RunStore(StoreSettings(url=f"postgresql+psycopg://rlm:secret@/x?host={tmp_path}"))
    assert str(error.value).startswith(f"store: postgresql+psycopg://rlm:***@/x?host={str(tmp_path).replace('/', '%2F')}: ")


def test_without_the_driver_the_message_says_how_to_get_it(monkeypatch):
    """It is an extra."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ConfigError) as error:
        RunStore(StoreSettings(url="postgresql+psycopg:///x"))
    assert str(error.value).endswith("for PostgreSQL: pip install 'rlm-orchestrator[postgresql]'")
