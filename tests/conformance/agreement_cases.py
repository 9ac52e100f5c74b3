"""Random cases for agreement.py: patterns and texts, tables, lines of JSON. Everything is drawn from the given Random."""

from fuzz_cases import mutated

LETTERS = "aaabbB1_ \n\n-:.,#é\u0301ß²\U0001f600\t"
ATOMS = [
    *"aabB1_ -:,é\U0001f600", ".", r"\.", r"\-", r"\:", r"\/", r"\"", r"\@", r"\#", r"\ ", r"\n", r"\t", r"\x61", r"\u00e9", r"\\",
    r"\w", r"\W", r"\d", r"\D", r"\s", r"\S", "[ab]", "[^a]", "[a-c1]", r"[\w-]", r"[^\s:]", r"[\d.,]", "[ #]", "[]a]", "[^]b]", "[a&&b]", "[b||a]", "[[a]",
    "ß", "(?i:b)", "(?s:.)", "(?:a)", "(a)", "(?P<n>b)",
]  # fmt: skip
LOOKS = [r"\b", r"\B", "^", "$", r"\A", r"\Z", "(?=a)", "(?!b)", "(?<=a)", "(?<!b)", r"(?m:^)", r"(?m:$)", ""]
REPEATS = [
    "",
    "",
    "",
    "",
    "",
    "+",
    "+",
    "*",
    "+",
    "?",
    "*?",
    "+?",
    "??",
    "{2}",
    "{1,2}",
    "{,2}",
    "{0}",
    "{2,}?",
    "*+",
    "{1,3}?",
]


def pattern(rng, depth=3):
    def piece():
        if depth and rng.random() < 0.35:
            opening = rng.choice(["(", "(", "(?:", "(?:", "(?i:", "(?>" if rng.random() < 0.1 else "("])
            return f"{opening}{pattern(rng, depth - 1)}){rng.choice(REPEATS)}"
        if rng.random() < 0.08:
            return rng.choice(LOOKS)
        return rng.choice(ATOMS) + rng.choice(REPEATS)

    found = "".join(piece() for _ in range(rng.randrange(1, 4)))
    return f"{found}|{pattern(rng, depth - 1)}" if depth and rng.random() < 0.25 else found


def regex(rng):
    """A pattern and what to search: both are often near each other."""
    written = pattern(rng)
    if rng.random() < 0.1:
        written = f"(?{rng.choice(['x', 'i', 's', 'm', 'a', 'xs'])}) {written}"
    if rng.random() < 0.05:
        written += rng.choice([r"\1", "(?#c)", "(?(1)a|b)", r"\N{DIGIT ONE}", r"\0", "(", "[", r"\p{Lu}"])
    text = "".join(rng.choices(LETTERS, k=rng.randrange(25)))
    return {"pattern": written, "text": text, "ignore_case": rng.random() < 0.2, "multi_line": rng.random() < 0.4}


FIELDS = ["", "", "a", "b c", "1", "2", "1.1", "1.10", "-0", "007", "12345678901234567890", "12345678901234567891", "1e3", "é", " 1", "+5", '"q"', '"a,b"', '"x\ny"', '"say ""hi"""', 'a"b', '"a"b', "1,000", "Total"]  # fmt: skip


def csv(rng):
    """A table, of few or many kinds of fields, with titles and rows that are too long or too short."""
    width, some = rng.randrange(1, 5), rng.sample(FIELDS, rng.randrange(1, 8))
    rows = [
        [rng.choice(some) for _ in range(width if rng.random() < 0.9 else rng.randrange(1, 6))] for _ in range(rng.randrange(8))
    ]
    if rng.random() < 0.5:
        rows.insert(0, [f"c{number}" for number in range(width)])
    rows = [["A title"]] * rng.choice([0, 0, 0, 1, 2]) + rows
    end = rng.choice(["\n", "\n", "\r\n", "\r"])
    text = end.join(",".join(row) for row in rows) + rng.choice(["", end])
    return {"text": text if rng.random() < 0.8 else mutated(rng, text, 1)}


VALUES = [
    "1", "-0", "0", "1e400", "-1e400", "1E5", "1.10", "12345678901234567890123", "-9223372036854775809", '"a"', '"\\ud800"', '"\\udc00\\ud800"', '"\\ud83d\\ude00"',
    '"\\u0061"', '"\\\\ud800"', '"\\"\\\\"', "true", "null", '"é"', "1e-400", "-0.0", "0.1e1", "9007199254740993", '"\\/"', "[]", "{}",
]  # fmt: skip
BROKEN = ["01", "1.", '"\\ud83"', "nul", "[", '"\\x"', "-", '"\t"', '"\\ud800\\u"', '"x', "\x0c1", "NaN", "{1:2}", "[1,]"]
NAMES = ["a", "b", "v", "\\u0061", "\\ud800", ""]


def value(rng, depth=2):
    form = rng.random()
    if depth and form < 0.15:
        return "[" + rng.choice([",", " ,", ", "]).join(value(rng, depth - 1) for _ in range(rng.randrange(4))) + "]"
    if depth and form < 0.3:
        return "{" + ",".join(f'"{rng.choice(NAMES)}": {value(rng, depth - 1)}' for _ in range(rng.randrange(4))) + "}"
    return rng.choice(VALUES) if form < 0.97 else rng.choice(BROKEN)


def json(rng):
    """Lines of JSON, behind one that says that they are lines."""
    kinds = rng.choice([VALUES, ["1", "-0", "12345678901234567890123", "-9223372036854775809", "7"]])
    one = (lambda: rng.choice(kinds)) if rng.random() < 0.3 else (lambda: value(rng))
    lines = [f'{{"v": {one()}}}' if rng.random() < 0.85 else value(rng) for _ in range(rng.randrange(6))]
    return {
        "text": "\n".join(['{"v": 1}', '{"v": 2}', *(line if rng.random() < 0.97 else mutated(rng, line, 1) for line in lines)])
    }


KINDS = {"regex": regex, "lines": regex, "csv": csv, "json": json}
