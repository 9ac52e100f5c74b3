"""All pairs in a relation: what was lost and what was found."""

import random
from typing import NamedTuple

from question import Question

TEXT = (
    "Which notes of the lost property office may be about the same thing: of the same kind and colour, and found on the day "
    "that it was lost or later? Answer with all pairs [lost, found], sorted."
)
KINDS = {
    "umbrella": ("umbrella", "brolly"),
    "bag": ("rucksack", "backpack"),
    "glasses": ("spectacles", "glasses"),
    "hat": ("cap", "hat"),
}
COLOURS = {
    "black": ("black", "coal-black"),
    "blue": ("navy", "blue"),
    "red": ("crimson", "red"),
    "grey": ("grey", "ash-coloured"),
}
LOST = ("I left my {thing} on the tram.", "Gone since noon: {thing}, a present.", "Has anybody seen my {thing}?")
FOUND = ("{thing}, under a seat.", "The driver brought in a {thing}.", "Handed in by a child: {thing}.")


class Note(NamedTuple):
    name: str
    day: int
    kind: str
    colour: str
    text: str


def make() -> Question:
    chance = random.Random(10)
    lost = [note(f"L{number:03}", LOST, chance) for number in range(80)]
    found = [note(f"F{number:03}", FOUND, chance) for number in range(80)]
    notes = chance.sample([*lost, *found], len(lost) + len(found))
    lines = [f"{each.name} 2026-11-{each.day:02} {each.text}" for each in notes]
    return Question(__doc__, TEXT, {"context": "\n".join(lines)}, pairs(lost, found))


def note(name: str, forms: tuple[str, ...], chance: random.Random) -> Note:
    kind, colour = chance.choice(list(KINDS)), chance.choice(list(COLOURS))
    thing = f"{chance.choice(COLOURS[colour])} {chance.choice(KINDS[kind])}"
    return Note(name, chance.randrange(1, 29), kind, colour, chance.choice(forms).format(thing=thing))


def pairs(lost: list[Note], found: list[Note]) -> list[list[str]]:
    return [
        [one.name, other.name]
        for one in lost
        for other in found
        if (one.kind, one.colour) == (other.kind, other.colour) and one.day <= other.day
    ]
