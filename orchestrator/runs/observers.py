"""Who sees the events of live runs as they are written: metrics and traces. A run knows nothing of them."""

from collections.abc import Callable

from orchestrator import logs
from orchestrator.journal.events import AnyEvent
from orchestrator.journal.journal import Observer


class Observers:
    """Those of all runs of a server."""

    def __init__(self) -> None:
        self._begin: list[Callable[[], Observer]] = []

    def add(self, begin: Callable[[], Observer]) -> None:
        """`begin` is called once for each run, for the observer of its events."""
        self._begin.append(begin)

    def of_run(self) -> Observer:
        """All of them, for one run. One that raises is told in the log, and sees no more of that run: the run goes on."""
        observers = [begin() for begin in self._begin]

        def observe(event: AnyEvent) -> None:
            for each in tuple(observers):
                try:
                    each(event)
                except Exception as error:  # noqa: BLE001  (whatever it is, a run must not end by being observed)
                    logs.internal_error("an observer of runs", error)
                    observers.remove(each)

        return observe
