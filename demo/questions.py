"""The questions of the demo, each with its input and the truth, which is computed here without the server."""

import ast
import csv
import io
import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import data


class Question(NamedTuple):
    """`body` is what is posted beside the query; `said` picks from the answer what is compared with the truth."""

    name: str
    shows: str
    text: str
    body: dict[str, Any]
    truth: Any
    said: Callable[[Any], Any] = lambda answer: answer


def all_questions(files: dict[str, str]) -> list[Question]:
    library = {"context": "".join(f"##### FILE: {name} #####\n{text}\n" for name, text in files.items())}
    incidents, reviews, log = data.incidents(), data.reviews(), data.log_lines()
    requests, sales = data.requests(), data.sales()
    return [
        Question(
            "most_classes",
            "code and sub-calls over the standard library",
            "Which five modules open the most classes, counting the lines that begin, after indentation, with "
            "`class NAME`? Say also what each module is for.",
            library,
            most_classes(files),
            lambda answer: [[each["module"], each["classes"]] for each in answer],
        ),
        Question(
            "import_calls",
            "verdicts of a sub-model, checked by code",
            "Where is `__import__` called? Answer with module:line.",
            library,
            import_calls(files),
        ),
        Question(
            "log_errors",
            "JSON commands over a log",
            "How many errors does the payment service have in this log?",
            {"context": "\n".join(log), "protocol": "json"},
            sum("ERROR service=payment" in line for line in log),
        ),
        Question(
            "incident_causes",
            "documents, read by sub-models",
            "Which cause do most of these incident reports have, and how many?",
            {"documents": [text for text, _ in incidents]},
            list(Counter(cause for _, cause in incidents).most_common(1)[0]),
        ),
        Question(
            "review_verdicts",
            "classification and aggregation over JSON",
            "How many reviews of each product are positive, and how many are negative?",
            {"context": [{"product": product, "review": review} for product, review, _ in reviews]},
            verdicts(reviews),
        ),
        Question(
            "slowest_endpoint",
            "a module, called from a cell, over JSON Lines",
            "Which endpoint is the slowest at the 95th percentile, of the requests that succeeded, and how many ms are that?",
            {"context": "\n".join(requests)},
            slowest_endpoint(requests),
        ),
        Question(
            "sales_by_city",
            "a module, called by a JSON command, over CSV",
            "How much was sold in each city, the most first?",
            {"context": sales, "protocol": "json"},
            sales_by_city(sales),
            lambda answer: [[each["city"], each["sold"]] for each in answer],
        ),
    ]


def write_context(body: dict[str, Any], path: Path) -> None:
    """The input of a question as `--context` takes it: a file, or a folder of documents."""
    if "documents" in body:
        path.mkdir()
        for number, text in enumerate(body["documents"]):
            (path / f"{number:04}").write_text(text, encoding="utf-8", newline="")
    else:
        text = body["context"] if isinstance(body["context"], str) else json.dumps(body["context"])
        path.write_text(text, encoding="utf-8", newline="")


def most_classes(files: dict[str, str]) -> list[list[Any]]:
    opens = re.compile(r"[ \t]*class[ \t]+\w")
    counts = {name: sum(bool(opens.match(line)) for line in text.split("\n")) for name, text in files.items()}
    return [[name, counts[name]] for name in sorted(counts, key=lambda name: (-counts[name], name))[:5]]


def import_calls(files: dict[str, str]) -> list[str]:
    calls = []
    for name, text in files.items():
        if "__import__" in text:
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "__import__":
                    calls.append((name, node.lineno))
    return [f"{name}:{line}" for name, line in sorted(calls)]


def verdicts(reviews: list[tuple[str, str, bool]]) -> dict[str, dict[str, int]]:
    counts = Counter((product, positive) for product, _, positive in reviews)
    products = sorted({product for product, _, _ in reviews})
    return {each: {"positive": counts[each, True], "negative": counts[each, False]} for each in products}


def slowest_endpoint(requests: list[str]) -> list[Any]:
    """[endpoint, the 95th percentile of its ms, interpolated linearly]"""
    times: dict[str, list[float]] = {}
    for row in map(json.loads, requests):
        if row["status"] == 200:
            times.setdefault(row["request"]["endpoint"], []).append(row["ms"])
    found = {}
    for endpoint, taken in times.items():
        place, rest = divmod(0.95 * (len(taken) - 1), 1)
        low, high = sorted(taken)[int(place) : int(place) + 2]
        found[endpoint] = round(low + (high - low) * rest, 3)
    slowest = max(found, key=lambda endpoint: found[endpoint])
    return [slowest, found[slowest]]


def sales_by_city(sales: str) -> list[list[Any]]:
    sold: Counter[str] = Counter()
    for row in csv.DictReader(io.StringIO(sales)):
        sold[row["city"]] += int(row["amount"])
    return [list(each) for each in sold.most_common()]
