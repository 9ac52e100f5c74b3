"""A real server process that is attacked, and what is seen of it meanwhile."""

import asyncio
import contextlib
import json
import os
import re
import sys
import tempfile
import time
from pathlib import Path

import httpx
import watching

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
START_SECONDS = 120
SETTLE_SECONDS = 10  # in which memory is given back
MIB = 1 << 20


class NotHeld(Exception):
    """What the attack came to."""


def check(held, otherwise):
    if not held:
        raise NotHeld(otherwise)


def python(code):
    return f"```python\n{code}\n```"


def asking(*replies, **body):
    """A query whose root model replies these, one each turn (puppet.py says what they may be)."""
    return {"query": f"PLAY {json.dumps(replies)}", "context": "a context", "cache": False} | body


class Siege:
    """A server of these settings, {section: {key: value}}, that may open so many files.

    `ask`, `client`: to attack it; `seen` is there when watch() has ended.
    """

    def __init__(self, settings=None, files=None, environment=None):
        self.settings = settings or {}
        self.files = files
        self.environment = environment or {}
        self.headers = {}
        self.seen = {}

    @property
    def pid(self):
        return self.process.pid

    @property
    def log(self):
        """All that the server has said."""
        return self._log.read_text(errors="replace")

    @property
    def memory(self):
        return watching.memory(Path("/proc", str(self.pid)))

    async def ask(self, *replies, **body):
        return await self.client.post("/query", json=asking(*replies, **body))

    async def connect(self):
        return await asyncio.open_connection(self.client.base_url.host, self.client.base_url.port)

    async def send(self, *pieces, pause=0.0, seconds=60):
        """What the server answers to these bytes, until it closes; "" where it resets the connection, None if it never closes."""
        reader, writer = await self.connect()
        answer = asyncio.create_task(_read(reader))
        try:
            with contextlib.suppress(ConnectionError):
                for each in pieces:
                    writer.write(each)
                    await writer.drain()
                    await asyncio.sleep(pause)
            async with asyncio.timeout(seconds):
                return await answer
        except TimeoutError:
            return None
        finally:
            answer.cancel()
            writer.close()

    async def runs(self):
        return (await self.client.get("/runs?limit=200")).json()["runs"]

    async def begun(self, count, iterations=1):
        """Waits until so many runs have begun, and are so far."""
        async with asyncio.timeout(60):
            while sum(each["iterations"] >= iterations for each in await self.runs()) < count:  # noqa: ASYNC110  (another process)
                await asyncio.sleep(0.1)

    @contextlib.asynccontextmanager
    async def running(self):
        """The server, its model and a client, until the end."""
        limits = httpx.Limits(max_connections=None)
        with tempfile.TemporaryDirectory() as folder:
            async with _process(sys.executable, HERE / "puppet.py") as model:
                url = (await model.stdout.readline()).decode().strip()
                Path(folder, "config.toml").write_text(_configuration(self.settings, url))  # noqa: ASYNC240  (nothing else is under way)
                async with (
                    self._server(Path(folder)) as address,
                    httpx.AsyncClient(
                        base_url=address, timeout=600, limits=limits, trust_env=False, headers=self.headers
                    ) as self.client,
                ):
                    yield self

    @contextlib.asynccontextmanager
    async def _server(self, folder):
        self._log = folder / "log"
        environment = os.environ | {"PYTHONPATH": str(ROOT), "XDG_DATA_HOME": str(folder)} | self.environment
        limited = ("sh", "-c", f'ulimit -n {self.files} && exec "$@"', "sh") if self.files else ()
        with self._log.open("wb") as log:
            command = (*limited, sys.executable, "-m", "orchestrator", "serve")
            self.process = await asyncio.create_subprocess_exec(*command, cwd=folder, stdout=log, stderr=log, env=environment)
        try:
            yield await self._address()
        finally:
            if self.process.returncode is None:
                self.process.kill()
            await self.process.wait()

    async def _address(self):
        end = time.monotonic() + START_SECONDS
        while not (found := re.search(r"listening on (\S+)\n", self.log)):
            check(self.process.returncode is None and time.monotonic() < end, f"the server did not start: {self.log[-500:]}")
            await asyncio.sleep(0.05)
        return found[1]

    @contextlib.asynccontextmanager
    async def watched(self):
        """What is seen meanwhile is then in `seen`, with the memory before and after, when that has been given back."""
        self.seen = {}
        arguments = (str(self.client.base_url), str(self.pid), json.dumps(self.headers))
        async with _process(sys.executable, HERE / "watching.py", *arguments) as watch:
            line = await watch.stdout.readline()
            check(line, f"the server does not answer: {self.log[-500:]}")
            before = json.loads(line)["memory"]
            try:
                yield
            finally:
                seen, _ = await watch.communicate(b"")  # with nothing said its standard input would stay open in Python 3.11
                self.seen = json.loads(seen) | {"before": before, "after": await self._settled(before)}

    async def _settled(self, before):
        """The memory when nearly all that was taken is given back, or at the end of the time for that."""
        end = time.monotonic() + SETTLE_SECONDS
        while (now := self.memory) > before + 32 * MIB and time.monotonic() < end:  # noqa: ASYNC110  (it is another process)
            await asyncio.sleep(0.1)
        return now


async def _read(reader):
    answer = b""
    with contextlib.suppress(ConnectionError):
        while piece := await reader.read(1 << 16):
            answer += piece
    return answer


@contextlib.asynccontextmanager
async def _process(*command):
    """One that ends when its standard input does."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*map(str, command), stdin=pipe, stdout=pipe, limit=1 << 24)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def _configuration(settings, url):
    provider = {"provider_type": "openai", "model": "puppet", "base_url": url}
    settings = {"server": {}, **settings}
    parts = [("", settings.get("", {})), ("[server]", {"port": 0} | settings["server"])]
    parts += [(f"[{name}]", values) for name, values in settings.items() if name not in ("", "server", "provider", "tokens")]
    parts += [("[[auth.tokens]]", each) for each in settings.get("tokens", ())]
    parts.append(("[[providers]]", provider | settings.get("provider", {})))
    return "\n".join(
        f"{name}\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in part.items()) for name, part in parts
    )
