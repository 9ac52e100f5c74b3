"""Starts runs: each with its journal, each with its one line in the log."""

import uuid

from orchestrator import history, logs
from orchestrator.budget import Budget
from orchestrator.contexts import Context
from orchestrator.events import RunFinished
from orchestrator.journal import Journal, Journals
from orchestrator.run import Run, Tools


class Runs:
    def __init__(self, tools: Tools, journals: Journals) -> None:
        self._tools = tools
        self._journals = journals

    async def execute(self, query: str, context: Context, budget: Budget) -> Journal:
        """A run from its beginning to its end. Raises NotScripted where it could not begin."""
        self._tools.pool.check(query)
        journal = self._journals.open(uuid.uuid4().hex)
        try:
            await Run(self._tools, journal, query, context, budget).execute()
        finally:
            if isinstance(journal.events[-1], RunFinished):
                logs.run_finished(history.result(journal.events), context.id)
        return journal
