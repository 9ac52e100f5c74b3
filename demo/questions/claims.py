"""Verification of claims, by an answer that is itself checked."""

import ast
import importlib
import inspect

from question import Question
from texts import as_one_text, standard_library

CLAIMS = (
    ("textwrap.wrap", "width", "70"),
    ("difflib.get_close_matches", "n", "5"),
    ("difflib.get_close_matches", "cutoff", "0.6"),
    ("shutil.copytree", "symlinks", "True"),
    ("glob.glob", "recursive", "False"),
    ("heapq.merge", "reverse", "True"),
    ("statistics.quantiles", "n", "4"),
    ("pprint.pprint", "width", "80"),
    ("os.makedirs", "exist_ok", "True"),
    ("random.choices", "k", "1"),  # these three are methods
    ("random.triangular", "high", "2.0"),
    ("random.gauss", "mu", "0.0"),
)
TEXT = "Which of these claims about Python's standard library are right and which are wrong?\n" + "\n".join(
    f"{number}. `{function}` takes {value} for `{parameter}` if nothing else is said."
    for number, (function, parameter, value) in enumerate(CLAIMS, 1)
)


def make() -> Question:
    truth = {str(number): "right" if holds(*claim) else "wrong" for number, claim in enumerate(CLAIMS, 1)}
    return Question(__doc__, TEXT, {"context": as_one_text(standard_library()), "verify": True}, truth)


def holds(function: str, parameter: str, value: str) -> bool:
    """As this Python itself says."""
    module, name = function.split(".")
    found = inspect.signature(getattr(importlib.import_module(module), name)).parameters[parameter].default
    return bool(found == ast.literal_eval(value))
