"""The server is killed while a run is watched, and started again."""

import asyncio
import os
import socket
import sys

import httpx
from fakes import python
from model_server import model_server
from processes import ROOT

CONFIG = """\
[server]
port = {port}

[[providers]]
provider_type = "openai"
model = "fake"
base_url = "{url}"
"""


class Server:
    """One process at one address, which may be killed and started again."""

    def __init__(self, folder, url):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self._config = folder / "config.toml"
        self._config.write_text(CONFIG.format(port=port, url=url))
        self._environment = os.environ | {"PYTHONPATH": str(ROOT), "XDG_DATA_HOME": str(folder)}

    async def start(self):
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "orchestrator", "serve", "--config", str(self._config)),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            env=self._environment,
        )
        async for line in self._process.stderr:
            if b"listening on" in line:
                self._draining = asyncio.create_task(self._process.stderr.read())
                return
        raise AssertionError("the server did not start")

    async def kill(self):
        self._process.kill()
        await self._process.wait()
        await self._draining


async def test_a_run_is_watched_across_a_kill_of_the_server(page, tmp_path):
    """The page says that it reconnects, goes on from the last event, and has each turn once."""
    replies = [python("print('turn', 1)"), *[python("FINAL('the end')")] * 3]
    with model_server(*replies, root_seconds=2) as url:
        server = Server(tmp_path, url)
        await server.start()
        async with httpx.AsyncClient(base_url=server.url) as client:
            run_id = (await client.post("/runs", json={"query": "Which?", "context": "c"})).json()["run_id"]
        await page.open(f"{server.url}/visualize/{run_id}")
        await page.shows("Turn 2")
        await server.kill()
        await page.shows("Reconnecting: the server is away.")
        assert await page.texts(".turn-name") == ["Turn 1", "Turn 2"]
        await server.start()
        try:
            await page.shows("Answered")
            assert await page.texts(".turn-name") == ["Turn 1", "Turn 2"]
            assert (await page.texts("pre.answer-text"), await page.texts(".link")) == (["the end"], [""])
            assert await page.texts(".cell h4") == ["Cell 1", "Cell 2"]
        finally:
            await page.open("about:blank")
            await server.kill()
    # The browser itself says that the server was away.
    assert {each.split(" (")[0].split(": ")[0] for each in page.said} <= {"Failed to load resource"}
    page.said.clear()
