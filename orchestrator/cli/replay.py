"""`rlm replay`: a run executed again from its journal, offline."""

import argparse
import asyncio
from collections.abc import Sequence
from pathlib import Path

from orchestrator.cli.command import add_journal, command_parser
from orchestrator.cli.inputs import read_inputs, read_json
from orchestrator.cli.journals import Origin, find_journal, read_journal, read_origin
from orchestrator.cli.say import say
from orchestrator.cli.settings import set_value
from orchestrator.config import DEFAULTS, ContextSettings, data_folder
from orchestrator.contexts.context import Context
from orchestrator.contexts.store import ContextStore
from orchestrator.errors import InvalidRequest, NotFound
from orchestrator.journal.events import RunStarted, run_started
from orchestrator.runs.replay import replay
from orchestrator.sandbox.engine import Engine


def main(arguments: Sequence[str]) -> int:
    """Prints `identical`, or the first difference (status 1). Reads no configuration and calls no provider."""
    parser = command_parser(
        "replay",
        "Execute a run again from its journal, offline, and compare everything with it. Prints `identical`, or the first "
        "difference (status 1). Needs no configuration and no model.",
    )
    add_journal(parser)
    parser.add_argument(
        "--context",
        action="append",
        default=[],
        metavar="FILE|FOLDER|-",
        help="what the run was about; may be left out if that is still kept, or its files are where they were",
    )
    parser.add_argument("--encoding", default="utf-8", metavar="NAME", help="of these files; default: utf-8")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a limit that the run may have had instead of the default, as sandbox.fuel=200000000000",
    )
    options = parser.parse_intermixed_args(arguments)
    allowed = DEFAULTS
    for assignment in options.set:
        allowed = set_value(allowed, assignment)
    path = find_journal(options.journal)
    events = read_journal(path)
    context = _kept(run_started(events).context_id) if not options.context else None
    context = context or _read_context(run_started(events), _origin(options, path))
    engine = Engine(allowed.sandbox, say, run_started(events).component_sha256)
    try:
        executed = asyncio.run(replay(events, context, engine, allowed))
    finally:
        engine.close()
    print("identical")
    say(f"{executed} cells were executed again")
    return 0


def _kept(identity: str) -> Context | None:
    """The context that was kept with the runs over it, if it still is."""
    try:
        return ContextStore(data_folder() / "contexts").get(identity)
    except NotFound:
        return None


def _origin(options: argparse.Namespace, journal: Path) -> Origin:
    """What the command line names, else what is kept with the journal. Raises InvalidRequest."""
    if options.context:
        return Origin(tuple(options.context), options.encoding, tuple(options.context))
    kept = read_origin(journal)
    if kept is None:
        raise InvalidRequest(f"{options.journal}: name what the run was about: --context FILE, or - for standard input")
    return kept


def _read_context(started: RunStarted, origin: Origin) -> Context:
    contexts = ContextStore(max_bytes=ContextSettings().context_bytes)
    if started.context_kind in ("json", "messages"):
        return contexts.add_json(started.context_kind, read_json(origin.inputs[0]))
    context = read_inputs(contexts, origin.inputs, origin.encoding, origin.names).context
    rows = context.documents(0, context.count)
    if context.id == started.context_id or all(name is None for name, _ in rows):
        return context
    # A run over HTTP may have had the same documents without names.
    return contexts.add_documents(context.read(number, 0, length) for number, (_, length) in enumerate(rows))
