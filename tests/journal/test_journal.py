"""Journals: the events of a run, the last runs."""

import asyncio

import pytest

from orchestrator.errors import JournalFull, NotFound
from orchestrator.journal.events import Answer, ModelCalled, RunFinished
from orchestrator.journal.journal import Journal
from orchestrator.journal.kept import KEPT_RUNS, Journals

END = RunFinished(stopped="answered", error=None)


def test_events_are_stamped_in_order():
    """Seconds since the run started, never going back."""
    journal = Journal("r")
    journal.write(Answer(text="a", partial=False))
    journal.write(Answer(text="b", partial=False))
    first, second = journal.events
    assert 0 <= first.at <= second.at < 1


def test_the_last_runs_are_kept():
    """The oldest leaves first; a run that is not there is named."""
    journals = Journals()
    for number in range(KEPT_RUNS + 1):
        journals.open(f"run{number}").write(END)
    journals.let_go()
    assert journals.get(f"run{KEPT_RUNS}").run_id == f"run{KEPT_RUNS}"
    with pytest.raises(NotFound) as error:
        journals.get("run0")
    assert str(error.value) == "there is no run 'run0'; the last 200 are kept"


def test_old_journals_leave_by_bytes():
    """Not those of runs that go on, however much they hold."""
    journals = Journals(max_bytes=2500)
    for name in ("on", "first", "second", "third"):
        journals.open(name).write(Answer(text="x" * 1000, partial=False))
    for name in ("first", "second", "third"):
        journals.get(name).write(END)
    journals.let_go()
    assert [each.run_id for each in journals.newest_first()] == ["third", "second", "on"]
    assert journals.held_bytes == sum(journals.get(name).bytes for name in ("second", "third")) < 2500


def test_an_owner_sees_only_its_own():
    """Its numbers are its own, too: they do not tell how many runs the others made."""
    journals = Journals()
    for number, owner in enumerate(("ann", "bob", "bob", "ann")):
        journals.open(f"run{number}", owner=owner)
    assert [(each.run_id, each.number) for each in journals.newest_first("ann")] == [("run3", 2), ("run0", 1)]
    assert [each.run_id for each in journals.newest_first("bob", before=2)] == ["run1"]
    with pytest.raises(NotFound):
        journals.get("run0", "bob")


def test_a_journal_that_is_full_takes_its_end_alone():
    """Nothing of the event that is too much is kept or shown; what it comes to always has room."""
    seen = []
    journal = Journal("r", seen.append, max_bytes=1000)
    with pytest.raises(JournalFull) as error:
        journal.write(ModelCalled(turn=1, prompt_chars=1000, texts=("x" * 1000,)))
    assert str(error.value) == "its journal would have more than 1000 bytes (server.run_journal_bytes)"
    journal.write(Answer(text="y" * 1000, partial=True))
    journal.write(END)
    assert (
        [type(each).__name__ for each in journal.events] == ["Answer", "RunFinished"] == [type(each).__name__ for each in seen]
    )


async def test_readers_follow_a_journal_while_it_is_written():
    """Each from where it likes, each to the end; one that begins late misses nothing, and one that waits is woken."""
    journal = Journal("r")
    journal.write(Answer(text="0", partial=True))

    async def texts(from_event):
        return [getattr(event, "text", "end") async for event in journal.follow(from_event)]

    early, later = asyncio.create_task(texts(0)), asyncio.create_task(texts(2))
    await asyncio.sleep(0)
    for number in range(1, 4):
        journal.write(Answer(text=str(number), partial=True))
        await asyncio.sleep(0)
    journal.write(RunFinished(stopped="answered", error=None))
    assert await early == ["0", "1", "2", "3", "end"]
    assert await later == ["2", "3", "end"]
    assert await texts(4) == ["end"]
    assert await texts(99) == []


async def test_a_reader_that_is_slow_does_not_hold_the_writer():
    """It finds all that was written meanwhile."""
    journal = Journal("r")
    journal.write(Answer(text="first", partial=True))
    reader = journal.follow()
    assert (await anext(reader)).text == "first"
    for number in range(1000):
        journal.write(Answer(text=str(number), partial=True))
    journal.write(RunFinished(stopped="answered", error=None))
    assert len([event async for event in reader]) == 1001
