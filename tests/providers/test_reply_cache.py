"""Replies that were paid for are given again: to the same call alone, within a size and a time."""

import asyncio
import time

import pytest
from fakes import HI, FakeProvider, complete

from orchestrator.config import CacheSettings, OpenAISettings
from orchestrator.errors import ProviderError
from orchestrator.providers import cache as cache_module
from orchestrator.providers.cache import Cache
from orchestrator.providers.messages import Message, Reply, Usage
from orchestrator.providers.pool import Pool

ANSWERS = [str(number) for number in range(1000)]


def pool(*providers, **settings):
    """All of whose replies are kept, for these settings of [cache]."""
    return Pool(providers, retry_seconds=0, cache=Cache(CacheSettings(**settings)))


def kept(name="m", *answers, **settings):
    return FakeProvider(name, *(answers or ANSWERS), **{"cache": True} | settings)


async def ask(pool, prompt="hi", sample=0, **request):
    return await complete(pool, "sub", (Message("user", prompt),), sample=sample, **request)


async def test_the_same_call_is_not_paid_again():
    """The reply says that it is from the cache: no tokens, no cost, no attempts."""
    asked = pool(kept())
    first, second = await ask(asked), await ask(asked)
    assert (first.text, first.usage, first.attempts, first.cached) == ("0", Usage(3, 1), 1, False)
    assert 0 <= second.seconds < 1
    assert second == Reply(
        provider="m",
        text="0",
        reasoning="",
        usage=Usage(),
        attempts=0,
        seconds=second.seconds,
        cost=0.0,
        last_cost=0.0,
        cached=True,
    )


async def test_a_call_that_differs_in_anything_is_another():
    """Prompt, sample and schema."""
    asked = pool(kept())
    calls = [{}, {"prompt": "ho"}, {"sample": 1}, {"schema": {}}, {"schema": {"type": "array"}}]
    assert [(await ask(asked, **each)).text for each in calls + calls] == ["0", "1", "2", "3", "4"] * 2


@pytest.mark.parametrize(
    "changed",
    [{"base_url": "http://other/v1"}, {"max_tokens": 7}, {"response_format": "none"}, {"context_window": 9999}],
    ids=lambda each: next(iter(each)),
)
async def test_a_provider_that_differs_in_what_a_reply_depends_on_is_another(changed):
    """Its place and its parameters."""
    cache = Cache(CacheSettings())
    for answer, settings in (("one", {"base_url": "http://m/v1"}), ("other", {"base_url": "http://m/v1"} | changed)):
        asked = Pool([kept("m", answer, **settings)], cache=cache)
        assert [(await ask(asked)).text for _ in range(2)] == [answer, answer]


async def test_settings_on_which_no_reply_depends_make_no_difference():
    """Names, limits and weights."""
    cache = Cache(CacheSettings())
    await ask(Pool([kept()], cache=cache))
    other = kept("m", alias="a", max_concurrency=3, timeout_seconds=5.0, weight=2.0, stall_seconds=9.0)
    assert (await ask(Pool([other], cache=cache))).cached


async def test_calls_that_go_to_other_models_are_others():
    """What one of two models replied is not what one of them alone replies."""
    asked = pool(kept("a", "from a"), kept("b", "from b"))
    assert (await ask(asked)).text == "from a"
    assert (await complete(asked, "sub", HI, sample=0)).cached
    [only_b] = asked.choose(sub_model="b").sub
    from_b = await asked.complete((only_b,), cache_module.Request(HI, sample=0))
    assert (from_b.text, from_b.cached) == ("from b", False)


class Tempered(OpenAISettings, frozen=True, kw_only=True):
    """With a setting that leaves less or nothing to chance."""

    temperature: float | None = None


@pytest.mark.parametrize(
    ("settings", "cached"),
    [
        ({}, False),
        ({"cache": True}, True),
        ({"temperature": 0.0}, True),
        ({"temperature": 0.7}, False),
        ({"temperature": 0.0, "cache": False}, False),
        ({"temperature": 0.7, "cache": True}, True),
    ],
    ids=str,
)
async def test_replies_are_kept_if_nothing_is_left_to_chance_or_it_is_said(settings, cached):
    """`cache` decides; without it, a temperature of 0."""
    provider = FakeProvider("m", *ANSWERS)
    provider.settings = Tempered(model="m", base_url="http://m/v1", **settings)
    asked = pool(provider)
    assert [(await ask(asked)).cached for _ in range(2)] == [False, cached]


async def test_one_provider_whose_replies_are_not_kept_keeps_all_out():
    """It might be the one that answers."""
    asked = pool(kept("a"), FakeProvider("b", *ANSWERS))
    assert [(await ask(asked)).cached for _ in range(3)] == [False] * 3


async def test_a_call_without_a_sample_is_never_kept():
    """That of a root model, or of a request that wants none."""
    asked = pool(kept())
    assert [(await ask(asked, sample=None)).cached for _ in range(2)] == [False, False]


async def test_a_failure_is_not_kept():
    """Nor an empty reply."""
    asked = pool(kept("m", ProviderError("no"), "", "", "yes"))
    with pytest.raises(ProviderError):
        await ask(asked)
    assert [(await ask(asked)).text for _ in range(3)] == ["", "yes", "yes"]


async def test_a_reply_leaves_after_its_time():
    """Whether it is asked for, or not."""
    provider = kept()
    asked = Pool([provider], cache=(cache := Cache(CacheSettings(cache_seconds=0.05))))
    await ask(asked)
    await asyncio.sleep(0.06)
    assert (await ask(asked)).text == "1"
    await asyncio.sleep(0.06)
    cache.expire()
    assert (len(cache._kept), cache._bytes) == (0, 0)


async def test_the_longest_unused_leaves_first():
    """When there is no more room."""
    asked = pool(kept(), cache_bytes=10 * (cache_module.ENTRY_BYTES + 100))
    for number in range(10):
        await ask(asked, str(number))
    assert (await ask(asked, "0")).cached
    await ask(asked, "one more")
    assert [(await ask(asked, each)).cached for each in ("0", "9", "1")] == [True, True, False]


async def test_a_reply_that_would_drive_all_others_out_is_not_kept():
    """One of more than an eighth of the cache."""
    huge = "x" * (60 << 20)
    asked = pool(kept("m", "small", huge, huge), cache_bytes=64 << 20)
    await ask(asked, "a")
    await ask(asked, "huge")
    assert not (await ask(asked, "huge")).cached
    assert (await ask(asked, "a")).cached


async def test_many_entries_stay_within_the_size():
    """A hundred thousand small ones, of which the last are kept."""
    cache = Cache(CacheSettings(cache_bytes=10_000_000))

    async def answer():
        return Reply(provider="m", text="x" * 50, reasoning="", usage=Usage(1, 1), attempts=1, seconds=0.0)

    for number in range(100_000):
        await cache.reply(number.to_bytes(32), answer)
    assert cache._bytes <= 10_000_000
    assert 10_000 < len(cache._kept) < 20_000
    assert (await cache.reply((99_999).to_bytes(32), answer)).cached


async def test_the_same_calls_at_the_same_time_are_one():
    """The others wait for it, and pay nothing."""
    provider = kept(delay=0.02)
    asked = pool(provider)
    replies = await asyncio.gather(*(ask(asked) for _ in range(10)))
    assert provider.most == 1
    assert [reply.text for reply in replies] == ["0"] * 10
    assert sorted(reply.cached for reply in replies) == [False] + [True] * 9


async def test_a_reply_that_is_not_kept_is_still_that_of_all_who_wait():
    """It is too large for the cache, not for them."""
    provider = kept("m", "x" * 5000, delay=0.02)
    replies = await asyncio.gather(*(ask(pool_of) for pool_of in [pool(provider, cache_bytes=1000)] * 3))
    assert [len(reply.text) for reply in replies] == [5000] * 3


async def test_who_waits_for_a_call_that_is_cancelled_makes_it():
    """One of them, for the others."""
    provider = kept(delay=0.02)
    asked = pool(provider)
    first, *others = [asyncio.create_task(ask(asked)) for _ in range(5)]
    await asyncio.sleep(0.01)
    first.cancel()
    replies = await asyncio.gather(*others)
    assert [reply.text for reply in replies] == ["0"] * 4
    assert sorted(reply.cached for reply in replies) == [False, True, True, True]
    assert (provider.most, len(provider.answers)) == (1, 999)


async def test_who_is_cancelled_while_waiting_takes_nobody_along():
    """The call goes on, and so do the others."""
    asked = pool(kept(delay=0.02))
    tasks = [asyncio.create_task(ask(asked)) for _ in range(3)]
    await asyncio.sleep(0.01)
    tasks[1].cancel()
    ends = await asyncio.gather(*tasks, return_exceptions=True)
    assert [getattr(end, "text", type(end).__name__) for end in ends] == ["0", "CancelledError", "0"]


async def test_who_waits_for_a_call_that_fails_goes_on_alone():
    """Beside the others, not one failure after the other."""
    provider = kept("m", *[ProviderError("no")] * 5, delay=0.05)
    asked = pool(provider)
    started = time.monotonic()
    ends = await asyncio.gather(*(ask(asked) for _ in range(5)), return_exceptions=True)
    assert [str(end) for end in ends] == ["no"] * 5
    assert (provider.most, provider.answers) == (4, [])
    assert time.monotonic() - started < 0.2


async def test_half_a_reply_is_not_kept():
    """One that ended at its token limit; the next call may get all of it."""

    class Cut(FakeProvider):
        async def complete(self, messages, received, schema=None, max_tokens=None):
            await super().complete(messages, received, schema)
            received.cut = received.text == "0"

    asked = pool(Cut("m", *ANSWERS, cache=True))
    assert [(reply.text, reply.cut, reply.cached) for reply in [await ask(asked) for _ in range(3)]] == [
        ("0", True, False),
        ("1", False, False),
        ("1", False, True),
    ]
