"""Whatever fails, is cancelled, limited or slow, in whatever order: no slot is lost, and nobody waits for ever."""

import asyncio
import random

import pytest
from fakes import HI, FakeProvider

from orchestrator.errors import ProviderError
from orchestrator.providers.attempts import Request
from orchestrator.providers.pool import Pool

REMEDIES = ("none", "elsewhere", "mend", "later", "later", "limited", "limited")
FAST = {
    "attempts.FIRST_BACKOFF_SECONDS": 0.005,
    "attempts.LONGEST_BACKOFF_SECONDS": 0.02,
    "backend.DOUBT_SECONDS": 0.02,
    "backend.FIRST_LIMIT_SECONDS": 0.005,
    "backend.LONGEST_LIMIT_SECONDS": 0.02,
    "circuit.FIRST_SECONDS": 0.01,
    "circuit.LONGEST_SECONDS": 0.02,
}


class Moody(FakeProvider):
    """Does something else each time."""

    def __init__(self, name, chance, **settings):
        super().__init__(name, **settings)
        self.chance = chance

    async def complete(self, messages, received, schema=None, max_tokens=None):
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await asyncio.sleep(self.chance.choice((0, 0, 0.001, 0.003)))
        finally:
            self.running -= 1
        if self.chance.random() < 0.5:
            remedy = self.chance.choice(REMEDIES)
            after = 60.0 if self.chance.random() < 0.02 else self.chance.choice((None, 0.0, 0.002))
            raise ProviderError(f"{self.name} {remedy}", remedy=remedy, after=after)
        received.add(self.chance.choice(("yes", "yes", "yes", "")))


@pytest.mark.parametrize("seed", range(20))
async def test_every_call_ends_and_every_slot_comes_back(monkeypatch, seed):
    """300 calls of 10 runs over three servers, of which a quarter are cancelled at any moment."""
    for name, value in FAST.items():
        monkeypatch.setattr(f"orchestrator.providers.{name}", value)
    chance = random.Random(seed)
    servers = [Moody(name, chance, max_concurrency=chance.randint(1, 4), weight=chance.choice((0.01, 1, 5))) for name in "abc"]
    pool = Pool(servers, retry_seconds=0.1)
    models = [pool.choose().sub, *(pool.choose(sub_model=name).sub for name in "abc")]
    until = asyncio.get_running_loop().time() + 1

    async def call(number):
        await asyncio.sleep(chance.uniform(0, 0.1))
        request = Request(HI, run_id=str(number % 10), until=until)
        await pool.complete(chance.choice(models), request)

    calls = [asyncio.create_task(call(number)) for number in range(300)]
    for each in chance.sample(calls, 75):
        asyncio.get_running_loop().call_later(chance.uniform(0, 0.2), each.cancel)
    _, pending = await asyncio.wait(calls, timeout=5)
    assert not pending
    ended = await asyncio.gather(*calls, return_exceptions=True)
    assert {type(each) for each in ended} <= {type(None), ProviderError, asyncio.CancelledError}
    assert [(each.slots.used, each.in_flight) for each in pool.backends] == [(0, 0)] * 3
    assert len(pool.queue) == 0
    assert all(each.most <= each.settings.max_concurrency for each in servers)


@pytest.mark.parametrize("seed", range(5))
async def test_runs_that_wait_are_served_alike(seed):
    """However many calls each has: none is served twice before each other one that waits was served once."""
    chance = random.Random(seed)
    pool = Pool([FakeProvider("a", *["x"] * 500, max_concurrency=3)])
    left = {str(run): chance.randint(1, 20) for run in range(8)}
    calls = [run for run, count in left.items() for _ in range(count)]
    chance.shuffle(calls)
    served = []
    give = pool.queue.take

    async def take(run_id, *rest):
        backend = await give(run_id, *rest)
        served.append(run_id)
        return backend

    pool.queue.take = take
    await asyncio.gather(*(pool.complete(pool.choose().sub, Request(HI, run_id=run)) for run in calls))
    for run in served[:3]:  # found a free slot
        left[run] -= 1
    waited = served[3:]
    while waited:
        waiting = {run for run, count in left.items() if count}
        turn, waited = waited[: len(waiting)], waited[len(waiting) :]
        assert set(turn) == waiting
        for run in turn:
            left[run] -= 1
