"""`rlm replay`: a run executed again from its journal, offline."""

import argparse
import asyncio

from orchestrator.cli.inputs import read_context, read_journal, read_json
from orchestrator.cli.say import say
from orchestrator.config import SandboxSettings
from orchestrator.contexts.store import ContextStore
from orchestrator.journal.events import run_started
from orchestrator.runs.replay import replay as execute_again
from orchestrator.sandbox.engine import Engine


def replay(options: argparse.Namespace) -> int:
    """Prints `identical`, or the first difference (status 1). Reads no configuration and calls no provider."""
    events = read_journal(options.journal)
    started = run_started(events)
    contexts = ContextStore()
    if started.context_kind in ("json", "messages"):
        context = contexts.add_json(started.context_kind, read_json(options.context))
    else:
        context = read_context(options.context, contexts)
    engine = Engine(SandboxSettings(), say, started.component_sha256)
    try:
        executed = asyncio.run(execute_again(events, context, engine))
    finally:
        engine.close()
    print("identical")
    say(f"{executed} cells were executed again")
    return 0
