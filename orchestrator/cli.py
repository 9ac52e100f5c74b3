"""The `rlm` command. Exit status 2 for a mistake of the operator's, in one line."""

import argparse
import asyncio
import json
import os
import resource
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import uvicorn
from litestar import Litestar

from orchestrator import __version__, config, history, logs
from orchestrator.app import Service, create_app
from orchestrator.budget import Budget
from orchestrator.config import Settings
from orchestrator.contexts import Context, ContextStore
from orchestrator.errors import ConfigError, InvalidRequest, JournalError, RequestError, SandboxError
from orchestrator.events import AnyEvent, run_started
from orchestrator.export import script
from orchestrator.history import RunResult
from orchestrator.journal import from_lines
from orchestrator.progress import RunProgress
from orchestrator.replay import replay
from orchestrator.run import Query
from orchestrator.sandbox.engine import Engine

GRACE_SECONDS = 5  # for runs that are under way when the server is told to stop; then they are cancelled


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="rlm", description="Questions over inputs far larger than any model's window.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="start the HTTP server")
    serve.add_argument("--config", type=Path, default=Path("config.toml"), help="default: config.toml")
    serve.add_argument("--port", type=int, help="default: server.port of the configuration")
    query = commands.add_parser("query", help="answer one question, without a server")
    query.add_argument("--config", type=Path, default=Path("config.toml"), help="default: config.toml")
    query.add_argument("--context", type=Path, required=True, metavar="FILE|FOLDER", help="a folder: its files are documents")
    query.add_argument("question")
    build = commands.add_parser("build-guest", help="build and compile the Python guest, which the first start does too")
    build.add_argument("--config", type=Path, default=Path("config.toml"), help="default: config.toml")
    again = commands.add_parser("replay", help="execute a run again from its journal, offline")
    again.add_argument("journal", type=Path, help="GET /runs/RUN/journal, in a file")
    again.add_argument("--context", type=Path, required=True, metavar="FILE|FOLDER", help="what the run was over")
    export = commands.add_parser("export", help="write a run as something that a person can read")
    export.add_argument("journal", type=Path, help="GET /runs/RUN/journal, in a file")
    export.add_argument("--script", action="store_true", required=True, help="as one Python script, on stdout")
    options = parser.parse_args(arguments)
    logs.configure()
    # Every image of a guest is an open file; the usual soft limit of 1024 is for programs that use select.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    try:
        return COMMANDS[options.command](options)
    except JournalError as error:
        print(error)
        return 1
    except (ConfigError, SandboxError, RequestError) as error:
        print(f"rlm: {error}", file=sys.stderr)
        return 2


def _serve(options: argparse.Namespace) -> int:
    settings = config.load(options.config)
    port = settings.server.port if options.port is None else options.port
    if not 0 <= port <= 65535:
        raise ConfigError(f"--port: {port} is not a port (0 to 65535)")
    with _listening(settings.server.host, port) as listener:
        server = uvicorn.Server(_uvicorn(create_app(Service(settings, _say))))
        _say(f"listening on http://{settings.server.host}:{listener.getsockname()[1]}")
        server.run(sockets=[listener])
    return 0


def _uvicorn(app: Litestar) -> uvicorn.Config:
    return uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=GRACE_SECONDS)


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        # The message of any other error repeats the address.
        reason = error.strerror if isinstance(error, socket.gaierror) else os.strerror(error.errno or 0)
        raise ConfigError(f"server.host, server.port: cannot listen on {host}:{port}: {reason}") from None
    # asyncio does this only for sockets whose protocol is named; without it every response waits 40 ms for an ACK.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _query(options: argparse.Namespace) -> int:
    """The answer on stdout, all else on stderr; status 1 where the model did not answer."""
    result = asyncio.run(_answered(config.load(options.config), options.context, options.question))
    if result.answer is not None:
        print(result.answer)
    if not result.success:
        _say(f"{result.stopped}: {result.error}" + (" (the answer above is partial)" if result.answer else ""))
    return 0 if result.success else 1


async def _answered(settings: Settings, path: Path, question: str) -> RunResult:
    progress = RunProgress(sys.stderr)
    async with Service(settings, _say).running() as runs:
        query = Query(question, _context(path, runs.contexts), settings.protocol)
        budget = Budget(settings.max_iterations, settings.max_sub_calls, settings.max_seconds, settings.max_fuel)
        try:
            return history.result((await runs.execute(query, budget, progress)).events)
        finally:
            progress.close()


def _journaled(path: Path) -> list[AnyEvent]:
    try:
        return from_lines(path.read_bytes().splitlines(keepends=True))
    except OSError as error:
        raise InvalidRequest(f"{path}: {error.strerror}") from None


def _export(options: argparse.Namespace) -> int:
    print(script(_journaled(options.journal)), end="")
    return 0


def _replay(options: argparse.Namespace) -> int:
    """Prints `identical`, or the first difference (status 1). Reads no configuration and calls no provider."""
    events = _journaled(options.journal)
    started = run_started(events)
    contexts = ContextStore()
    if started.context_kind in ("json", "messages"):
        context = contexts.add_json(started.context_kind, _json(options.context))
    else:
        context = _context(options.context, contexts)
    # On a slower machine the wall clock must not stop what it did not stop then.
    unhurried = msgspec.structs.replace(started.sandbox, seconds=float("inf"))
    engine = Engine(unhurried, _say, started.component_sha256)
    try:
        executed = asyncio.run(replay(events, context, engine))
    finally:
        engine.close()
    print("identical")
    _say(f"{executed} cells were executed again")
    return 0


def _json(path: Path) -> Any:
    try:
        return json.loads(_text(path))
    except ValueError as error:
        raise InvalidRequest(f"--context: {path}: not valid JSON: {error}") from None


def _context(path: Path, contexts: ContextStore) -> Context:
    if path.is_dir():
        files = sorted(each for each in path.rglob("*") if each.is_file())
        return contexts.add("documents", tuple(_text(each) for each in files))
    return contexts.add("text", (_text(path),))


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode()
    except OSError as error:
        raise InvalidRequest(f"--context: {path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"--context: {path}: not valid UTF-8 at byte {error.start}") from None


def _build_guest(options: argparse.Namespace) -> int:
    settings = config.load(options.config)
    Engine(settings.sandbox, _say, module_folder=settings.module_folder).close()
    return 0


def _say(message: str) -> None:
    print(f"rlm: {message}", file=sys.stderr, flush=True)


COMMANDS = {"serve": _serve, "query": _query, "replay": _replay, "export": _export, "build-guest": _build_guest}
