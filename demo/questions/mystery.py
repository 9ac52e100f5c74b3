"""A detective's mystery: testimonies that contradict each other."""

import random
from typing import NamedTuple

from question import Question

TEXT = (
    "A painting was taken from the study at a quarter past nine in the evening. Who took it, where did they say that they "
    "were, and who saw them? Answer with {thief, said, seen_by}."
)
PEOPLE = [
    *("Mr Abbott", "Mrs Birch", "Mr Crane", "Ms Dole", "Mr Ellery", "Mrs Finch", "Ms Gray", "Mr Holt", "Mrs Ives", "Mr Jarvis"),
    *("Ms Kent", "Mr Lunt", "Mrs Marsh", "Mr Nye", "Ms Oakes", "Mrs Pell", "Mr Quill", "Ms Rowe", "Mr Strand", "Mrs Thorne"),
    *("Ms Usher", "Mr Vane", "Mrs Wray", "Mr Yates"),
]
ROOMS = ("library", "kitchen", "parlour", "hall", "pantry", "greenhouse")
TIMES = {
    "20:45": ("at a quarter to nine", "at 8.45"),
    "21:00": ("at nine sharp", "as it struck nine"),
    "21:15": ("at a quarter past nine", "at 9.15"),
    "21:30": ("at half past nine", "at 9.30"),
}
OWN = ("{When} I was in the {room}.", "I sat in the {room} {when}.", "{When} I stood in the {room}, by the window.")
OTHERS = (
    "{When} I saw {who} in the {room}.",
    "{who} was in the {room} {when}, I am sure of that.",
    "I met {who} in the {room} {when}.",
)
# By somebody who was elsewhere.
THROUGH = ("Through a window I saw {who} in the {room} {when}.", "{When} I looked through a door and saw {who} in the {room}.")
CHATTER = (
    "I have known this house for thirty years.",
    "The soup was cold, which nobody mentioned.",
    "I was never in the study in my life until last week, when the painting was shown to all of us.",
    "It rained all evening.",
)


class Lie(NamedTuple):
    """Who says that they were in a room at a time, and were in another, where somebody saw them."""

    who: str
    time: str
    said: str
    was: str
    seen_by: str


def make() -> Question:
    chance = random.Random(7)
    thief, cook, guest, honest, *witnesses = chance.sample(PEOPLE, len(PEOPLE))
    theft = Lie(thief, "21:15", "library", "study", witnesses[0])
    lies = [
        theft,
        Lie(cook, "21:15", "parlour", "pantry", witnesses[1]),  # another room
        Lie(guest, "21:00", "hall", "study", witnesses[2]),  # another time
    ]
    was = {(who, time): chance.choice(ROOMS) for who in PEOPLE for time in TIMES}
    was |= {(each.who, each.time): each.was for each in lies} | {(honest, "20:45"): "study"}
    documents = [testimony(who, was, lies, chance) for who in PEOPLE]
    return Question(__doc__, TEXT, {"documents": documents}, {"thief": thief, "said": theft.said, "seen_by": theft.seen_by})


def testimony(who: str, was: dict[tuple[str, str], str], lies: list[Lie], chance: random.Random) -> str:
    """Where they say that they were, whom they saw there, and what nobody asked."""
    said = {(each.who, each.time): each.said for each in lies}
    lines = chance.sample(CHATTER, 2)
    for time in TIMES:
        room = was[who, time]
        lines.append(sentence(OWN, time, said.get((who, time), room), chance))
        beside = [each for each in PEOPLE if each != who and was[each, time] == room and (each, time) not in said]
        # Who lies is not asked whom they saw where they were not.
        if beside and (who, time) not in said:
            lines.append(sentence(OTHERS, time, room, chance, chance.choice(beside)))
    lines += [sentence(THROUGH, each.time, each.was, chance, each.who) for each in lies if each.seen_by == who]
    chance.shuffle(lines)
    return "\n".join([f"Testimony of {who}", "", *lines])


def sentence(forms: tuple[str, ...], time: str, room: str, chance: random.Random, who: str = "") -> str:
    when = chance.choice(TIMES[time])
    return chance.choice(forms).format(When=when[0].upper() + when[1:], when=when, room=room, who=who)
