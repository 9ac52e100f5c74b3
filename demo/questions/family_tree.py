"""A family tree over 100 documents: a child run for each family."""

import random
from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from question import Question

FOUNDER = "Marit Vik"
TEXT = (
    f"How many descendants does {FOUNDER} have, in all families together, and who are the great-grandchildren? Answer with "
    "{descendants, great_grandchildren}, in alphabetical order."
)
FAMILIES = ("Aas", "Berg", "Dahl", "Eide", "Foss", "Haug", "Lie", "Moen", "Sand", "Vik")
FIRST_NAMES = (
    "Anna Arne Berit Bjarne Dagny Einar Eli Emil Gerda Gustav Hanna Harald Ida Ivar Jens Jorunn Kari Knut Lars Liv Magnus "
    "Marit Nils Nora Ola Olga Per Petra Ragna Rolf Signe Sigurd Siv Steinar Sverre Tora Torleif Turid Unni Vidar"
).split()
DOCUMENTS = 10  # of each family
FORMS = (
    "Baptised on a Sunday of {year}: {child}, child of {parent} and {other}. {a} and {b} stood as godparents.",
    "In the winter of {year} {parent} and {other} had a child, whom they called {first}. {a} sent a spoon.",
    "I, {parent}, leave the boat to {child}, my child with {other}, and nothing to {a}, who calls {b} a parent.",
)
FILLER = "The herring came late, and the road over the mountain was closed until May."


class Birth(NamedTuple):
    child: str
    parent: str  # whose family the child's is
    other: str
    year: int


def make() -> Question:
    chance = random.Random(3)
    births = generations(chance)
    documents = [
        {"name": f"{family.lower()}/{number:02}.txt", "text": text}
        for family in FAMILIES
        for number, text in enumerate(archive([each for each in births if family_of(each.child) == family], births, chance))
    ]
    return Question(__doc__, TEXT, {"documents": documents}, tree(births))


def generations(chance: random.Random) -> list[Birth]:
    """Three of them after the founders."""
    names = {family: chance.sample(FIRST_NAMES, len(FIRST_NAMES)) for family in FAMILIES}
    names["Vik"].remove("Marit")
    people = [FOUNDER, *(f"{names[family].pop()} {family}" for family in FAMILIES for _ in range(2))]
    births = []
    for year in (1821, 1850, 1879):
        children = []
        for parent, other in couples(people, chance):
            family = family_of(parent)
            for later in range(chance.randrange(2, 4)):
                births.append(Birth(f"{names[family].pop()} {family}", parent, other, year + 3 * later))
                children.append(births[-1].child)
        people = children
    return births


def couples(people: list[str], chance: random.Random) -> Iterator[tuple[str, str]]:
    """Each of two families."""
    left = chance.sample(people, len(people))
    while left:
        parent = left.pop()
        other = next((each for each in left if family_of(each) != family_of(parent)), None)
        if other is None:
            return
        left.remove(other)
        yield parent, other


def family_of(person: str) -> str:
    return person.split()[1]


def archive(births: list[Birth], all_births: list[Birth], chance: random.Random) -> list[str]:
    """The documents of a family: who was born, and strangers who are nobody's parents."""
    found = [[FILLER] for _ in range(DOCUMENTS)]
    for each in births:
        a, b = (chance.choice(all_births).child for _ in range(2))
        first = each.child.split()[0]
        chance.choice(found).append(chance.choice(FORMS).format(**each._asdict(), first=first, a=a, b=b))
    return ["\n".join(chance.sample(lines, len(lines))) for lines in found]


def tree(births: list[Birth]) -> dict[str, object]:
    children = defaultdict(set)
    for each in births:
        children[each.parent].add(each.child)
        children[each.other].add(each.child)
    levels = [{FOUNDER}]
    while levels[-1]:
        levels.append({child for parent in levels[-1] for child in children[parent]})
    return {"descendants": len(set().union(*levels[1:])), "great_grandchildren": sorted(levels[3])}
