"""`make conformance`: CPython's own tests in the guest, against the committed table. A new difference fails.

Each test runs in a fork of a guest that has loaded its module, within the default limits of a cell.
"""

import argparse
import os
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import table
from guests import Module, Outcome, context_of
from rlm_guest import absent

from orchestrator.config import SandboxSettings
from orchestrator.contexts.context import Context
from orchestrator.sandbox.engine import Engine

# What analysis uses: the goal of 99 % is over these.
ANALYSIS = """
    test_ast test_base64 test_bisect test_collections test_csv test_dataclasses test_datetime test_decimal test_defaultdict
    test_deque test_dict test_difflib test_enum test_fractions test_functools test_gzip test_hashlib test_heapq test_html
    test_htmlparser test_itertools test_json test_list test_math test_ordered_dict test_random test_re test_set test_sqlite3
    test_statistics test_str test_string test_struct test_textwrap test_unicodedata test_urlparse test_xml_etree
    test_xml_etree_c test_zlib test_zoneinfo
""".split()
OTHERS = """
    test_bool test_calendar test_cmath test_codecs test_colorsys test_complex test_copy test_enumerate test_fnmatch test_format
    test_generators test_graphlib test_hmac test_ipaddress test_locale test_long test_operator test_patma test_pprint test_secrets
    test_shlex test_slice test_sort test_strftime test_strptime test_time test_tuple test_userdict test_userlist test_weakref
""".split()

PREFACE = """# Conformance

Written by `make conformance WRITE=1`. CPython's own tests (of {version}) run in the guest, each in a fork of its own, within the
default limits of a cell. What a test does not find in a guest, files.py and inside.py stand in for: its own files, and files in a
dict. `cpython.toml` has each test that differs, with its reason; `make conformance` fails at any other. A test is

- skipped if CPython itself skips it here: it needs processes, threads, sockets, parts in C that are not built in, a 64-bit Python,
  much memory or long time"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tests", type=Path, help="the folder `test` of CPython's library")
    parser.add_argument("--version", default="", help="of the tests")
    parser.add_argument("--write", action="store_true", help="write the table")
    parser.add_argument("--only", nargs="+", help="these modules")
    arguments = parser.parse_args()
    if not (arguments.tests / "support").is_dir():
        sys.exit(f"{arguments.tests} is not the folder `test` of a CPython's library: it has no `support`")
    known = table.read()
    results = run(arguments.tests, arguments.only or ANALYSIS + OTHERS)
    version = arguments.version or known.version
    if arguments.write:
        table.write(table.made_from(version, results, known))
        known = table.read()
        if not arguments.only:
            (Path(__file__).parent / "README.md").write_text(report(version, results, known))
    print(summary(results, known))
    found = [*table.problems(results, known), *unexpected(results)]
    if version != known.version and found:
        found.append(f"the table is of the tests of {known.version}, these are of {version}")
    sys.exit("\n".join(found) or None)


def run(tests: Path, names: list[str]) -> table.Results:
    # The default limits; seconds would depend on the machine.
    engine = Engine(SandboxSettings(seconds=3600, output_chars=10_000_000), print)
    context = context_of(tests)
    with ThreadPoolExecutor(os.cpu_count()) as together:
        outcomes = together.map(lambda name: engine.enter(lambda: outcomes_of(engine, context, name)).result(), names)
        results = dict(zip(names, outcomes, strict=True))
    engine.close()
    return results


def outcomes_of(engine: Engine, context: Context, name: str) -> dict[str, Outcome]:
    started = time.monotonic()
    try:
        module = Module(engine, context, name)
    except RuntimeError as error:
        return {"(loading)": Outcome("failed", str(error))}
    outcomes: dict[str, Outcome] = {}
    for number, test in enumerate(module.tests):
        outcomes[test if test not in outcomes else f"{test} ({number})"] = module.run(number)
    print(f"{name}: {len(outcomes)} tests in {time.monotonic() - started:.0f} s", flush=True)
    return outcomes


def unexpected(results: table.Results) -> list[str]:
    """Modules of the standard library that a test asked for in vain, and that a cell would not be told about."""
    asked = {name for outcomes in results.values() for outcome in outcomes.values() for name in outcome.unfound}
    public = {name for name in asked & sys.stdlib_module_names if not name.startswith("_")}
    return [
        f"{name} was asked for, is not there, and absent.py does not say so" for name in sorted(public - absent.MODULES.keys())
    ]


def summary(results: table.Results, known: table.Table) -> str:
    """A table, and the share that passes of what can."""
    rows = ["| module | pass | skipped by CPython | differ |", "| --- | --- | --- | --- |"]
    judged = Counter()
    for name, outcomes in results.items():
        kinds = Counter(outcome.kind for outcome in outcomes.values())
        why = Counter(known.differences.get(name, {}).get(test, table.UNEXPLAINED) for test, _ in table.differing(outcomes))
        rows.append(
            f"| {name} | {kinds['ok']} | {kinds['skipped']} | {', '.join(f'{n} {reason}' for reason, n in why.most_common())} |"
        )
        if name in ANALYSIS:
            judged.update(ok=kinds["ok"], **why)
    return "\n".join([*rows, "", share(judged)])


def share(judged: Counter[str]) -> str:
    able = judged.total() - judged["files"] - judged["keyboard"]
    passed = judged["ok"]
    return (
        f"Of what analysis uses {passed:,} tests of {able:,} pass ({passed / able:.2%}), those aside that need files or a keyboard; "
        f"of those that 3.14.0 itself can pass {passed / (able - judged['newer']):.2%}."
    )


def report(version: str, results: table.Results, known: table.Table) -> str:
    reasons = [f"- {name}: {why}" for name, (why, _) in table.REASONS.items()]
    return "\n".join([PREFACE.format(version=version), *reasons, "", summary(results, known), ""])


if __name__ == "__main__":
    main()
