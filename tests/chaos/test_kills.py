"""A short form of `make chaos`: servers that are killed."""

import asyncio

import kills


def test_detached_runs_outlive_their_server():
    """None is lost or answers otherwise; nothing that was stored is asked for again; the journals replay."""
    wrong, _, more, in_flight = asyncio.run(kills.play(runs=4, kills=2, seed=1, trouble="kills"))
    assert wrong == []
    assert more <= in_flight
