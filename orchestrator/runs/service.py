"""Starts runs: each with its journal, each with its one line in the log."""

import uuid

from orchestrator import logs
from orchestrator.budget import Budget
from orchestrator.config import Settings
from orchestrator.contexts.store import ContextStore
from orchestrator.journal import history
from orchestrator.journal.events import RunFinished
from orchestrator.journal.journal import Journal, Listener
from orchestrator.journal.kept import Journals
from orchestrator.runs.run import Query, Run, Tools


class Runs:
    def __init__(self, settings: Settings, tools: Tools) -> None:
        self.settings = settings
        self.contexts = ContextStore()
        self._tools = tools
        self._journals = Journals()

    def journal(self, run_id: str) -> Journal:
        """Raises NotFound."""
        return self._journals.get(run_id)

    def summaries(self) -> list[history.RunSummary]:
        """Of all runs that are kept, the newest first."""
        return [history.summary(journal.events) for journal in self._journals.newest_first()]

    async def execute(self, query: Query, budget: Budget, listener: Listener | None = None) -> Journal:
        """A run from its beginning to its end. Raises NotScripted where it could not begin."""
        self._tools.pool.check(query.text)
        journal = self._journals.open(uuid.uuid4().hex, listener)
        try:
            await Run(self._tools, journal, query, budget).execute()
        finally:
            if isinstance(journal.events[-1], RunFinished):
                logs.run_finished(history.result(journal.events), query.context.id)
        return journal
