"""A log of 50 MB, summarised in chunks."""

import json
import random
from typing import Any

from question import Question

TEXT = (
    "Summarise this log of a day: for each hour the number of lines and of errors, and its trouble, if any (a full disk, an "
    "expired certificate or an overload), and the whole day in a few sentences. Answer with {hours: [[hour, lines, errors, "
    "trouble or null], ...], summary}."
)
USUAL = {
    "INFO": (
        "request served from the cache, as usual, without a look at the disk",
        "session opened",
        "session closed by its user",
    ),
    "WARN": ("retried once and went on", "slow answer of a neighbour: 812 ms"),
    "ERROR": ("wrong password three times", "upstream timed out after 30000 ms", "write failed: No space left on device"),
}
TROUBLES = {
    3: ("a full disk", "write failed: No space left on device"),
    11: ("an expired certificate", "handshake failed: certificate has expired"),
    19: ("an overload", "upstream timed out after 30000 ms"),
}
SERVICES = ("payment", "search", "login", "mail")


def make() -> Question:
    hours = [hour_of_log(hour, random.Random(100 + hour)) for hour in range(24)]
    truth = [
        [hour, len(lines), sum(" ERROR " in line for line in lines), TROUBLES[hour][0] if hour in TROUBLES else None]
        for hour, lines in enumerate(hours)
    ]
    return Question(__doc__, TEXT, {"context": "\n".join(line for lines in hours for line in lines)}, truth, said)


def hour_of_log(hour: int, chance: random.Random) -> list[str]:
    """Some 2 MB. Errors of each kind happen in every hour; trouble is when one kind fills it."""
    kinds = [(level, message) for level, messages in USUAL.items() for message in messages]
    weights = [300, 100, 100, 30, 30, 3, 1, 1]
    if hour in TROUBLES:
        kinds.append(("ERROR", TROUBLES[hour][1]))
        weights.append(60)
    count = chance.randrange(15_500, 18_500)
    chosen, services = chance.choices(kinds, weights, k=count), chance.choices(SERVICES, k=count)
    return [
        f"2026-11-05T{hour:02}:{number * 60 // count:02}:{number * 3600 // count % 60:02} {level} service={service} "
        f"host=app-{number % 16:02}.eu.example request={hour:02}{number:06} {message}"
        for number, ((level, message), service) in enumerate(zip(chosen, services, strict=True))
    ]


def said(answer: str) -> Any:
    """The hours; without a summary it is no answer."""
    value = json.loads(answer)
    if len(str(value["summary"]).split()) < 10:
        raise ValueError("there is no summary")
    return value["hours"]
