"""The harness of `make conformance`: what becomes of a test, and what the committed table lets pass."""

import pytest
import table
from cpython import outcomes_of, unexpected
from guests import Outcome, context_of
from table import Table

TESTS = """
import tempfile, unittest
from test import support

def setUpModule():
    global kept
    kept = tempfile.mkdtemp()
    with open(f"{kept}/file", "w") as file: file.write("é")

class Cases(unittest.TestCase):
    def test_fine(self): pass
    def test_file(self):
        with open(f"{kept}/file", encoding="utf-8") as file: self.assertEqual(file.read(), "é")
    def test_own_file(self): self.assertIn("class Cases", open(__file__).read())
    def test_skipped(self): self.skipTest("no reason")
    def test_failed(self): self.assertEqual(1, 2)
    def test_part(self):
        for number in range(2):
            with self.subTest(number): self.assertEqual(number, 0)
    def test_missing(self): import ssl
    def test_stopped(self):
        import os
        os.abort()
    def test_state(self):
        import builtins
        self.assertFalse(hasattr(builtins, "leaked"))
        builtins.leaked = 1
    test_state_again = test_state
"""
RESULTS = {"test_a": {"A.one": Outcome("ok", ""), "A.two": Outcome("failed", "why")}}


@pytest.fixture(scope="module")
def outcomes(engine, tmp_path_factory):
    folder = tmp_path_factory.mktemp("test")
    (folder / "support").mkdir()
    for name, text in {"__init__.py": "", "support/__init__.py": "", "test_cases.py": TESTS}.items():
        (folder / name).write_text(text)
    return engine.enter(lambda: outcomes_of(engine, context_of(folder), "test_cases")).result()


@pytest.mark.parametrize(
    ("test", "kind", "why"),
    [
        ("fine", "ok", ""),
        ("file", "ok", ""),
        ("own_file", "ok", ""),
        ("skipped", "skipped", "no reason"),
        ("failed", "failed", "AssertionError: 1 != 2"),
        ("part", "failed", "AssertionError: 1 != 0"),
        ("missing", "failed", "ModuleNotFoundError: No module named 'ssl'"),
        ("stopped", "stopped", "aborted"),
        ("state", "ok", ""),
        ("state_again", "ok", ""),
    ],
)
def test_a_test_in_a_guest(outcomes, test, kind, why):
    """Its own files are there, it can keep others, it leaves nothing behind, and no end of the guest ends the run."""
    assert outcomes[f"Cases.test_{test}"][:2] == (kind, why)


def test_what_was_asked_for_in_vain_is_noted(outcomes):
    """absent.py says so of ssl."""
    assert (outcomes["Cases.test_missing"].unfound, unexpected({"test_cases": outcomes})) == (("ssl",), [])


def test_a_module_that_cannot_be_loaded_is_a_difference(engine, tmp_path):
    """It has no test that could pass."""
    outcomes = engine.enter(lambda: outcomes_of(engine, context_of(tmp_path), "test_nothing")).result()
    assert [outcome.kind for outcome in outcomes.values()] == ["failed"]


@pytest.mark.parametrize(
    ("counts", "differences", "problems"),
    [
        ([1, 0], {"A.two": "newer"}, []),
        ([1, 0], {}, ["test_a: A.two differs and has no reason in the table: failed: why"]),
        ([1, 0], {"A.two": "unexplained"}, ["test_a: A.two differs and has no reason in the table: failed: why"]),
        ([1, 0], {"A.two": "newer", "A.one": "files"}, ["test_a: A.one is in the table (files) and does not differ"]),
        ([2, 0], {"A.two": "newer"}, ["test_a: 1 tests pass, 2 did"]),
    ],
)
def test_what_the_table_does_not_say_is_a_problem(counts, differences, problems):
    """A new difference, one that is gone, and tests that are gone."""
    assert list(table.problems(RESULTS, Table("1", {"test_a": counts}, {"test_a": differences}))) == problems


def test_a_reason_is_kept_or_seen(tmp_path, monkeypatch):
    """What is written again keeps what was said; a failure that says itself what it needs has its reason."""
    monkeypatch.setattr(table, "PATH", tmp_path / "table.toml")
    results = {
        "test_a": RESULTS["test_a"] | {"A.three": Outcome("failed", "FileNotFoundError: x"), "A.four": Outcome("failed", "?")}
    }
    table.write(
        table.made_from("2", results, Table("1", {"test_b": [5, 0]}, {"test_a": {"A.two": "newer"}, "test_b": {"B": "files"}}))
    )
    assert table.read() == Table(
        "2",
        {"test_b": [5, 0], "test_a": [1, 0]},
        {"test_a": {"A.two": "newer", "A.three": "files", "A.four": "unexplained"}, "test_b": {"B": "files"}},
    )


def test_every_difference_in_the_committed_table_has_a_reason():
    """One of table.py."""
    reasons = {reason for tests in table.read().differences.values() for reason in tests.values()}
    assert reasons == table.REASONS.keys()
