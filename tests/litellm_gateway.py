"""A real LiteLLM proxy on loopback, in front of a model server of ours; `make test-gateway` installs it."""

import asyncio
import contextlib
import json
import os
import socket
import sys
import time
from pathlib import Path

import httpx
from backends import ModelBackend

from orchestrator.config import PROVIDER_TYPES
from orchestrator.providers.connections import Connections
from orchestrator.providers.openai import OpenAIProvider
from orchestrator.providers.pool import Pool

LITELLM = Path(sys.prefix) / "gateway" / "bin" / "litellm"
KEY = "sk-of-the-gateway"
START_SECONDS = 120
PRICES = {"input_cost_per_token": 0.5, "output_cost_per_token": 0.25}


class Gateway:
    """`url` is its base_url; mock and coder answer by themselves, `upstream` does for its other models.

    A 401 keeps the gateway from asking a model for 5 seconds: `locked` is for that. `twice` has two deployments.
    """

    def __init__(self, url, upstream, connections):
        self.url = url
        self.upstream = upstream
        self._connections = connections

    def settings(self, model, **others):
        """Those of a provider for one of its models."""
        return PROVIDER_TYPES["litellm"](model=model, base_url=self.url, **others)

    def provider(self, model, **others):
        """One of its models."""
        return OpenAIProvider(self.settings(model, **others), self._connections)

    def pool(self, *models):
        """Of these, in that order."""
        return Pool([self.provider(each) for each in models], retry_seconds=0)

    async def post(self, model, **others):
        """What it says to a plain request."""
        body = {"model": model, "messages": [{"role": "user", "content": "hi"}]} | others
        async with httpx.AsyncClient(timeout=60, headers={"Authorization": f"Bearer {KEY}"}) as client:
            return await client.post(f"{self.url}/chat/completions", json=body)


def configuration(upstream):
    """Its config.yaml, as JSON."""

    def deployment(name, **parameters):
        return {"model_name": name, "litellm_params": {"model": f"openai/{name}", "api_key": "upstream"} | parameters}

    models = [
        deployment("up", api_base=upstream, **PRICES),
        deployment("unpriced", api_base=upstream),
        deployment("locked", api_base=upstream),
        deployment("twice", api_base=upstream),
        deployment("twice", api_base=upstream, model="openai/twice-2"),
        deployment("mock", mock_response="mocked", **PRICES),
        deployment("coder", mock_response="```python\nFINAL(len(context))\n```"),
    ]
    # Its own retries, two by default, would wait out each rate limit before we hear of it.
    return json.dumps(
        {
            "model_list": models,
            "general_settings": {"master_key": KEY},
            "litellm_settings": {"num_retries": 0, "telemetry": False},
        }
    )


@contextlib.asynccontextmanager
async def running(folder):
    """A Gateway, with nothing of this user's environment; its log is in the folder."""
    (folder / "home").mkdir()
    async with ModelBackend().running() as upstream, contextlib.aclosing(Connections()) as connections:
        (folder / "config.yaml").write_text(configuration(upstream.url))
        port = free_port()
        environment = {
            "PATH": os.defpath,
            "HOME": str(folder / "home"),
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # the price map is otherwise fetched
            "LITELLM_TELEMETRY": "False",
        }
        with (folder / "log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                *(LITELLM, "--config", "config.yaml", "--host", "127.0.0.1", "--port", str(port)),
                cwd=folder,
                env=environment,
                stdout=log,
                stderr=log,
            )
        try:
            await ready(process, f"http://127.0.0.1:{port}/health/readiness", folder / "log")
            yield Gateway(f"http://127.0.0.1:{port}/v1", upstream, connections)
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


async def ready(process, url, log):
    """Waits until it answers."""
    give_up = time.monotonic() + START_SECONDS
    async with httpx.AsyncClient() as client:
        while True:
            with contextlib.suppress(httpx.TransportError):
                if (await client.get(url)).status_code == 200:
                    return
            assert process.returncode is None, log.read_text()[-3000:]
            assert time.monotonic() < give_up, log.read_text()[-3000:]
            await asyncio.sleep(0.2)
