"""A short form of `make chaos`."""

import asyncio

import chaos


def test_queries_are_answered_whatever_happens_to_model_servers():
    """Each rightly, or with a typed end; nothing is charged that is not counted."""
    outcomes, servers, killed = asyncio.run(chaos.play(queries=40, seed=1))
    assert list(chaos.problems(outcomes, servers)) == []
    assert sum(each.is_right for each in outcomes) >= 36
    assert len(killed) >= 1
    assert min(each.charged for each in servers) > 0
