"""What is tried again, with whom, and when it is given up: over providers that are functions."""

import asyncio
import time

import pytest
from fakes import HI, FakeProvider, complete

from orchestrator.errors import ProviderError
from orchestrator.providers.attempts import Affinity, Wait
from orchestrator.providers.messages import FailedAttempt, Usage
from orchestrator.providers.pool import Pool

LATER = {"remedy": "later"}


class Failing(FakeProvider):
    """Always with the same error."""

    calls = 0

    async def complete(self, messages, received, schema=None, max_tokens=None):
        self.calls += 1
        raise ProviderError(f"{self.name} is out of order", remedy=self.answers[0])


class FailingAfter(FakeProvider):
    """Sends a text and breaks off."""

    async def complete(self, messages, received, schema=None, max_tokens=None):
        received.add(self.answers[0])
        raise ProviderError("broke off", remedy="elsewhere")


async def test_another_provider_is_asked_at_once():
    """The reply says who failed, and how."""
    reply = await complete(Pool([Failing("a", "later"), FakeProvider("b", "yes")]), "root")
    assert (reply.text, reply.provider, reply.attempts) == ("yes", "b", 2)
    assert reply.failed == (FailedAttempt(provider="a", error="a is out of order", cost=0.0),)


async def test_a_provider_that_is_down_is_not_asked_for_each_call():
    """After three failures its circuit is open."""
    dead = Failing("a", "later")
    pool = Pool([dead, FakeProvider("b", *["yes"] * 20)])
    replies = [await complete(pool, "sub") for _ in range(20)]
    assert (dead.calls, {reply.text for reply in replies}) == (3, {"yes"})


async def test_a_provider_that_was_down_is_asked_again(monkeypatch):
    """One call is the probe; it closes the circuit."""
    monkeypatch.setattr("orchestrator.providers.circuit.FIRST_SECONDS", 0.02)
    broken = [ProviderError("down", **LATER)] * 3
    pool = Pool([FakeProvider("a", *broken, *["a"] * 5), FakeProvider("b", *["b"] * 20)])
    for _ in range(3):
        await complete(pool, "sub")
    assert (await complete(pool, "sub")).text == "b"
    await asyncio.sleep(0.03)
    assert [(await complete(pool, "sub")).text for _ in range(3)] == ["a", "a", "a"]


async def test_the_only_provider_is_asked_again_in_a_while():
    """With a backoff, until it answers."""
    reply = await complete(Pool([FakeProvider("a", ProviderError("busy", **LATER), "yes")]), "root")
    assert (reply.text, reply.attempts, reply.usage) == ("yes", 2, Usage(3, 1))
    assert 0.5 <= reply.waited <= reply.seconds


async def test_when_retry_seconds_are_over_the_last_failure_is_the_error():
    """Not the first."""
    pool = Pool([FakeProvider("a", *(ProviderError(each, **LATER) for each in "1234"))], retry_seconds=1.0)
    with pytest.raises(ProviderError, match=r"^2$"):
        await complete(pool, "root")


async def test_all_are_down_is_a_clear_error_for_who_asks_next():
    """What others found out, without asking."""
    dead = Failing("a", "later")
    pool = Pool([dead], retry_seconds=0)
    for _ in range(5):
        with pytest.raises(ProviderError, match=r"^a is out of order$"):
            await complete(pool, "root")
    assert dead.calls == 3


async def test_what_cannot_succeed_is_not_tried_again():
    """A request that is wrong is so everywhere."""
    with pytest.raises(ProviderError, match=r"^a is out of order$"):
        await complete(Pool([Failing("a", "none"), FakeProvider("b", "yes")]), "root")


async def test_a_wrong_key_sends_calls_to_the_others():
    """It is asked once, and again only if there is no other."""
    wrong = Failing("a", "mend")
    pool = Pool([wrong, FakeProvider("b", *["yes"] * 5)])
    assert [(await complete(pool, "sub")).text for _ in range(5)] == ["yes"] * 5
    assert wrong.calls == 1


async def test_a_wrong_key_of_the_only_provider_is_told_at_once():
    """Each time anew: somebody may have mended it."""
    wrong = Failing("a", "mend")
    pool = Pool([wrong])
    for _ in range(2):
        with pytest.raises(ProviderError, match=r"^a is out of order$"):
            await complete(pool, "sub")
    assert wrong.calls == 2


async def test_a_rate_limit_is_waited_out_and_told():
    """However often; it is no failure of the provider."""
    limits = [ProviderError("busy", remedy="limited", after=after) for after in (0.01, 0.01, 0.01, 0.01, 1.1)]
    told = []
    pool = Pool([FakeProvider("a", *limits, "yes")], retry_seconds=0)
    reply = await complete(pool, "sub", HI, tell=told.append)
    assert (reply.text, reply.attempts, told) == ("yes", 6, [Wait("a", 1.1, "busy")])
    assert reply.failed == (FailedAttempt(provider="a", error="busy", times=5, cost=0.0),)


async def test_during_a_rate_limit_another_is_asked():
    """Nobody waits."""
    told = []
    pool = Pool([FakeProvider("a", ProviderError("busy", remedy="limited", after=60)), FakeProvider("b", *["yes"] * 3)])
    assert [(await complete(pool, "sub", HI, tell=told.append)).text for _ in range(3)] == ["yes"] * 3
    assert told == []


async def test_a_rate_limit_that_outlasts_the_run_is_an_error():
    """To wait for it would be in vain."""
    pool = Pool([FakeProvider("a", ProviderError("busy", remedy="limited", after=3600))])
    with pytest.raises(ProviderError, match=r"^busy$"):
        await complete(pool, "sub", HI, until=time.monotonic() + 60)


async def test_a_rate_limit_that_is_known_to_outlast_the_run_is_not_waited_for():
    """Neither by who asks next, nor by who was in the queue when it came."""
    limit = ProviderError("busy", remedy="limited", after=3600)
    pool = Pool([FakeProvider("a", limit, delay=0.01, max_concurrency=1)])
    soon = time.monotonic() + 60
    async with asyncio.timeout(1):
        for _ in range(2):
            calls = [complete(pool, "sub", HI, until=soon) for _ in range(3)]
            ended = await asyncio.gather(*calls, return_exceptions=True)
            assert [str(each) for each in ended] == ["busy"] * 3


async def test_a_run_that_is_over_waits_for_its_end():
    """It is about to be cancelled; until then the one that is busy is not asked for again and again."""
    pool = Pool([FakeProvider("a", ProviderError("busy", remedy="limited", after=0.01), *"xyz", delay=0.1, max_concurrency=1)])
    assert (await complete(pool, "sub")).text == "x"
    busy = asyncio.create_task(complete(pool, "sub"))
    await asyncio.sleep(0.01)
    async with asyncio.timeout(1):
        assert (await complete(pool, "sub", HI, until=0.0)).text == "z"
    await busy


async def test_who_finds_a_rate_limit_is_told():
    """Not only the call that ran into it."""
    pool = Pool([FakeProvider("a", ProviderError("busy", remedy="limited", after=1.2), "yes", "yes")])
    first = asyncio.create_task(complete(pool, "sub", HI))
    await asyncio.sleep(0.01)
    told = []
    await complete(pool, "sub", HI, tell=told.append)
    await first
    assert told == [Wait("a", 1.2, "busy")]


async def test_a_server_that_always_says_at_once_is_not_asked_all_the_time():
    """Retry-After: 0 with each refusal is no invitation to a storm."""

    class AtOnce(FakeProvider):
        calls = 0

        async def complete(self, messages, received, schema=None, max_tokens=None):
            self.calls += 1
            raise ProviderError("busy", remedy="limited", after=0.0)

    limited = AtOnce("a")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await complete(Pool([limited]), "sub")
    assert limited.calls <= 5


async def test_refusals_side_by_side_are_one_rate_limit():
    """The guessed wait is not doubled for each of them."""
    pool = Pool([FakeProvider("a", *[ProviderError("busy", remedy="limited")] * 16, *["yes"] * 16, delay=0.01)])
    async with asyncio.timeout(2):
        await asyncio.gather(*(complete(pool, "sub") for _ in range(16)))


async def test_a_provider_that_may_soon_be_back_is_not_forgotten_for_one_that_is_limited():
    """The failing one is asked again, instead of waiting for an hour."""
    down = [ProviderError("down", **LATER)] * 2
    pool = Pool([FakeProvider("a", ProviderError("busy", remedy="limited", after=3600)), FakeProvider("b", *down, "yes")])
    async with asyncio.timeout(5):
        assert (await complete(pool, "sub")).provider == "b"


async def test_a_rate_limit_is_waited_out_when_the_others_are_given_up():
    """The call does not fail with them."""
    limit = ProviderError("busy", remedy="limited", after=0.3)
    pool = Pool([FakeProvider("a", limit, "yes"), FakeProvider("b", ProviderError("down", **LATER))], retry_seconds=0)
    reply = await complete(pool, "sub")
    assert (reply.text, reply.provider) == ("yes", "a")


async def test_a_failure_behind_a_long_rate_limit_is_tried_again():
    """retry_seconds are those of failures; the limit does not use them up."""
    answers = [ProviderError("busy", remedy="limited", after=0.8), ProviderError("down", **LATER), "yes"]
    assert (await complete(Pool([FakeProvider("a", *answers)], retry_seconds=0.8), "sub")).text == "yes"


async def test_a_provider_is_doubted_for_a_while_only(monkeypatch):
    """Who waits for one that is limited goes to it as soon as that is over."""
    monkeypatch.setattr("orchestrator.providers.backend.DOUBT_SECONDS", 0.1)
    wrong = FakeProvider("b", ProviderError("wrong key", remedy="mend"), "yes")
    pool = Pool([FakeProvider("a", ProviderError("busy", remedy="limited", after=3600)), wrong])
    first = asyncio.create_task(complete(pool, "sub"))
    await asyncio.sleep(0.01)
    async with asyncio.timeout(1):
        assert (await complete(pool, "sub")).provider == "b"
    first.cancel()


async def test_the_turns_of_a_run_stay_with_a_provider():
    """Its prompt cache has what was before; another is asked if it has no room, or fails."""
    first, second = FakeProvider("a", *"1234", delay=0.01), FakeProvider("b", *"1234", delay=0.01)
    pool, affinity = Pool([first, second]), Affinity()
    busy = asyncio.create_task(complete(pool, "root"))
    await asyncio.sleep(0)
    asked = [(await complete(pool, "root", HI, affinity=affinity)).provider for _ in range(3)]
    await busy
    assert asked == ["b", "b", "b"]
    assert (await complete(pool, "root")).provider == "a"


async def test_an_empty_reply_is_asked_again_and_both_are_counted():
    """Paid is paid."""
    reply = await complete(Pool([FakeProvider("a", " ", "yes")]), "root")
    assert (reply.text, reply.attempts, reply.usage) == ("yes", 2, Usage(6, 2))


async def test_what_failed_and_what_answered_add_up():
    """Each attempt is counted once: a failure, an empty reply, the reply."""
    counted = FailingAfter("a", "half")
    reply = await complete(Pool([counted, FakeProvider("b", "", "yes")]), "root")
    assert [each.usage for each in reply.failed] == [Usage(1, 1, estimated=True), Usage(3, 1)]
    assert reply.usage == Usage(1 + 3 + 3, 1 + 1 + 1, estimated=True)


async def test_a_second_empty_reply_is_given_as_it_is():
    """What it means is the caller's to say."""
    reply = await complete(Pool([FakeProvider("a", "", "")]), "root")
    assert (reply.text, reply.attempts) == ("", 2)


async def test_a_slow_provider_is_a_clear_error():
    """The message names the setting."""
    with pytest.raises(ProviderError) as error:
        await complete(Pool([FakeProvider("a", "late", delay=5, timeout_seconds=0.01)]), "root")
    assert str(error.value) == "a: no reply within 0.01 seconds (timeout_seconds)"


async def test_a_call_that_breaks_off_keeps_what_came_and_what_it_cost():
    """The error has both."""

    class Broken(FakeProvider):
        async def complete(self, messages, received, schema=None, max_tokens=None):
            received.add("half a re")
            raise ProviderError("broke off")

    with pytest.raises(ProviderError) as error:
        await complete(Pool([Broken("a")]), "root")
    assert (error.value.reply.text, error.value.reply.usage) == ("half a re", Usage(1, 3, estimated=True))


async def test_a_call_that_is_too_slow_keeps_what_came():
    """As one that breaks off."""

    class Slow(FakeProvider):
        async def complete(self, messages, received, schema=None, max_tokens=None):
            received.add("half a re")
            await asyncio.sleep(5)

    with pytest.raises(ProviderError) as error:
        await complete(Pool([Slow("a", timeout_seconds=0.01)]), "root")
    assert error.value.reply.text == "half a re"


async def test_a_cancelled_call_gives_its_slot_back():
    """While it is under way, and while it waits for its turn."""
    pool = Pool([FakeProvider("a", *["x"] * 9, delay=0.05, max_concurrency=1)])
    calls = [asyncio.create_task(complete(pool, "sub")) for _ in range(3)]
    await asyncio.sleep(0.01)
    calls[1].cancel()
    calls[0].cancel()
    assert (await calls[2]).text == "x"
    assert (await complete(pool, "sub")).text == "x"
    assert pool.backends[0].slots.used == 0
