"""A module, called by a JSON command, over CSV."""

import csv
import io
import json
import random
from collections import Counter
from typing import Any

from question import Question

TEXT = "How much was sold in each city, the most first?"
CITIES = ("Bergen", "Oslo", "Tromsø", "Ålesund")
PRODUCTS = ('lamp, "large"', "lamp", "kettle")


def make() -> Question:
    table = sales()
    return Question(__doc__, TEXT, {"context": table, "protocol": "json"}, sales_by_city(table), said)


def sales(count: int = 60_000) -> str:
    """Some 2 MB."""
    chance = random.Random(5)
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(["order", "city", "product", "amount"])
    for number in range(count):
        table.writerow([number, chance.choice(CITIES), chance.choice(PRODUCTS), chance.randrange(100, 50_000)])
    return out.getvalue()


def sales_by_city(table: str) -> list[list[Any]]:
    sold: Counter[str] = Counter()
    for row in csv.DictReader(io.StringIO(table)):
        sold[row["city"]] += int(row["amount"])
    return [list(each) for each in sold.most_common()]


def said(answer: str) -> list[list[Any]]:
    return [[each["city"], each["sold"]] for each in json.loads(answer)]
