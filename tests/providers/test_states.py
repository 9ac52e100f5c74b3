"""What each provider does now, in words."""

import asyncio

import pytest
from fakes import FakeProvider, complete

from orchestrator.errors import ProviderError
from orchestrator.providers.circuit import FAILURES
from orchestrator.providers.pool import Pool
from orchestrator.providers.states import missing_roles, states


async def after(*answers, **settings):
    """The state of a provider after these answers."""
    pool = Pool([FakeProvider("m", *answers, **settings)], retry_seconds=0)
    for _ in answers:
        try:
            await complete(pool, "root")
        except ProviderError:
            continue
    [state] = states(pool)
    return state


def failure(remedy, **more):
    return ProviderError("m: no", remedy=remedy, **more)


@pytest.mark.parametrize(
    ("answers", "state", "meaning", "down"),
    [
        ([], "closed", "it is asked", False),
        (["a"], "closed", "it is asked", False),
        ([failure("later")], "closed", "it is asked", False),
        ([failure("later")] * 3, "open", "its last calls failed: it is not asked for 1 s", True),
        ([failure("mend")], "doubted", "somebody has to mend it (last_error): it is asked only if there is no other", True),
    ],
)
async def test_a_state_is_told_in_words(answers, state, meaning, down):
    """What it is called, what that means, whether a call would most likely fail."""
    found = await after(*answers)
    assert (found.state, found.meaning, found.down) == (state, meaning, down)


async def test_a_circuit_that_may_close_is_half_open():
    """It is not down: the next call tries it."""
    pool = Pool([FakeProvider("m")])
    for _ in range(FAILURES):
        pool.backends[0].circuit.fail(seconds=0.0)
    pool.backends[0].circuit.open_until = 0.0
    [found] = states(pool)
    meaning = "its last calls failed: one call tries whether it is back"
    assert (found.state, found.meaning, found.down) == ("half-open", meaning, False)


async def test_a_rate_limit_says_when_it_ends():
    """It is not down: calls wait for it."""
    pool = Pool([FakeProvider("m", failure("limited", after=30.0), "a")])
    waiting = asyncio.create_task(complete(pool, "root"))
    await asyncio.sleep(0.01)
    [found] = states(pool)
    waiting.cancel()
    assert (found.state, found.meaning, found.down, found.waiting) == ("limited", "its rate limit ends in 30 s", False, 1)


async def test_calls_are_seen_while_they_go_on():
    """Those of a provider, those of all models of its server, those that wait for it."""
    shared = {"base_url": "http://one/v1", "max_concurrency": 2}
    providers = [
        FakeProvider("a", *"123", delay=0.05, role="root", **shared),
        FakeProvider("b", "1", delay=0.05, role="sub", **shared),
    ]
    pool = Pool(providers)
    calls = [asyncio.create_task(complete(pool, role)) for role in ("root", "sub", "root", "root")]
    await asyncio.sleep(0.01)
    assert [(each.in_flight, each.slots_used, each.slots, each.waiting) for each in states(pool)] == [
        (1, 2, 2, 2),
        (1, 2, 2, 0),
    ]
    await asyncio.gather(*calls)
    assert [(each.in_flight, each.slots_used, each.waiting, each.calls) for each in states(pool)] == [
        (0, 0, 0, 3),
        (0, 0, 0, 1),
    ]


async def test_an_address_has_no_secrets():
    """Neither a password nor a query."""
    found = await after(base_url="https://user:secret@host:8443/v1?key=secret")
    assert found.address == "https://host:8443/v1"


async def test_figures_are_of_the_last_calls():
    """Latency and speed of those that succeeded; the last error with its age."""
    found = await after("a", failure("none"))
    assert (found.calls, found.failures, found.last_error) == (2, 1, "m: no")
    assert 0 <= found.latency_p50 <= found.latency_p95 < 1
    assert found.tokens_per_second > 0
    assert 0 <= found.last_failure_seconds < 1


async def test_a_role_is_missing_if_all_of_it_are_down():
    """One that is not is enough."""
    good, bad = FakeProvider("good", role="root"), FakeProvider("bad", failure("mend"), role="sub")
    pool = Pool([good, bad], retry_seconds=0)
    assert missing_roles(states(pool)) == []
    with pytest.raises(ProviderError):
        await complete(pool, "sub")
    assert missing_roles(states(pool)) == ["sub"]
