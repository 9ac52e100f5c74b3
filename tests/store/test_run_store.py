"""The store of runs: what is appended is there, in order, from one attempt at a time; what is too much is forgotten."""

import asyncio
import contextlib
import os
import stat

import pytest
from sqlalchemy import update

from orchestrator.config import StoreSettings
from orchestrator.errors import ConfigError, NotFound, Superseded
from orchestrator.journal import events as ev
from orchestrator.journal.journal import Journal
from orchestrator.store import keys, runs
from orchestrator.store.database import sqlite_url
from orchestrator.store.journals import Journals
from orchestrator.store.keys import Keys
from orchestrator.store.messages import Key, Wanted
from orchestrator.store.runs import RunStore
from orchestrator.store.tables import VERSION, VERSIONS

END = ev.RunFinished(stopped="answered", error=None)


def started(run_id, owner="", context_id="c" * 64):
    return ev.RunStarted(
        format=ev.FORMAT,
        run_id=run_id,
        query="What is it?",
        context_id=context_id,
        context_kind="text",
        context_length=9,
        context_count=1,
        protocol="python",
        output_limit=1000,
        limits=ev.RecordedRunLimits(max_iterations=8, max_sub_calls=9, max_seconds=600.0, max_fuel=10**12),
        cell_limits=ev.RecordedCellLimits(fuel=1, seconds=1.0, memory_bytes=1, output_chars=1, context_inline_limit=1),
        seed=7,
        clock_start_ns=10**18,
        component_sha256="0" * 64,
        owner=owner,
    )


async def finish(journals, run_id, owner=""):
    journal = journals.begin(started(run_id, owner))
    journal.write(END)
    await journals.end(journal)
    return journal


async def test_what_has_ended_is_read_by_another_process(opened):
    """The same events."""
    _, journals = opened()
    journal = await finish(journals, "a")
    _, others = opened()
    assert await others.events("a") == journal.events


async def test_what_goes_on_is_read_once_it_is_settled(opened):
    """Its own process has it in memory."""
    _, journals = opened()
    _, others = opened()
    journal = journals.begin(started("a"))
    await journal.settle()
    assert len(await others.events("a")) == len(await journals.events("a")) == 1
    journal.write(END)
    assert len(await journals.events("a")) == 2


async def test_an_event_that_nobody_waits_for_is_there_soon(opened):
    """Within a moment."""
    _, journals = opened()
    _, others = opened()
    journal = journals.begin(started("a"))
    await journal.settle()
    journal.write(ev.Answer(text="x", partial=True))
    await asyncio.sleep(0.5)
    assert len(await others.events("a")) == 2


async def test_a_run_of_another_owner_is_not_there(opened):
    """Nor is one that never was."""
    _, journals = opened()
    await finish(journals, "a", "ann")
    for owner, run_id in (("bob", "a"), ("ann", "b"), ("", "a")):
        with pytest.raises(NotFound) as error:
            await journals.events(run_id, owner)
    assert str(error.value) == "there is no run 'a'; it may have been forgotten ([store] in config.toml)"


async def test_runs_are_listed_the_newest_first_by_pages(opened):
    """Those that go on as they are by now; of the owner alone."""
    _, journals = opened()
    for run_id in "abc":
        await finish(journals, run_id, "ann")
    await finish(journals, "d", "bob")
    journal = journals.begin(started("e", "ann"))
    await journal.settle()
    journal.write(ev.Answer(text="so far", partial=True))
    first = await journals.newest_first("ann", Wanted(), 3)
    rest = await journals.newest_first("ann", Wanted(before=first[-1].begun_ns), 3)
    assert [[each.run_id for each in page] for page in (first, rest)] == [["e", "c", "b"], ["a"]]
    assert (first[0].summary.stopped, first[0].summary.answer) == ("running", "so far")


async def test_an_attempt_that_was_superseded_writes_nothing(opened):
    """It finds out where it would use what it paid for; the other goes on from what was there."""
    store, journals = opened()
    journal = journals.begin(started("a"), detached=True)
    await journal.settle()
    other_store, others = opened()
    [found] = await unheld(other_store, store)
    taken = await others.take_over(found)
    journal.write(ev.Answer(text="lost", partial=True))
    with pytest.raises(Superseded) as error:
        await journal.settle()
    assert str(error.value) == "another process has taken the run over"
    taken.write(ev.Answer(text="kept", partial=True))
    await taken.settle()
    await journals.end(journal)
    assert [type(each).__name__ for each in await others.events("a")] == ["RunStarted", "Answer"]
    assert (await other_store.events("a", ""))[-1].text == "kept"


async def unheld(store, dead):
    """What the store finds once that process seems dead."""
    lives, store.holder.lives = store.holder.lives, lambda holder: holder != dead.holder.id
    try:
        return await store.unfinished()
    finally:
        store.holder.lives = lives


async def test_a_run_of_a_living_process_is_not_taken(opened, settings):
    """It is, once that process has ended, by one of those who want it."""
    (one, takers), (_, others) = opened(), opened()
    with contextlib.closing(RunStore(settings)) as store:
        await Journals(store, 1 << 30).begin(started("a"), detached=True).settle()
        assert await one.unfinished() == []
    [found] = await one.unfinished()
    assert (found.run_id, found.detached) == ("a", True)
    taken = [await takers.take_over(found), await others.take_over(found)]
    assert [isinstance(each, Journal) for each in taken] == [True, False]


async def test_a_run_that_is_left_for_others_is_nobodys(opened):
    """And whole."""
    store, journals = opened()
    await journals.leave_for_others(started("a"))
    [found] = await store.unfinished()
    journal = await journals.take_over(found)
    assert ([each.run_id for each in journal.events], found.holder) == (["a"], None)


@pytest.mark.parametrize("kept", [{"kept_runs": 2}, {"kept_bytes": 2300}, {"kept_seconds": 0.0}], ids=str)
async def test_runs_that_are_too_much_are_forgotten(opened, kept):
    """The oldest first; one that goes on stays."""
    store, journals = opened()
    journals.begin(started("on"))
    for run_id in "abcd":
        await finish(journals, run_id)
    await store.forget(StoreSettings(**kept))
    expected = ["on"] if "kept_seconds" in kept else ["d", "c", "on"]
    assert [each.run_id for each in await journals.newest_first("", Wanted(), 9)] == expected
    with pytest.raises(NotFound):
        await journals.events("a")


async def test_an_owner_has_a_part_of_its_own(opened):
    """The runs of others stay."""
    store, journals = opened()
    for owner in ("ann", "bob"):
        await finish(journals, owner, owner)
    await store.forget(StoreSettings(kept_bytes=0), "ann")
    assert [[each.run_id for each in await journals.newest_first(owner, Wanted(), 9)] for owner in ("ann", "bob")] == [
        [],
        ["bob"],
    ]


async def test_contexts_of_unfinished_runs_are_needed(opened):
    """Until they end."""
    store, journals = opened()
    journal = journals.begin(started("a", context_id="1" * 64))
    await journal.settle()
    assert await store.needed_contexts() == {"1" * 64}
    journal.write(END)
    await journals.end(journal)
    assert await store.needed_contexts() == set()


async def test_a_thousand_events_at_once_are_all_there_in_order(opened):
    """Many runs, one thread that writes."""
    store, journals = opened()
    opened_journals = [journals.begin(started(f"run{number}")) for number in range(10)]
    for position in range(100):
        for journal in opened_journals:
            journal.write(ev.Answer(text=str(position), partial=True))
    await asyncio.gather(*(each.settle() for each in opened_journals))
    for journal in opened_journals:
        assert await store.events(journal.run_id, "") == journal.events


def test_nobody_else_may_read_the_file(tmp_path):
    """Nor what SQLite puts beside it."""
    with contextlib.closing(RunStore(StoreSettings(url=sqlite_url(tmp_path / "runs.db")))):
        modes = {stat.S_IMODE(os.stat(each).st_mode) for each in tmp_path.glob("runs.db*") if each.is_file()}
    assert modes == {0o600}


def test_a_store_of_a_later_version_is_refused(opened, settings):
    """It is not written to."""
    store, _ = opened()
    with store.database.writing() as connection:
        connection.execute(update(VERSIONS).values(number=VERSION + 1))
    with pytest.raises(ConfigError) as error:
        RunStore(settings)
    assert str(error.value) == "store: it was written by a later version of this program (version 3, this one has 2)"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("nope", "store.url: Could not parse SQLAlchemy URL from given URL string"),
        ("nope://x", "store.url: Can't load plugin: sqlalchemy.dialects:nope"),
        ("sqlite://", "store.url: SQLite needs a file: sqlite:////folder/runs.db"),
        ("sqlite:////dev/null/x/runs.db", "store: sqlite:////dev/null/x/runs.db: [Errno 20] Not a directory: '/dev/null/x'"),
    ],
)
def test_an_address_that_is_none_is_refused(url, message):
    """At the start."""
    with pytest.raises(ConfigError) as error:
        RunStore(StoreSettings(url=url))
    assert str(error.value) == message


def test_a_file_that_is_none_is_refused(tmp_path):
    """It is named, and not written to."""
    file = tmp_path / "runs.db"
    file.write_text("a letter, and no database at all")
    with pytest.raises(ConfigError) as error:
        RunStore(StoreSettings(url=sqlite_url(file)))
    assert str(error.value) == f"store: sqlite:///{file}: file is not a database"
    assert file.read_text() == "a letter, and no database at all"


def test_what_a_killed_process_left_is_tidied_up(tmp_path):
    """By the next one; the lock of one that lives stays."""
    settings = StoreSettings(url=sqlite_url(tmp_path / "runs.db"))
    with contextlib.closing(RunStore(settings)) as living:
        folder = tmp_path / "runs.db.holders"
        (folder / ("0" * 32)).touch()
        with contextlib.closing(RunStore(settings)) as other:
            assert {each.name for each in folder.iterdir()} == {living.holder.id, other.holder.id}
    assert list(folder.iterdir()) == []


async def test_a_key_that_another_process_has_claimed_is_its_run(opened):
    """Which begins a moment later: nobody takes the key before that."""
    store, journals = opened()
    other, _ = opened()
    key = Key("", b"key", b"request")
    assert await Keys(store.writer).claim(key, "a") == "a"
    again = asyncio.create_task(Keys(other.writer).claim(key, "b"))
    await asyncio.sleep(0.2)
    await journals.begin(started("a")).settle()
    assert await again == "a"


async def test_a_key_whose_process_ended_before_its_run_began_is_claimed_again(opened, monkeypatch):
    """After some time."""
    monkeypatch.setattr(keys, "LOOK_SECONDS", 0.001)
    store, _ = opened()
    key = Key("", b"key", b"request")
    found = [await Keys(store.writer).claim(key, run_id) for run_id in ("a", "b")]
    assert found == ["a", "b"]
    assert await Keys(store.writer).find(key) is None


async def test_events_are_read_so_many_bytes_at_once(opened, monkeypatch):
    """However many are asked for; one may be larger."""
    monkeypatch.setattr(runs, "READ_BYTES", 5_000)
    _, journals = opened()
    journal = journals.begin(started("a"))
    for size in (2_000, 2_000, 2_000, 20_000):
        journal.write(ev.Answer(text="x" * size, partial=True))
    await journal.settle()
    sizes = []
    while found := await journals.contents("a", sum(sizes), 64):
        sizes.append(len(found))
    assert sizes == [4, 1]
