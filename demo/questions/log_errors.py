"""JSON commands over a log."""

import random

from question import Question

TEXT = "How many errors does the payment service have in this log?"
SERVICES = ("payment", "search", "login", "mail")


def make() -> Question:
    lines = log_lines()
    truth = sum("ERROR service=payment" in line for line in lines)
    return Question(__doc__, TEXT, {"context": "\n".join(lines), "protocol": "json"}, truth)


def log_lines(count: int = 85_000) -> list[str]:
    """Some 5 MB."""
    chance = random.Random(1)
    return [
        f"2026-11-{chance.randrange(1, 29):02} {chance.choice(['INFO', 'INFO', 'WARN', 'ERROR'])} "
        f"service={chance.choice(SERVICES)} ms={chance.randrange(2000)} request {number:06}"
        for number in range(count)
    ]
