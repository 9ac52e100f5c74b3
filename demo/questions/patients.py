"""Patient records, as JSON: what happened after what."""

import random
from datetime import date, timedelta
from statistics import mean
from typing import Any, NamedTuple

from question import Question

TEXT = (
    "Which patients have a rash in a note of the day on which they were first given amoxicillin, or of the seven days after? "
    "What is their mean age in 2026, to one decimal? Answer with {patients, mean_age}, in the order of the records."
)
DRUGS = ("amoxicillin", "ibuprofen", "metformin")
RASH = (
    "Red, itching spots over both arms since the morning.",
    "The skin of the trunk is covered with hives.",
    "Broke out all over the chest; scratches at night.",
)
NO_RASH = (
    "No rash, no fever. Eats well.",
    "Skin unremarkable. The spots on the X-ray are old.",
    "Says that an aunt had hives once. Skin clear.",
    "Slept badly, otherwise well.",
)


class Patient(NamedTuple):
    name: str
    born: int
    drugs: list[tuple[date, str]]
    notes: list[tuple[date, bool, str]]  # whether it reports a rash


def make() -> Question:
    chance = random.Random(12)
    patients = [patient(f"P{number:03}", chance) for number in range(300)]
    return Question(__doc__, TEXT, {"context": [record(each) for each in patients]}, after_amoxicillin(patients))


def patient(name: str, chance: random.Random) -> Patient:
    def day() -> date:
        return date(2026, 1, 1) + timedelta(days=chance.randrange(60))

    notes = []
    for _ in range(chance.randrange(1, 8)):
        rash = chance.random() < 0.3
        notes.append((day(), rash, chance.choice(RASH if rash else NO_RASH)))
    drugs = [(day(), chance.choice(DRUGS)) for _ in range(chance.randrange(4))]
    return Patient(name, chance.randrange(1930, 2011), drugs, notes)


def record(patient: Patient) -> dict[str, Any]:
    """As the ward keeps it: one list of events, by day."""
    events = [{"date": str(day), "given": drug} for day, drug in patient.drugs]
    events += [{"date": str(day), "note": text} for day, _, text in patient.notes]
    return {"patient": patient.name, "born": patient.born, "events": sorted(events, key=lambda each: each["date"])}


def after_amoxicillin(patients: list[Patient]) -> dict[str, Any]:
    found = []
    for each in patients:
        first = min((day for day, drug in each.drugs if drug == "amoxicillin"), default=None)
        if first and any(rash and 0 <= (day - first).days <= 7 for day, rash, _ in each.notes):
            found.append(each)
    return {"patients": [each.name for each in found], "mean_age": round(mean(2026 - each.born for each in found), 1)}
