"""The committed table: how many tests of each module pass, and why each of the others does not."""

import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from guests import Outcome

PATH = Path(__file__).parent / "cpython.toml"
UNEXPLAINED = "unexplained"

# Why a test differs, and what its failure says if that alone shows it.
REASONS = {
    "newer": ("asserts what was fixed or changed after 3.14.0, which the guest is", None),
    "files": (
        "needs files with descriptors, links or permissions",
        "FileNotFoundError|Bad file descriptor|unable to open database",
    ),
    "keyboard": ("needs somebody at the keyboard", "there is no keyboard input"),
    "sandbox": ("meets what the guest replaces on purpose", None),
    "chance": ("reads freed memory in 3.14.0, which goes well or not", None),
}


class Table(NamedTuple):
    """`version` of the tests; of each module how many [pass, are skipped]; of each difference {module: {test: reason}}."""

    version: str
    counts: Mapping[str, list[int]]
    differences: Mapping[str, Mapping[str, str]]


Results = Mapping[str, Mapping[str, Outcome]]


def read() -> Table:
    if not PATH.exists():
        return Table("", {}, {})
    found = tomllib.loads(PATH.read_text())
    return Table(found["version"], found["counts"], found["differences"])


def write(table: Table) -> None:
    lines = [
        "# Written by `make conformance WRITE=1`; the reasons are kept, and said in table.py.",
        f"version = {json.dumps(table.version)}",
    ]
    lines += ["", "# [pass, are skipped by CPython itself]", "[counts]"]
    lines += [f"{name} = {counts}" for name, counts in table.counts.items()]
    for name, tests in table.differences.items():
        lines += [
            "",
            f"[differences.{name}]",
            *(f"{json.dumps(test)} = {json.dumps(reason)}" for test, reason in tests.items()),
        ]
    PATH.write_text("\n".join(lines) + "\n")


def made_from(version: str, results: Results, known: Table) -> Table:
    """What is to be committed; a reason that is known stays."""
    counts = {**known.counts}
    differences = {name: tests for name, tests in known.differences.items() if name not in results}
    for name, outcomes in results.items():
        kinds = Counter(outcome.kind for outcome in outcomes.values())
        counts[name] = [kinds["ok"], kinds["skipped"]]
        before = known.differences.get(name, {})
        found = {test: before.get(test) or _reason(outcome) for test, outcome in differing(outcomes)}
        if found:
            differences[name] = found
    return Table(version, dict(sorted(counts.items())), dict(sorted(differences.items())))


def problems(results: Results, known: Table) -> Iterator[str]:
    """What the table does not say, a line each."""
    for name, outcomes in results.items():
        explained = {test: why for test, why in known.differences.get(name, {}).items() if why in REASONS}
        found = dict(differing(outcomes))
        for test in found.keys() - explained.keys():
            yield f"{name}: {test} differs and has no reason in the table: {found[test].kind}: {found[test].why[:300]}"
        for test in explained.keys() - found.keys() - {test for test, why in explained.items() if why == "chance"}:
            yield f"{name}: {test} is in the table ({explained[test]}) and does not differ"
        passed = sum(outcome.kind == "ok" for outcome in outcomes.values())
        if passed < (expected := known.counts.get(name, [0, 0])[0]):
            yield f"{name}: {passed} tests pass, {expected} did"


def differing(outcomes: Mapping[str, Outcome]) -> Iterator[tuple[str, Outcome]]:
    return ((test, outcome) for test, outcome in outcomes.items() if outcome.kind in ("failed", "stopped"))


def _reason(outcome: Outcome) -> str:
    matching = (name for name, (_, pattern) in REASONS.items() if pattern and re.search(pattern, outcome.why))
    return next(matching, UNEXPLAINED)
