"""Verdicts of a sub-model, checked by code."""

import ast

from question import Question
from texts import as_one_text, standard_library

TEXT = "Where is `__import__` called? Answer with module:line."


def make() -> Question:
    files = standard_library()
    return Question(__doc__, TEXT, {"context": as_one_text(files)}, import_calls(files))


def import_calls(files: dict[str, str]) -> list[str]:
    calls = []
    for name, text in files.items():
        if "__import__" in text:
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "__import__":
                    calls.append((name, node.lineno))
    return [f"{name}:{line}" for name, line in sorted(calls)]
