"""Code and sub-calls over the standard library."""

import json
import re
from typing import Any

from question import Question
from texts import as_one_text, standard_library

TEXT = (
    "Which five modules open the most classes, counting the lines that begin, after indentation, with "
    "`class NAME`? Say also what each module is for."
)


def make() -> Question:
    files = standard_library()
    return Question(__doc__, TEXT, {"context": as_one_text(files)}, most_classes(files), said)


def most_classes(files: dict[str, str]) -> list[list[Any]]:
    opens = re.compile(r"[ \t]*class[ \t]+\w")
    counts = {name: sum(bool(opens.match(line)) for line in text.split("\n")) for name, text in files.items()}
    return [[name, counts[name]] for name in sorted(counts, key=lambda name: (-counts[name], name))[:5]]


def said(answer: str) -> list[list[Any]]:
    return [[each["module"], each["classes"]] for each in json.loads(answer)]
