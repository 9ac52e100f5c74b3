"""A journal outlives the program that wrote it: what every later version must read."""

from pathlib import Path

import msgspec
import pytest
from write_journals import printed

from orchestrator.errors import JournalError
from orchestrator.journal.export import script
from orchestrator.journal.history import detail
from orchestrator.journal.lines import READ, from_lines, to_lines

CASES = Path(__file__).parents[1] / "cases" / "journals"
KEPT = sorted(CASES.glob("format*.jsonl"))


def read(path):
    return from_lines(path.read_bytes().splitlines(keepends=True))


def test_there_are_journals_to_read():
    """A run of cells, one of commands, a partial one, of each format."""
    names = {path.stem for path in KEPT}
    assert names == {f"format{number}_{run}" for number in READ for run in ("cells", "commands", "partial")}


def holds(now, then):
    """Whether all that was there is there as it was; there may be more by now."""
    if isinstance(then, dict):
        return all(name in now and holds(now[name], value) for name, value in then.items())
    if isinstance(then, list):
        return len(now) == len(then) and all(map(holds, now, then))
    return now == then


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_a_journal_of_any_format_has_its_history(path):
    """The result and every turn."""
    now = msgspec.json.decode(msgspec.json.encode(detail(read(path))))
    assert holds(now, msgspec.json.decode(path.with_suffix(".json").read_bytes()))


@pytest.mark.parametrize("path", sorted(CASES.glob("format*.out")), ids=lambda path: path.stem)
def test_a_journal_of_any_format_is_exported(path):
    """Its script prints what it printed."""
    assert printed(script(read(path.with_suffix(".jsonl")))) == path.read_text()


def test_a_journal_without_a_format_is_refused_with_the_reason():
    """Development versions wrote such ones."""
    with pytest.raises(JournalError) as error:
        read(CASES / "before_formats.jsonl")
    assert str(error.value) == (
        "line 1: the journal has no format number: a development version before 0.1.0 wrote it; this version reads formats 1 and 2"
    )


def test_a_journal_of_a_later_format_is_refused_with_its_number():
    """It may mean what this version does not know."""
    first, *rest = read(KEPT[0])
    with pytest.raises(JournalError) as error:
        from_lines(to_lines([msgspec.structs.replace(first, format=99), *rest]))
    assert str(error.value) == (
        "line 1: the journal is of format 99: another version of this program wrote it; this version reads formats 1 and 2"
    )
