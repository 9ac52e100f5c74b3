"""A thousand lines, classified fifty at a time, counted per user."""

import random
from collections import Counter
from typing import NamedTuple

from question import Question

TEXT = "What is each user's mail about: how many of their messages are about delivery, an invoice, a defect, or are praise?"
MAILS = {
    "delivery": (
        "Two weeks, and still nothing at my door.",
        "The courier left it in the rain.",
        "Tracking says tomorrow since Monday.",
    ),
    "invoice": ("I was charged twice for one lamp.", "My bill has no VAT number.", "The money has not reached my bank."),
    "defect": ("It hums, and then it goes dark.", "The handle came off in my hand.", "Out of the box it had a crack."),
    "praise": ("My mother wants one too!", "The best thing I bought this year.", "Six stars if I could."),
}
BEFORE = ("", "Hello, ", "Good morning. ", "To whom it may concern: ")
AFTER = ("", " Please answer.", " Regards", " I have written before.")


class Mail(NamedTuple):
    user: str
    label: str
    text: str


def make() -> Question:
    chance = random.Random(9)
    mails = [mail(chance) for _ in range(1000)]
    lines = [f"2026-11-{chance.randrange(1, 29):02} | {each.user} | {each.text}" for each in mails]
    return Question(__doc__, TEXT, {"context": "\n".join(lines)}, labels_of_users(mails))


def mail(chance: random.Random) -> Mail:
    label = chance.choices(list(MAILS), (4, 2, 3, 2))[0]
    text = f"{chance.choice(BEFORE)}{chance.choice(MAILS[label])}{chance.choice(AFTER)}"
    return Mail(f"u{chance.randrange(1, 41):02}", label, text)


def labels_of_users(mails: list[Mail]) -> dict[str, dict[str, int]]:
    counts = Counter((each.user, each.label) for each in mails)
    return {user: {label: counts[user, label] for label in MAILS} for user in sorted({each.user for each in mails})}
