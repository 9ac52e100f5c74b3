"""Attempts at a call whose run has a budget of tokens or money."""

import pytest
from fakes import HI, FakeProvider

from orchestrator.amounts import Need
from orchestrator.budget import Budget, RunLimits
from orchestrator.config import CacheSettings
from orchestrator.errors import ProviderError
from orchestrator.providers.attempts import Affinity, Request
from orchestrator.providers.cache import Cache
from orchestrator.providers.messages import Usage
from orchestrator.providers.pool import Pool


class BreaksOff(FakeProvider):
    """Half a reply, of 3000 tokens in all."""

    async def complete(self, messages, received, schema=None, max_tokens=None):
        self.limit = max_tokens
        received.add("half")
        received.usage = Usage(1000, 2000)
        raise ProviderError("it broke off", remedy="elsewhere")


def budget(tokens):
    return Budget(RunLimits(max_iterations=1, max_sub_calls=1, max_seconds=1.0, max_fuel=1, max_total_tokens=tokens))


async def asked(spent):
    """A pool whose first provider breaks off, that provider, and the call."""
    [hold] = spent.reserve([Need(prompt_tokens=10, reply_tokens=3000)])
    broken = BreaksOff("a")
    pool = Pool([broken, FakeProvider("b", "yes")], retry_seconds=0)
    candidates = pool.choose().root
    request = Request(HI, hold=hold, affinity=Affinity())
    request.affinity.backend = next(each for each in candidates if each.name == "a")
    return broken, pool.complete(candidates, request)


async def test_an_attempt_that_failed_has_taken_what_it_took():
    """The next one is reserved beside it, and its reply is no longer than the budget."""
    spent = budget(5000)
    broken, call = await asked(spent)
    assert (await call).text == "yes"
    assert (broken.limit, spent.held.tokens) == (3000, 3000 + 4)


async def test_another_attempt_that_could_pass_the_limit_is_not_made():
    """The error says both; what was spent is in its reply."""
    spent = budget(3500)
    _, call = await asked(spent)
    with pytest.raises(ProviderError) as failed:
        await call
    assert str(failed.value) == (
        "it broke off; it is not tried again: max_total_tokens: a model call can take 1,000 tokens, 500 of 3,500 are left; "
        "nothing was sent. Send fewer or shorter prompts, or answer"
    )
    assert (failed.value.reply.usage.total, spent.held.tokens) == (3000, 3000)


async def test_what_the_cache_has_takes_nothing():
    """It is not reserved, and comes."""
    pool = Pool([FakeProvider("m", "yes", cache=True)], retry_seconds=0, cache=Cache(CacheSettings()))
    candidates, request = pool.choose().sub, Request(HI, sample=0)
    assert (await pool.need(candidates, request)).reply_tokens == 8192
    await pool.complete(candidates, request)
    assert await pool.need(candidates, request) is None
