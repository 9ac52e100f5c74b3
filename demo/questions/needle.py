"""One sentence in a book, in other words than the question's."""

import random

from question import Question
from texts import reference

TEXT = "How many stairs does the author climb when unable to sleep?"


def make() -> Question:
    chance = random.Random(6)
    steps = chance.randrange(100, 400)
    book, truth = "\n\n".join(reference().values()), steps
    for sentence in (
        f"On nights without rest I went up to the lantern of the old lighthouse, and counted {steps} steps each time.",
        # What the same words find.
        f"The keeper of the lighthouse, who slept well, had {steps - 60} steps to his door.",
        f"At night the {steps - 20} stairs of the other tower were closed, and we took the lift.",
    ):
        place = book.index("\n\n", chance.randrange(len(book) * 9 // 10))
        book = f"{book[:place]}\n\n{sentence}{book[place:]}"
    return Question(__doc__, TEXT, {"context": book}, truth)
