"""`rlm query`: one question, without a server."""

import argparse
import asyncio
import sys
from pathlib import Path

from orchestrator.app import Service
from orchestrator.budget import Budget
from orchestrator.cli.inputs import read_context, read_settings
from orchestrator.cli.progress import RunProgress
from orchestrator.cli.say import say
from orchestrator.config import Settings
from orchestrator.journal import history
from orchestrator.journal.history import RunResult
from orchestrator.runs.run import Query


def query(options: argparse.Namespace) -> int:
    """The answer on stdout, all else on stderr; status 1 where the model did not answer."""
    result = asyncio.run(_answered(read_settings(options.config), options.context, options.question))
    if result.answer is not None:
        print(result.answer)
    if not result.success:
        say(f"{result.stopped}: {result.error}" + (" (the answer above is partial)" if result.answer else ""))
    return 0 if result.success else 1


async def _answered(settings: Settings, path: Path, question: str) -> RunResult:
    progress = RunProgress(sys.stderr)
    async with Service(settings, say).running() as runs:
        asked = Query(question, read_context(path, runs.contexts), settings.protocol)
        budget = Budget(settings.max_iterations, settings.max_sub_calls, settings.max_seconds, settings.max_fuel)
        try:
            return history.result((await runs.execute(asked, budget, progress)).events)
        finally:
            progress.close()
