"""A short form of `make siege`: the attacks that take little time, on one server for each of their settings."""

import siege


async def test_a_server_holds_under_attack():
    """It lives, goes on answering a neighbour, gives its memory back, and each attack gets what it may."""
    outcomes = await siege.play_short()
    assert {each.attack.name: each.problems for each in outcomes if each.problems} == {}
    assert len(outcomes) >= 10
