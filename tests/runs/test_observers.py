"""Who sees the events of runs does not disturb them."""

from orchestrator.journal.events import RunFinished
from orchestrator.journal.journal import Journal
from orchestrator.runs.observers import Observers

EVENT = RunFinished(stopped="answered", error=None)


def test_an_observer_sees_what_is_in_the_journal():
    """Each event as it was written, with its time."""
    seen = []
    observers = Observers()
    observers.add(lambda: seen.append)
    journal = Journal("r", observers.of_run())
    journal.write(EVENT)
    assert seen == journal.events


def test_each_run_has_an_observer_of_its_own():
    """What one has to remember ends with its run."""
    runs = []

    def begin():
        runs.append([])
        return runs[-1].append

    observers = Observers()
    observers.add(begin)
    first, second = observers.of_run(), observers.of_run()
    first(EVENT)
    second(EVENT)
    second(EVENT)
    assert [len(events) for events in runs] == [1, 2]


def test_an_observer_that_fails_sees_no_more_of_that_run(capsys):
    """The others see everything; the failure is one line of the log, by its type and place."""
    tried, seen = [], []

    def failing(event):
        tried.append(event)
        raise ValueError("secret")

    observers = Observers()
    observers.add(lambda: failing)
    observers.add(lambda: seen.append)
    observe = observers.of_run()
    observe(EVENT)
    observe(EVENT)
    [line] = capsys.readouterr().out.splitlines()
    assert (len(tried), len(seen)) == (1, 2)
    assert "an observer of runs" in line
    assert "ValueError" in line
    assert "secret" not in line
