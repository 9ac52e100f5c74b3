"""llama.cpp's server with a small model, on loopback: what tests/engine/install.sh has put into .venv/engine."""

import asyncio
import contextlib
import os
import re

import httpx
from processes import ROOT

from orchestrator.providers.messages import Message

INSTALLED = ROOT / ".venv" / "engine"
START_SECONDS = 120
NAME = "gemma-3-270m"
WINDOW = 8192  # tokens of each of its two slots
# One thread: two wait for each other in a loop, which on a busy machine takes three times as long. Without chance it says the same
# again, and with a penalty it does not repeat itself for ever.
SETTINGS = f"--alias {NAME} --parallel 2 --ctx-size {2 * WINDOW} --threads 1 --temp 0 --repeat-penalty 1.1"
OPTIONS = ("--model", INSTALLED / "model.gguf", *SETTINGS.split())
HI = (Message("user", "Is grass green?"),)
YES_OR_NO = {
    "type": "object",
    "properties": {"answer": {"enum": ["yes", "no"]}},
    "required": ["answer"],
    "additionalProperties": False,
}
# A reply that cannot end before a thousand items: the model has no say in how long it takes.
LONG = {"type": "array", "items": {"enum": ["again and again and again"]}, "minItems": 1000}


class Llama:
    """A server that runs: `url` is the base_url of its protocol, `client` asks it about itself."""

    def __init__(self, root, client, process):
        self.url = f"{root}/v1"
        self.process = process
        self.client = client

    async def busy(self):
        """How many of its slots are generating."""
        slots = (await self.client.get("/slots")).json()
        return sum(slot["is_processing"] for slot in slots)

    async def becomes(self, busy, seconds=20):
        """Waits until that many slots are generating."""
        async with asyncio.timeout(seconds):
            while await self.busy() != busy:  # noqa: ASYNC110  another program's state
                await asyncio.sleep(0.05)


@contextlib.asynccontextmanager
async def llama(log, *options):
    """A Llama at a free port, started with the options; what it says goes to the file `log`."""
    # Its settings can come from the environment too; these are ours.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LLAMA_")}
    command = [INSTALLED / "llama-server", "--host", "127.0.0.1", "--port", "0", *options]
    with log.open("w") as opened:
        process = await asyncio.create_subprocess_exec(*command, stdout=opened, stderr=opened, env=environment)
    try:
        root = await _listening(process, log)
        async with httpx.AsyncClient(base_url=root, trust_env=False) as client:
            yield Llama(root, client, process)
    finally:
        with contextlib.suppress(ProcessLookupError):  # one that a test has ended
            process.terminate()
        await process.wait()


async def _listening(process, log):
    """Its address, as soon as it has loaded its model and says where it listens."""
    async with asyncio.timeout(START_SECONDS):
        while not (address := re.search(r"listening on (http://127\.0\.0\.1:\d+)", log.read_text())):
            assert process.returncode is None, log.read_text()[-2000:]
            await asyncio.sleep(0.1)
    return address[1]
