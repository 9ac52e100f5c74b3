"""The inputs of the demo: the standard library of this machine, and seeded texts whose truth is known."""

import csv
import io
import json
import random
import sysconfig
from pathlib import Path

STDLIB = Path(sysconfig.get_path("stdlib"))
LEFT_OUT = {"site-packages", "dist-packages", "test", "tests", "idle_test"}
SERVICES = ("payment", "search", "login", "mail")
ENDPOINTS = ("/cart", "/search", "/login", "/export")
CITIES = ("Bergen", "Oslo", "Tromsø", "Ålesund")
CAUSES = ("a full disk", "an expired certificate", "a wrong deployment", "a power cut")
PRAISE = ("works as it should", "arrived early", "is worth its price")
BLAME = ("arrived broken", "stopped after a day", "is not what was shown")


def standard_library() -> dict[str, str]:
    """The text of each module, by its path."""
    paths = sorted(path for path in STDLIB.rglob("*.py") if not LEFT_OUT & set(path.relative_to(STDLIB).parts))
    return {path.relative_to(STDLIB).as_posix(): path.read_bytes().decode() for path in paths}


def log_lines(count: int = 85_000) -> list[str]:
    """A log of some 5 MB."""
    chance = random.Random(1)
    return [
        f"2026-11-{chance.randrange(1, 29):02} {chance.choice(['INFO', 'INFO', 'WARN', 'ERROR'])} "
        f"service={chance.choice(SERVICES)} ms={chance.randrange(2000)} request {number:06}"
        for number in range(count)
    ]


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


def sales(count: int = 60_000) -> str:
    """A table of some 2 MB, as CSV."""
    chance = random.Random(5)
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(["order", "city", "product", "amount"])
    for number in range(count):
        table.writerow(
            [number, chance.choice(CITIES), chance.choice(('lamp, "large"', "lamp", "kettle")), chance.randrange(100, 50_000)]
        )
    return out.getvalue()


def incidents(count: int = 30) -> list[tuple[str, str]]:
    """Reports, each with its cause, which the report names in a sentence of its own."""
    chance = random.Random(2)
    found = []
    for number in range(count):
        cause, service = chance.choices(CAUSES, (1, 2, 5, 3))[0], chance.choice(SERVICES)
        filler = "Customers were told. " * chance.randrange(20, 60)
        found.append((f"Report {number}. The {service} service was down. {filler}It turned out to be {cause}. {filler}", cause))
    return found


def reviews(count: int = 40) -> list[tuple[str, str, bool]]:
    """(product, review, whether it is positive)"""
    chance = random.Random(3)
    found = []
    for _ in range(count):
        product, positive = chance.choice(("kettle", "lamp", "radio")), chance.random() < 0.6
        found.append((product, f"The {product} {chance.choice(PRAISE if positive else BLAME)}.", positive))
    return found
