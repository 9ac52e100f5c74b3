"""Classification and aggregation over a JSON value."""

import random
from collections import Counter

from question import Question

TEXT = "How many reviews of each product are positive, and how many are negative?"
PRAISE = ("works as it should", "arrived early", "is worth its price")
BLAME = ("arrived broken", "stopped after a day", "is not what was shown")

Review = tuple[str, str, bool]  # product, review, whether it is positive


def make() -> Question:
    found = reviews()
    context = [{"product": product, "review": review} for product, review, _ in found]
    return Question(__doc__, TEXT, {"context": context}, verdicts(found))


def reviews(count: int = 40) -> list[Review]:
    chance = random.Random(3)
    found = []
    for _ in range(count):
        product, positive = chance.choice(("kettle", "lamp", "radio")), chance.random() < 0.6
        found.append((product, f"The {product} {chance.choice(PRAISE if positive else BLAME)}.", positive))
    return found


def verdicts(found: list[Review]) -> dict[str, dict[str, int]]:
    counts = Counter((product, positive) for product, _, positive in found)
    products = sorted({product for product, _, _ in found})
    return {each: {"positive": counts[each, True], "negative": counts[each, False]} for each in products}
