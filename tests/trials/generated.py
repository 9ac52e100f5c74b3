"""Tasks over inputs that are made up, each time others: the truth is known because they were made from it."""

import itertools
import random

from tasks import Task, no_answer, number, text, value

# What OOLONG asks about (arXiv 2511.02817): what kind of answer a question wants. No pattern tells them apart.
_ASKS = {
    "person": ["Who wrote {}?", "Which painter is behind {}?", "Name the inventor of {}.", "By whom was {} founded?"],
    "place": ["Where was {} first shown?", "In which city does {} stand?", "Name the country that {} comes from."],
    "number": ["How many people took part in {}?", "What did {} cost at first?", "In which year was {} finished?"],
    "reason": ["Why did {} fail?", "What led to {}?", "What is the cause of the delay of {}?"],
}
_THINGS = "the North Bridge|the Blue Opera|the telescope of Ulm|the canal|the iron press|the First Atlas|the glass tower".split(
    "|"
)
_CAUSES = {
    "power": ["the racks went dark when the feed from the grid dropped", "a breaker tripped and the batteries were flat"],
    "mistake": ["somebody had typed the wrong host into the script", "an engineer removed the wrong table by hand"],
    "disk": ["writes stalled because no space was left", "a drive of the array had begun to return garbage"],
    "network": ["a switch dropped half of what it was given", "the two sites could not see each other for minutes"],
}
_NAMES = "Ada Bruno Carla David Emil Flora Greta Hugo Ida Jonas Klara Louis Marta Nils Olga Paul Rosa Sven Tilda Viktor".split()
_CITIES = "Oslo Bergen Gent Lyon Porto Turin Graz Brno Malmo Tartu".split()


def _sorted(lines: str, question: str, then: str) -> str:
    """Python that has a sub-model label `lines` (an expression), and goes on with the labels."""
    return (
        f"import re\nlines = {lines}\nlabels = {{}}\n"
        "groups = [range(n, min(n + 30, len(lines))) for n in range(0, len(lines), 30)]\n"
        f"ask = {question!r} + ' Reply with a line NUMBER: LABEL for each.\\n'\n"
        "for reply in llm_batch([ask + '\\n'.join(f'{n}: {lines[n]}' for n in group) for group in groups]):\n"
        "    labels |= {int(n): label for n, label in re.findall(r'(\\d+): (\\w+)', reply)}\n"
        f"assert len(labels) == len(lines)\n{then}"
    )


_KIND = "Does each question ask for a person, a place, a number or a reason?"


def semantic_count(draw: random.Random) -> Task:
    labels = [draw.choice(list(_ASKS)) for _ in range(300)]
    lines = [f"{n}: {draw.choice(_ASKS[label]).format(draw.choice(_THINGS))}" for n, label in enumerate(labels)]
    code = _sorted("context.splitlines()", _KIND, "FINAL(list(labels.values()).count('place'))")
    question = "Each line is a question. How many of them ask for a place (a city, a country, a site)? Answer with the number."
    return Task("semantic-count", question, "\n".join(lines), number(labels.count("place")), code)


def semantic_pairs(draw: random.Random) -> Task:
    asked = {name: draw.sample(list(_ASKS), 2) for name in _NAMES}
    lines = [
        f"{name} asks: {draw.choice(_ASKS[label]).format(draw.choice(_THINGS))}" for name in _NAMES for label in asked[name]
    ]
    draw.shuffle(lines)
    truth = sum(set(asked[one]) == set(asked[other]) for one, other in itertools.combinations(_NAMES, 2))
    code = _sorted(
        "context.splitlines()",
        _KIND,
        "kinds = {}\nfor n, line in enumerate(lines): kinds.setdefault(line.split()[0], set()).add(labels[n])\n"
        "names = list(kinds)\n"
        "FINAL(sum(kinds[a] == kinds[b] for i, a in enumerate(names) for b in names[i + 1 :]))",
    )
    question = (
        "Each line is a question that a person asks, for one of four things: a person, a place, a number, a reason. Each person asks "
        "twice. How many pairs of two people ask for the same two kinds of things? Answer with the number."
    )
    return Task("semantic-pairs", question, "\n".join(lines), number(truth), code)


def multi_hop(draw: random.Random) -> Task:
    people, cities = draw.sample(_NAMES, 12), draw.sample(_CITIES, 6)
    firms = [f"{draw.choice(_THINGS).split()[-1].title()} & {name}" for name in draw.sample(_NAMES, 6)]
    works = {person: draw.choice(firms) for person in people}
    seat = dict(zip(firms, cities, strict=True))
    one, other = people[:2]
    documents = [f"{person} has worked for {firm} since {draw.randrange(1990, 2020)}." for person, firm in works.items()]
    documents += [f"Annual report. The seat of {firm} is {city}." for firm, city in seat.items()]
    documents += [f"The sister of {one} is {other}."]
    documents += [f"Minutes of meeting {n}: nothing was decided about {draw.choice(_THINGS)}." for n in range(200)]
    draw.shuffle(documents)
    code = (
        "import re\nall_ = '\\n'.join(context)\n"
        f"sister = re.search(r'The sister of {one} is (\\w+)', all_)[1]\n"
        "firm = re.search(rf'{sister} has worked for (.+?) since', all_)[1]\n"
        "FINAL(re.search(rf'The seat of {re.escape(firm)} is (\\w+)', all_)[1])"
    )
    return Task(
        "multi-hop", f"In which city is the firm that the sister of {one} works for?", documents, text(seat[works[other]]), code
    )


def ledger(draw: random.Random) -> Task:
    entries, balance = [], 0
    for n in range(2000):
        account, amount = draw.choice("ABCD"), draw.randrange(1, 500)
        kind = draw.choice(["in", "out"])
        void = draw.random() < 0.1
        entries.append(f"{n};{account};{kind};{amount}" + (";void" if void else ""))
        balance += 0 if void or account != "C" else amount if kind == "in" else -amount
    code = (
        "rows = [line.split(';') for line in context.splitlines()]\n"
        "FINAL(sum((1 if r[2] == 'in' else -1) * int(r[3]) for r in rows if r[1] == 'C' and r[-1] != 'void'))"
    )
    question = (
        "number;account;direction;amount, with void at the end for what does not count. What is the balance of account C?"
    )
    return Task("ledger", question, "\n".join(entries), number(balance), code)


def causes(draw: random.Random) -> Task:
    labels = [draw.choices(list(_CAUSES), [5, 3, 2, 2])[0] for _ in range(120)]
    reports = [f"Incident {n}: {draw.choice(_CAUSES[label])}." for n, label in enumerate(labels)]
    code = _sorted(
        "context", "Was each caused by power, a mistake, disk or network?", "FINAL(list(labels.values()).count('mistake'))"
    )
    question = (
        "Sort the incidents by cause: power, mistake (of a person), disk, network. How many were a mistake? Only the number."
    )
    return Task("causes", question, reports, number(labels.count("mistake")), code)


def unanswerable(draw: random.Random) -> Task:
    lines = [f"{draw.choice(_NAMES)} met {draw.choice(_NAMES)} in {draw.choice(_CITIES)} on day {n}." for n in range(3000)]
    code = "FINAL('The input does not say it.' if 'passport' not in context else '?')"
    return Task("unanswerable", "What is the passport number of Ada?", "\n".join(lines), no_answer(), code)


def long_output(draw: random.Random) -> Task:
    rows = [
        {"id": n, "name": draw.choice(_NAMES), "age": draw.randrange(18, 80), "city": draw.choice(_CITIES)} for n in range(1000)
    ]
    text_ = "\n".join(f"{row['id']}: {row['name']}, aged {row['age']}, lives in {row['city']}." for row in rows)
    truth = [{"id": row["id"], "name": row["name"]} for row in rows if row["age"] > 70 and row["city"] == "Oslo"]
    code = (
        "import re, json\nfound = re.findall(r'(\\d+): (\\w+), aged (\\d+), lives in (\\w+)', context)\n"
        "FINAL(json.dumps([{'id': int(n), 'name': name} for n, name, age, city in found if int(age) > 70 and city == 'Oslo']))"
    )
    question = 'Everybody over 70 in Oslo, in the order of the input, as a JSON list of {"id", "name"}. Only the JSON.'
    return Task("long-output", question, text_, value(truth), code)


KINDS = (semantic_count, semantic_pairs, multi_hop, ledger, causes, unanswerable, long_output)
