"""`rlm query`: one question, without a server."""

import argparse
import asyncio
import sys
from pathlib import Path

from orchestrator.app import Orchestrator
from orchestrator.cli.inputs import read_context, read_settings
from orchestrator.cli.progress import RunProgress
from orchestrator.cli.say import say
from orchestrator.config import Settings
from orchestrator.journal import history
from orchestrator.journal.history import RunResult
from orchestrator.runs.service import Query


def query(options: argparse.Namespace) -> int:
    """The answer on stdout, all else on stderr; status 1 where the model did not answer."""
    result = asyncio.run(_answer(read_settings(options.config), options.context, options.question))
    if result.answer is not None:
        print(result.answer)
    if not result.success:
        say(f"{result.stopped}: {result.error}" + (" (the answer above is partial)" if result.answer else ""))
    return 0 if result.success else 1


async def _answer(settings: Settings, path: Path, question: str) -> RunResult:
    progress = RunProgress(sys.stderr)
    async with Orchestrator(settings, say).open() as runs:
        run = runs.start(Query(question, read_context(path, runs.contexts)))
        try:
            async for event in run.follow():
                progress.show(event)
        finally:
            progress.close()
        return history.result(await run.wait())
