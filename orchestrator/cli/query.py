"""`rlm query`: one question, without a server."""

import argparse
import asyncio
import contextlib
import functools
import logging
import os
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from orchestrator import logs
from orchestrator.cli.command import add_config, command_parser
from orchestrator.cli.dry_run import preview
from orchestrator.cli.inputs import read_inputs, read_json
from orchestrator.cli.journals import JournalFile, create_journal, keep_journal, origin_of
from orchestrator.cli.progress import RunProgress
from orchestrator.cli.say import say, write
from orchestrator.cli.settings import choose_models, set_value, tell_defaults
from orchestrator.config import Settings, StoreSettings
from orchestrator.contexts.context import Context
from orchestrator.contexts.store import ContextStore
from orchestrator.errors import InvalidRequest
from orchestrator.journal import results
from orchestrator.journal.results import RunResult
from orchestrator.opening import Orchestrator, open_contexts
from orchestrator.runs.beginning import Beginning
from orchestrator.runs.handles import RunHandle
from orchestrator.runs.owned import OwnedRuns
from orchestrator.runs.query import Query, WantedLimits
from orchestrator.runs.service import RunService
from orchestrator.store.database import sqlite_url

INTERRUPTED = 128 + signal.SIGINT
SHORT = 8  # characters of a run id, which tell it from others


def main(arguments: Sequence[str]) -> int:
    """The answer on stdout, all else on stderr; status 1 if the model did not answer."""
    options = _parser().parse_intermixed_args(arguments)
    logs.configure(logging.INFO if options.verbose else logging.CRITICAL)
    names = _names(options)
    if options.detach and (options.model or options.root_model or options.sub_model or options.set):
        raise InvalidRequest("--detach: the server asks its own models, within its own limits: leave out --model and --set")
    settings = choose_models(options.config, options.model, options.root_model, options.sub_model)
    for assignment in options.set:
        settings = set_value(settings, assignment)
    contexts = _open_contexts(options, settings)
    if options.after and (names or options.dry_run):
        raise InvalidRequest("--after: a next question has the input of the run before; leave out FILE and --dry-run")
    added = None if options.after else read_inputs(contexts, names, options.encoding)
    if options.model is None and options.root_model is None:
        tell_defaults(options.config)
    for note in added.notes if added else ():
        say(note)
    context = added.context if added else None
    if options.dry_run and context:
        with tempfile.TemporaryDirectory() as folder:
            nowhere = StoreSettings(url=sqlite_url(Path(folder) / "runs.db"))
            settings = msgspec.structs.replace(settings, store=nowhere)
            write(asyncio.run(_preview(Orchestrator(settings, say, contexts=contexts), _query(options, context))))
        return 0
    if options.detach:
        write(f"{asyncio.run(_leave(Orchestrator(settings, say, contexts=contexts), options, context))}\n")
        say("a server that uses this store begins the run, now or when it is started (rlm serve): GET /runs/ID shows it")
        return 0
    with RunProgress(sys.stderr, verbose=options.verbose) as progress:
        orchestrator = Orchestrator(settings, progress.say, contexts=contexts)
        result, seen_again = asyncio.run(_ask(orchestrator, options, context, progress))
    return _report(result, seen_again, as_json=options.json)


def _parser() -> argparse.ArgumentParser:
    parser = command_parser(
        "query",
        "Answer one question about files, without a server: the answer on stdout, all else on stderr. Status 0: answered; "
        "1: the model did not answer (a partial answer is printed); 2: a mistake; 130: Ctrl-C.",
    )
    parser.add_argument("question", metavar="QUESTION")
    parser.add_argument(
        "inputs",
        nargs="*",
        metavar="FILE|FOLDER|-",
        help="what it is about: one file is a text; of a folder, a zip archive, or several, each file is a document with its "
        "name; gzip files are unpacked; hidden files and those that are no text are left out of a folder; - is standard input",
    )
    parser.add_argument("--context", action="append", default=[], metavar="FILE|FOLDER|-", help="the same, named by an option")
    parser.add_argument("--encoding", default="utf-8", metavar="NAME", help="of the files; default: utf-8")
    add_config(parser)
    models = parser.add_argument_group("models")
    models.add_argument(
        "--model",
        metavar="PROVIDER/MODEL",
        help="ollama/qwen3:32b, deepseek/deepseek-flash, openai/NAME (at OPENAI_BASE_URL, if that is set), or of any other "
        "provider_type; needs no configuration",
    )
    models.add_argument(
        "--root-model", metavar="PROVIDER/MODEL|NAME", help="the root model alone; NAME: the alias or model of a configured one"
    )
    models.add_argument("--sub-model", metavar="PROVIDER/MODEL|NAME", help="for sub-calls; default: that of --model")
    models.add_argument(
        "--protocol", choices=("python", "json"), help="what the model is taught to write: Python or JSON commands"
    )
    models.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a limit of the configuration, as max_iterations=5 or sandbox.seconds=10; may be given several times",
    )
    models.add_argument("--no-cache", action="store_true", help="make every sub-call anew, and keep none of the replies")
    parser.add_argument("--direct", action="store_true", help="one call with the whole input, if it fits the model's window")
    parser.add_argument("--verify", action="store_true", help="ask a sub-model about the answer before it stands")
    parser.add_argument(
        "--answer-schema",
        type=Path,
        metavar="FILE",
        help="a JSON Schema that the answer, JSON then, has to fit",
    )
    parser.add_argument(
        "--after", metavar="RUN", help="a next question over the input and the variables of that run (how its id begins)"
    )
    parser.add_argument(
        "--detach",
        action="store_true",
        help="do not wait: the run is left to the server with this configuration and its models; prints the run's id",
    )
    shown = parser.add_argument_group("what is shown and kept")
    shown.add_argument("--dry-run", action="store_true", help="show what would be sent, its size and the budget; send nothing")
    shown.add_argument("--json", action="store_true", help="the whole result as JSON on stdout")
    shown.add_argument("--verbose", action="store_true", help="show code, output and sub-calls as they come, and the log")
    shown.add_argument(
        "--journal",
        type=Path,
        metavar="FILE",
        help="write the journal there; default: in ~/.local/share/rlm/journals, where those of the last runs are kept",
    )
    return parser


def _names(options: argparse.Namespace) -> list[str]:
    """Of the inputs. Raises InvalidRequest."""
    names: list[str] = options.inputs + options.context
    if names and os.path.exists(options.question) and not any(os.path.exists(each) for each in names):
        raise InvalidRequest(f"{names[0]}: there is no such file or folder; the question comes first: rlm query QUESTION FILE")
    return names


def _open_contexts(options: argparse.Namespace, settings: Settings) -> ContextStore:
    """What is only looked at is not kept."""
    kept = settings.contexts
    return ContextStore(max_bytes=kept.context_bytes) if options.dry_run else open_contexts(kept)


async def _preview(orchestrator: Orchestrator, query: Query) -> str:
    async with orchestrator.open() as runs:
        return preview(runs.preview(query), query.context, orchestrator.settings)


def _query(options: argparse.Namespace, context: Context) -> Query:
    return Query(
        options.question,
        context,
        options.protocol,
        cache=not options.no_cache,
        answer_schema=read_json(str(options.answer_schema)) if options.answer_schema else None,
        route="direct" if options.direct else "rlm",
        verify=options.verify,
    )


async def _prepare(runs: RunService, options: argparse.Namespace, context: Context | None) -> Beginning:
    """Of a run over that context, or after the one that is named."""
    if context is not None:
        return runs.beginnings.first(_query(options, context), WantedLimits())
    owned = OwnedRuns(runs, "")
    before = await owned.find(options.after)
    return await owned.after(before, functools.partial(_query, options), WantedLimits())


async def _leave(orchestrator: Orchestrator, options: argparse.Namespace, context: Context | None) -> str:
    async with orchestrator.open() as runs:
        return await runs.leave_for_server(await _prepare(runs, options, context))


async def _ask(
    orchestrator: Orchestrator, options: argparse.Namespace, context: Context | None, progress: RunProgress
) -> tuple[RunResult, str]:
    """The result, and how to see the run again."""
    async with orchestrator.open() as runs:
        run = runs.begin(await _prepare(runs, options, context), detached=False)
        with _interruptible(run), contextlib.closing(_journal(run.run_id, options)) as journal:
            async for event in run.follow():
                journal.write(event)
                progress.show(event)
            again = _seen_again(run.run_id, options.journal) if journal.is_whole else "its journal is not kept"
        return results.result(await run.wait()), again


def _journal(run_id: str, options: argparse.Namespace) -> JournalFile:
    if options.journal:
        return create_journal(options.journal)
    return keep_journal(run_id, origin_of(options.inputs + options.context, options.encoding))


def _seen_again(run_id: str, file: Path | None) -> str:
    name = file or run_id[:SHORT]
    return f"`rlm export {name} --commands` shows it, `rlm replay {name}` executes it again"


@contextlib.contextmanager
def _interruptible(run: RunHandle) -> Iterator[None]:
    """Ctrl-C cancels the run, which then says what it has; a second one ends everything."""
    loop = asyncio.get_running_loop()

    def interrupt() -> None:
        loop.remove_signal_handler(signal.SIGINT)
        run.cancel()

    if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
        loop.add_signal_handler(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGINT)


def _report(result: RunResult, seen_again: str, *, as_json: bool) -> int:
    """Prints the result; returns the exit status."""
    if as_json:
        write(f"{msgspec.json.encode(result).decode()}\n")
    elif result.answer is not None:
        write(f"{result.answer if isinstance(result.answer, str) else msgspec.json.encode(result.answer).decode()}\n")
    if result.iterations:  # else there is nothing to see
        _summarize(result, seen_again)
    if result.success:
        return 0
    interrupted = result.stopped == "cancelled"
    why = "interrupted" if interrupted else f"{result.stopped}: {result.error}"
    say(why + (" (the answer above is partial)" if result.answer is not None else ""))
    return INTERRUPTED if interrupted else 1


def _summarize(result: RunResult, seen_again: str) -> None:
    usage = result.usage
    hits = f" ({usage.cache_hits} from the cache)" if usage.cache_hits else ""
    cost = f", {_dollars(usage.cost)}" if usage.cost is not None else ""
    say(
        f"turns: {result.iterations}, sub-calls: {result.sub_calls}{hits}, tokens: {usage.prompt_tokens} read and "
        f"{usage.completion_tokens} written{cost}, {result.duration_ms / 1000:.1f} s"
    )
    say(f"run {result.run_id[:SHORT]}: {seen_again}")


def _dollars(cost: float) -> str:
    return "under $0.0001" if 0 < cost < 0.0001 else f"${cost:.4f}"
