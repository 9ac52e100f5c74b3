"""Sub-calls: reserved, concurrent, in order, written down."""

import asyncio

import pytest
from fakes import FakeProvider

from orchestrator.budget import Budget, RunLimits
from orchestrator.errors import BudgetExceeded, ProviderError
from orchestrator.journal.journal import Journal
from orchestrator.providers.pool import Pool
from orchestrator.runs.sources import Live
from orchestrator.runs.subcalls import SubCalls
from orchestrator.sandbox.messages import SubReply


def budget(max_sub_calls):
    return Budget(RunLimits(max_iterations=5, max_sub_calls=max_sub_calls, max_seconds=60.0, max_fuel=10**12))


def subcalls(*answers, limit=10, delay=0.0):
    journal = Journal("r")
    return SubCalls(Live(Pool([FakeProvider("m", *answers, delay=delay)])), budget(limit), journal), journal


async def test_answers_come_in_order():
    """One for each prompt."""
    calls, _ = subcalls("1", "2", "3")
    assert await calls.ask(["a", "b", "c"]) == (
        SubReply(text="1"),
        SubReply(text="2"),
        SubReply(text="3"),
    )


async def test_a_batch_is_sent_at_once():
    """Ten calls that wait for each other would never end."""
    calls, _ = subcalls(*["x"] * 10, delay=0.05)
    async with asyncio.timeout(0.4):
        assert len(await calls.ask(["p"] * 10)) == 10


async def test_one_failure_is_one_failure():
    """The others have their answers."""
    calls, _ = subcalls("1", ProviderError("no"), "3")
    assert await calls.ask(["a", "b", "c"]) == (
        SubReply(text="1"),
        SubReply(error="no"),
        SubReply(text="3"),
    )


async def test_an_empty_reply_is_a_failure():
    """After the second attempt."""
    calls, _ = subcalls("", "")
    assert await calls.ask(["a"]) == (SubReply(error="m: the reply is empty"),)


async def test_a_batch_above_the_budget_is_refused_as_a_whole():
    """Nothing is sent, nothing is counted."""
    calls, journal = subcalls("1", "2", limit=2)
    await calls.ask(["a"])
    with pytest.raises(BudgetExceeded) as error:
        await calls.ask(["b", "c"])
    assert str(error.value) == "sub-calls: 1 of 2 are used, 2 more were asked for; nothing was sent"
    assert await calls.ask(["b"]) == (SubReply(text="2"),)
    assert [type(event).__name__ for event in journal.events] == [
        "SubcallStarted",
        "SubcallFinished",
        "SubcallStarted",
        "SubcallFinished",
    ]
