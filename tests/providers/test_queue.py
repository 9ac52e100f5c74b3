"""Who waits for a provider, and whose turn it is."""

import asyncio
import time

from fakes import HI, FakeProvider, complete

from orchestrator.errors import ProviderError
from orchestrator.providers.attempts import Request
from orchestrator.providers.pool import Pool


async def test_runs_take_turns():
    """A run with one call does not wait for the fifty of another."""
    pool = Pool([FakeProvider("a", *["x"] * 60, delay=0.005, max_concurrency=2)])
    done = []

    async def ask(run_id):
        await complete(pool, "sub", HI, run_id=run_id)
        done.append(run_id)

    calls = [asyncio.create_task(ask("many")) for _ in range(50)]
    await asyncio.sleep(0)
    await ask("one")
    assert done.count("many") <= 4
    await asyncio.gather(*calls)


async def test_who_waits_is_counted():
    """Those under way are not."""
    pool = Pool([FakeProvider("a", *["x"] * 5, delay=0.01, max_concurrency=2)])
    calls = [asyncio.create_task(complete(pool, "sub")) for _ in range(5)]
    await asyncio.sleep(0)
    assert len(pool.queue) == 3
    await asyncio.gather(*calls)
    assert len(pool.queue) == 0


async def test_a_free_provider_takes_what_waits_for_any():
    """Not what was dealt out to it before: the slow one gets one call, the quick one all others."""
    slow, quick = FakeProvider("slow", "x", delay=0.5, max_concurrency=1), FakeProvider("quick", *["x"] * 9, max_concurrency=1)
    pool = Pool([slow, quick])
    async with asyncio.timeout(0.9):
        replies = await asyncio.gather(*(complete(pool, "sub") for _ in range(10)))
    assert [reply.provider for reply in replies].count("slow") == 1


async def test_a_recovered_provider_serves_who_was_waiting(monkeypatch):
    """Calls that wait for a probe are not given up, and go on as soon as it came back."""
    monkeypatch.setattr("orchestrator.providers.circuit.FIRST_SECONDS", 0.05)
    pool = Pool([FakeProvider("a", *[ProviderError("down", remedy="later")] * 3, *["x"] * 20)], retry_seconds=3)
    async with asyncio.timeout(3):
        replies = await asyncio.gather(*(complete(pool, "sub") for _ in range(20)))
    assert {reply.text for reply in replies} == {"x"}


async def test_many_runs_that_wait_do_not_slow_each_call_down():
    """2,000 calls of 500 runs take about as long as 2,000 of one run."""

    async def seconds(runs):
        pool = Pool([FakeProvider("a", *["x"] * 2000)])
        started = time.process_time()
        calls = (pool.complete(pool.choose().sub, Request(HI, run_id=str(number % runs))) for number in range(2000))
        await asyncio.gather(*calls)
        return time.process_time() - started

    assert await seconds(500) < 3 * await seconds(1) + 0.2
