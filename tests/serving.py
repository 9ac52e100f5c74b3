"""A real server on loopback, in this process."""

import asyncio
import contextlib
import socket

import httpx
import uvicorn

from orchestrator.api.connections import Connection
from orchestrator.app import create_app
from orchestrator.config import OpenAISettings, Settings
from orchestrator.opening import Orchestrator


@contextlib.asynccontextmanager
async def serving(engine, model, **settings):
    """A client of a real server whose model calls go to `model`."""
    settings = {"providers": (OpenAISettings(model="fake", base_url="http://model/v1"),)} | settings
    async with serving_app(Orchestrator(Settings(**settings), print, engine=engine, transport=model)) as client:
        yield client


@contextlib.asynccontextmanager
async def serving_app(service):
    """The same for a service."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(create_app(service), log_config=None, access_log=False, http=Connection))
        task = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=60) as client:
                yield client
        finally:
            server.should_exit = True
            await task
