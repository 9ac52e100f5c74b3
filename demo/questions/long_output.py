"""A long answer, built in parts over several turns."""

import math
import re

from question import Question
from texts import reference

TEXT = (
    "Write a guide to this reference: all chapters in alphabetical order, each a section `## NAME (N words)` with its number "
    "of words and, below, for each 3,000 characters of the chapter a point that says what they are about."
)


def make() -> Question:
    chapters = reference()
    documents = [{"name": name, "text": text} for name, text in chapters.items()]
    truth = [[name, len(text.split()), math.ceil(len(text) / 3000)] for name, text in chapters.items()]
    return Question(__doc__, TEXT, {"documents": documents}, truth, said)


def said(answer: str) -> list[list[object]]:
    """[name, words, points] of each section."""
    sections = re.findall(r"^## (.+) \((\d+) words\)\n\n((?:- \w.{9}.*\n)+)", answer, re.MULTILINE)
    return [[name, int(words), points.count("\n")] for name, words, points in sections]
