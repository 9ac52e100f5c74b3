"""Choosing, limiting, retrying: over providers that are functions."""

import asyncio

import pytest
from fakes import FakeProvider

from orchestrator.errors import ProviderError
from orchestrator.providers import pool as pool_module
from orchestrator.providers.messages import Message, Usage
from orchestrator.providers.pool import Pool

HI = (Message("user", "hi"),)
AT_ONCE = {"retry": True, "after": 0.0}


async def test_a_role_goes_to_its_provider():
    """root, sub and both."""
    pool = Pool([FakeProvider("r", "from root", role="root"), FakeProvider("s", "from sub", role="sub")])
    assert (await pool.complete("sub", HI)).text == "from sub"
    assert (await pool.complete("root", HI)).provider == "r"


async def test_the_least_busy_provider_is_chosen():
    """Two calls at once go to two providers."""
    first, second = FakeProvider("a", "1", delay=0.01), FakeProvider("b", "2", delay=0.01)
    pool = Pool([first, second])
    replies = await asyncio.gather(pool.complete("sub", HI), pool.complete("sub", HI))
    assert sorted(reply.provider for reply in replies) == ["a", "b"]


async def test_no_provider_gets_more_calls_than_its_limit():
    """max_concurrency holds; the others wait."""
    fake = FakeProvider("a", *"123456", delay=0.01, max_concurrency=2)
    pool = Pool([fake])
    await asyncio.gather(*(pool.complete("sub", HI) for _ in range(6)))
    assert fake.most == 2


async def test_what_may_succeed_later_is_tried_once_more():
    """The reply says that it took two attempts."""
    reply = await Pool([FakeProvider("a", ProviderError("busy", **AT_ONCE), "yes")]).complete("root", HI)
    assert (reply.text, reply.attempts, reply.usage) == ("yes", 2, Usage(3, 1))


async def test_two_failures_are_the_error():
    """The second one's message."""
    pool = Pool([FakeProvider("a", ProviderError("first", **AT_ONCE), ProviderError("second", **AT_ONCE))])
    with pytest.raises(ProviderError, match=r"^second$"):
        await pool.complete("root", HI)


async def test_what_cannot_succeed_is_not_tried_again():
    """A refused key costs one call."""
    fake = FakeProvider("a", ProviderError("refused"), "never")
    with pytest.raises(ProviderError, match=r"^refused$"):
        await Pool([fake]).complete("root", HI)
    assert fake.answers == ["never"]


async def test_an_empty_reply_is_asked_again_and_both_are_counted():
    """Paid is paid."""
    reply = await Pool([FakeProvider("a", " ", "yes")]).complete("root", HI)
    assert (reply.text, reply.attempts, reply.usage) == ("yes", 2, Usage(6, 2))


async def test_a_second_empty_reply_is_given_as_it_is():
    """What it means is the caller's to say."""
    reply = await Pool([FakeProvider("a", "", "")]).complete("root", HI)
    assert (reply.text, reply.attempts) == ("", 2)


async def test_a_slow_provider_is_a_clear_error():
    """The message names the setting."""
    with pytest.raises(ProviderError) as error:
        await Pool([FakeProvider("a", "late", delay=5, timeout_seconds=0.01)]).complete("root", HI)
    assert str(error.value) == "a: no reply within 0.01 seconds (timeout_seconds)"


async def test_a_call_that_breaks_off_keeps_what_came_and_what_it_cost():
    """The error has both."""

    class Broken(FakeProvider):
        async def complete(self, messages, received, schema=None):
            received.add("half a re")
            raise ProviderError("broke off")

    with pytest.raises(ProviderError) as error:
        await Pool([Broken("a")]).complete("root", HI)
    assert (error.value.reply.text, error.value.reply.usage) == ("half a re", Usage(1, 3, estimated=True))


async def test_a_call_that_is_too_slow_keeps_what_came():
    """As one that breaks off."""

    class Slow(FakeProvider):
        async def complete(self, messages, received, schema=None):
            received.add("half a re")
            await asyncio.sleep(5)

    with pytest.raises(ProviderError) as error:
        await Pool([Slow("a", timeout_seconds=0.01)]).complete("root", HI)
    assert error.value.reply.text == "half a re"


async def test_what_a_sub_model_can_read_is_that_of_the_smallest():
    """About three characters a token, beside room for the reply; None if nobody says."""
    pool = Pool(
        [FakeProvider("a", context_window=8192), FakeProvider("b", context_window=4096), FakeProvider("r", role="root")]
    )
    assert pool.prompt_chars("sub") is None
    await pool.find_windows()
    assert (pool.prompt_chars("sub"), pool.prompt_chars("root")) == (6144, 6144)


async def test_a_provider_that_does_not_answer_does_not_stop_the_start(monkeypatch):
    """What it can read is not known."""

    class Hanging(FakeProvider):
        async def find_window(self):
            await asyncio.sleep(60)

    monkeypatch.setattr(pool_module, "WINDOW_SECONDS", 0.01)
    pool = Pool([Hanging("a"), FakeProvider("b", context_window=4096)])
    await pool.find_windows()
    assert pool.prompt_chars("sub") == 6144
