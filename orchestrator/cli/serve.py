"""`rlm serve`: the HTTP server."""

import asyncio
import errno
import resource
import socket
from collections.abc import Sequence
from types import FrameType

import uvicorn
from litestar import Litestar

from orchestrator import logs
from orchestrator.api.connections import Connection
from orchestrator.api.tokens import Tokens
from orchestrator.app import create_app
from orchestrator.cli.command import add_config, command_parser
from orchestrator.cli.say import say
from orchestrator.cli.settings import read_settings, tell_defaults
from orchestrator.errors import ConfigError
from orchestrator.opening import Orchestrator
from orchestrator.runs.service import RunService
from orchestrator.server_settings import ServerSettings

MOST_FILES = 1 << 16
FILES_EACH = 8  # for a connection: its run, and those that are accepted only to be refused, have some too
GRACE_SECONDS = 5  # for responses that are under way when all runs have ended


def main(arguments: Sequence[str]) -> int:
    parser = command_parser("serve", "Start the HTTP server: POST /query, pages at /visualize, OpenAPI at /schema.")
    add_config(parser)
    parser.add_argument("--port", type=int, help="default: server.port of the configuration, 8080; 0: any free one")
    options = parser.parse_args(arguments)
    settings = read_settings(options.config)
    tell_defaults(options.config)
    port = settings.server.port if options.port is None else options.port
    if not 0 <= port <= 65535:
        raise ConfigError(f"--port: {port} is not a port (0 to 65535)")
    Tokens(settings.auth, settings.server)  # a mistake there is told before anything is built
    # A dump of this process would hold keys, and what callers sent.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with _listening(settings.server.host, port) as listener:
        server = Server(create_app(Orchestrator(settings, say)), settings.server)
        say(f"listening on http://{settings.server.host}:{listener.getsockname()[1]}")
        server.run(sockets=[listener])
    return 0


class Server(uvicorn.Server):
    """Told to stop, it goes on answering until its runs have ended; told again, it stops at once."""

    def __init__(self, app: Litestar, settings: ServerSettings) -> None:
        super().__init__(_uvicorn(app, min(settings.max_connections, _most_files() // FILES_EACH)))
        self._app = app
        self._shutdown_seconds = settings.shutdown_seconds
        self._stopping: asyncio.Task[None] | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        runs: RunService | None = self._app.state.get("runs")
        if runs is None or self._stopping is not None:
            super().handle_exit(sig, frame)
            return
        # A signal comes between any two steps of the loop: the task is made in a step of its own.
        asyncio.get_running_loop().call_soon_threadsafe(self._stop, runs, sig)

    def _stop(self, runs: RunService, sig: int) -> None:
        if self._stopping is None:
            self._stopping = asyncio.create_task(runs.stop(self._shutdown_seconds))
            self._stopping.add_done_callback(lambda _: uvicorn.Server.handle_exit(self, sig, None))


def _uvicorn(app: Litestar, most_connections: int) -> uvicorn.Config:
    logs.write_sparingly("uvicorn.error", "asyncio")
    return uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
        http=Connection,
        limit_concurrency=most_connections,
        # So many are accepted at once, before any of them can be refused.
        backlog=most_connections,
    )


def _most_files() -> int:
    """That this process may open: as many as the system allows it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # More than that is no use to a server, and the system may refuse "no limit".
    most = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return most


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        reason = (error.strerror or str(error)).partition(" (while attempting")[0]  # what follows repeats the address
        if error.errno == errno.EADDRINUSE:
            reason = f"{reason}; --port 0 takes a free one"
        raise ConfigError(f"server.host, server.port: cannot listen on {host}:{port}: {reason}") from None
    # asyncio does this only for sockets whose protocol is named; without it every response waits 40 ms for an ACK.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener
