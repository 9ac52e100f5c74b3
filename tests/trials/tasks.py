"""What a trial is: a question over an input, and what is a right answer to it."""

import json
import re
from collections.abc import Callable
from typing import Any, NamedTuple

_NO_ANSWER = re.compile(r"\b(not|no|nothing|nowhere|never|unknown|cannot|unanswerable)\b|n't\b", re.IGNORECASE)
_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?")


class Task(NamedTuple):
    """`is_right(answer)` holds for a right one; `solution` is Python for a cell that finds it, if code alone can."""

    kind: str
    question: str
    context: str | list[str]
    is_right: Callable[[str], bool]
    solution: str

    @property
    def size(self) -> int:
        """Characters."""
        return len(self.context) if isinstance(self.context, str) else sum(map(len, self.context))


def number(truth: float) -> Callable[[str], bool]:
    """The last number of the answer."""

    def is_right(answer: str) -> bool:
        found = _NUMBER.findall(answer)
        return bool(found) and abs(float(found[-1].replace(",", "")) - truth) < 0.005

    return is_right


def text(truth: str) -> Callable[[str], bool]:
    """It is in the answer, as a word."""
    return lambda answer: re.search(rf"(?<!\w){re.escape(truth)}(?!\w)", answer, re.IGNORECASE) is not None


def no_answer() -> Callable[[str], bool]:
    """The answer says that the input does not say it, and no more than a few sentences."""
    return lambda answer: _NO_ANSWER.search(answer) is not None and len(answer) < 1000


def value(truth: Any) -> Callable[[str], bool]:
    """The answer is that JSON value, perhaps in a fenced block."""

    def is_right(answer: str) -> bool:
        bare = answer.strip().removeprefix("```json").removeprefix("```").removesuffix("```")
        try:
            return bool(json.loads(bare) == truth)
        except ValueError:
            return False

    return is_right
