"""Sub-calls: reserved, concurrent, in order, written down."""

import asyncio

import pytest
from fakes import FakeProvider, live

from orchestrator.budget import Budget, RunLimits
from orchestrator.errors import BudgetExceeded, ProviderError
from orchestrator.journal.events import SubcallFinished, SubcallStarted
from orchestrator.journal.journal import Journal
from orchestrator.runs.subcalls import SubCalls
from orchestrator.sandbox.messages import Prompt, SubReply


def budget(max_sub_calls):
    return Budget(RunLimits(max_iterations=5, max_sub_calls=max_sub_calls, max_seconds=60.0, max_fuel=10**12))


def subcalls(*answers, limit=10, delay=0.0):
    journal = Journal("r")
    return SubCalls(live(FakeProvider("m", *answers, delay=delay), journal), budget(limit), journal), journal


async def ask(calls, prompts):
    return await calls.ask([Prompt(prompt) for prompt in prompts])


async def test_answers_come_in_order():
    """One for each prompt."""
    calls, _ = subcalls("1", "2", "3")
    assert await ask(calls, ["a", "b", "c"]) == (
        SubReply(text="1"),
        SubReply(text="2"),
        SubReply(text="3"),
    )


async def test_a_batch_is_sent_at_once():
    """Ten calls that wait for each other would never end."""
    calls, _ = subcalls(*["x"] * 10, delay=0.05)
    async with asyncio.timeout(0.4):
        assert len(await ask(calls, ["p"] * 10)) == 10


async def test_one_failure_is_one_failure():
    """The others have their answers."""
    calls, _ = subcalls("1", ProviderError("no"), "3")
    assert await ask(calls, ["a", "b", "c"]) == (
        SubReply(text="1"),
        SubReply(error="no"),
        SubReply(text="3"),
    )


async def test_an_empty_reply_is_a_failure():
    """After the second attempt."""
    calls, _ = subcalls("", "")
    assert await ask(calls, ["a"]) == (SubReply(error="m: the reply is empty"),)


async def test_what_a_failed_batch_has_paid_for_is_given_again():
    """The same prompts: those that were answered are free, those that failed are sent."""
    calls, journal = subcalls("1", ProviderError("no"), "3", limit=3)
    await ask(calls, ["a", "b"])
    assert await ask(calls, ["a", "b"]) == (SubReply(text="1"), SubReply(text="3"))
    assert [(type(event).__name__, event.subcall) for event in journal.events] == [
        ("SubcallStarted", 1),
        ("SubcallStarted", 2),
        ("SubcallFinished", 1),
        ("SubcallFinished", 2),
        ("SubcallReused", 1),
        ("SubcallStarted", 3),
        ("SubcallFinished", 3),
    ]
    assert [event.batch for event in journal.events if not isinstance(event, SubcallFinished)] == [1, 1, 2, 2]


async def test_a_refused_batch_loses_nothing():
    """What was paid for waits until the same prompts are asked within the budget."""
    calls, _ = subcalls("1", ProviderError("no"), "3", limit=3)
    await ask(calls, ["a", "b"])
    with pytest.raises(BudgetExceeded):
        await ask(calls, ["a", "b", "c"])
    assert await ask(calls, ["a", "b"]) == (SubReply(text="1"), SubReply(text="3"))


async def test_with_nothing_left_the_budget_says_so():
    """No advice on packing: there is nothing to pack into."""
    calls, _ = subcalls(limit=0)
    with pytest.raises(BudgetExceeded) as error:
        await ask(calls, ["a"])
    assert str(error.value) == "the sub-calls of this run are used up; nothing was sent"


async def test_a_batch_above_the_budget_is_refused_as_a_whole():
    """Nothing is sent, nothing is counted."""
    calls, journal = subcalls("1", "2", limit=2)
    await ask(calls, ["a"])
    with pytest.raises(BudgetExceeded) as error:
        await ask(calls, ["b", "c"])
    assert (
        str(error.value)
        == "2 sub-calls were asked for, 1 of 2 are left; nothing was sent. Put several items into one prompt: 2 or more each"
    )
    assert await ask(calls, ["b"]) == (SubReply(text="2"),)
    assert [type(event).__name__ for event in journal.events] == [
        "SubcallStarted",
        "SubcallFinished",
        "SubcallStarted",
        "SubcallFinished",
    ]


async def test_the_same_prompt_is_another_sample_each_time():
    """Counted over the run, what was sent before a restart included: the cache must not give it the same answer twice."""
    samples = []

    class Sampled:
        async def check(self, manner):
            pass

        async def sub_reply(self, sending, hold):
            samples.append((sending.number, sending.prompt.text, sending.sample))
            raise ProviderError("no")

    calls = SubCalls(Sampled(), budget(9), Journal("r"))
    calls.recall([SubcallStarted(turn=1, cell=1, subcall=1, prompt="a", batch=1)])
    await ask(calls, ["a", "b", "a"])
    await ask(calls, ["b"])
    assert samples == [(2, "a", 1), (3, "b", 0), (4, "a", 2), (5, "b", 1)]
