"""Journals: the events of a run."""

import asyncio

import pytest

from orchestrator.errors import JournalFull
from orchestrator.journal.events import Answer, ModelCalled, RunFinished
from orchestrator.journal.journal import Journal

END = RunFinished(stopped="answered", error=None)


def test_events_are_stamped_in_order():
    """Seconds since the run started, never going back."""
    journal = Journal("r")
    journal.write(Answer(text="a", partial=False))
    journal.write(Answer(text="b", partial=False))
    first, second = journal.events
    assert 0 <= first.at <= second.at < 1


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
