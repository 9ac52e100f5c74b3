"""Documents, each read by a sub-model."""

import random
from collections import Counter

from question import Question

TEXT = "Which cause do most of these incident reports have, and how many?"
SERVICES = ("payment", "search", "login", "mail")
CAUSES = ("a full disk", "an expired certificate", "a wrong deployment", "a power cut")


def make() -> Question:
    found = incidents()
    truth = list(Counter(cause for _, cause in found).most_common(1)[0])
    return Question(__doc__, TEXT, {"documents": [text for text, _ in found]}, truth)


def incidents(count: int = 30) -> list[tuple[str, str]]:
    """Reports, each with its cause, which the report names in a sentence of its own."""
    chance = random.Random(2)
    found = []
    for number in range(count):
        cause, service = chance.choices(CAUSES, (1, 2, 5, 3))[0], chance.choice(SERVICES)
        filler = "Customers were told. " * chance.randrange(20, 60)
        found.append((f"Report {number}. The {service} service was down. {filler}It turned out to be {cause}. {filler}", cause))
    return found
