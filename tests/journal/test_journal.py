"""Journals: the events of a run, the last runs."""

import pytest

from orchestrator.errors import NotFound
from orchestrator.journal.events import Answer
from orchestrator.journal.journal import Journal
from orchestrator.journal.kept import KEPT_RUNS, Journals


def test_events_are_stamped_in_order():
    """Seconds since the run started, never going back."""
    journal = Journal("r")
    journal.write(Answer(text="a", partial=False))
    journal.write(Answer(text="b", partial=False))
    first, second = journal.events
    assert 0 <= first.at <= second.at < 1


def test_the_last_runs_are_kept():
    """The oldest leaves first; a run that is not there is named."""
    journals = Journals()
    for number in range(KEPT_RUNS + 1):
        journals.open(f"run{number}")
    assert journals.get(f"run{KEPT_RUNS}").run_id == f"run{KEPT_RUNS}"
    with pytest.raises(NotFound) as error:
        journals.get("run0")
    assert str(error.value) == "there is no run 'run0'; the last 200 are kept"
