"""A module, called from a cell, over JSON Lines."""

import json
import random
from typing import Any

from question import Question

TEXT = "Which endpoint is the slowest at the 95th percentile, of the requests that succeeded, and how many ms are that?"
ENDPOINTS = ("/cart", "/search", "/login", "/export")


def make() -> Question:
    lines = requests()
    return Question(__doc__, TEXT, {"context": "\n".join(lines)}, slowest_endpoint(lines))


def requests(count: int = 60_000) -> list[str]:
    """A server's log of some 7 MB, as JSON Lines."""
    chance = random.Random(4)
    found = []
    for number in range(count):
        endpoint, status = chance.choice(ENDPOINTS), chance.choice((200, 200, 200, 404, 500))
        took = round(chance.gammavariate(2, 20 + 10 * ENDPOINTS.index(endpoint)), 1)
        row = {"id": number, "request": {"method": "GET", "endpoint": endpoint}, "status": status, "ms": took, "user": "Bjørn"}
        found.append(json.dumps(row, ensure_ascii=False))
    return found


def slowest_endpoint(lines: list[str]) -> list[Any]:
    """[endpoint, the 95th percentile of its ms, interpolated linearly]"""
    times: dict[str, list[float]] = {}
    for row in map(json.loads, lines):
        if row["status"] == 200:
            times.setdefault(row["request"]["endpoint"], []).append(row["ms"])
    found = {}
    for endpoint, taken in times.items():
        place, rest = divmod(0.95 * (len(taken) - 1), 1)
        low, high = sorted(taken)[int(place) : int(place) + 2]
        found[endpoint] = round(low + (high - low) * rest, 3)
    slowest = max(found, key=lambda endpoint: found[endpoint])
    return [slowest, found[slowest]]
