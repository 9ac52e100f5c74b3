"""`rlm serve`: the HTTP server."""

import argparse
import os
import socket

import uvicorn
from litestar import Litestar

from orchestrator.app import Orchestrator, create_app
from orchestrator.cli.inputs import read_settings
from orchestrator.cli.say import say
from orchestrator.errors import ConfigError

GRACE_SECONDS = 5  # for runs that are under way when the server is told to stop; then they are cancelled


def serve(options: argparse.Namespace) -> int:
    settings = read_settings(options.config)
    port = settings.server.port if options.port is None else options.port
    if not 0 <= port <= 65535:
        raise ConfigError(f"--port: {port} is not a port (0 to 65535)")
    with _listening(settings.server.host, port) as listener:
        server = uvicorn.Server(_uvicorn(create_app(Orchestrator(settings, say))))
        say(f"listening on http://{settings.server.host}:{listener.getsockname()[1]}")
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
