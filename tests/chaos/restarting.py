"""A server that is killed and started again over the same folder; and what else may happen to it."""

import asyncio
import contextlib
import os
import re
import resource
import sqlite3
import sys
from pathlib import Path

from orchestrator.sandbox.build import cache, component_files
from orchestrator.store.database import sqlite_url

ROOT = Path(__file__).parents[2]
CONFIG = """\
[server]
port = 0
shutdown_seconds = 0.0
park_seconds = 0.05

[store]
url = "{store}"

[[providers]]
provider_type = "openai"
model = "m"
base_url = "{url}"
max_concurrency = 64
"""
LATER = b"\x00\x06\x05later"  # a custom section of WebAssembly: another component, which does the same


class Server:
    """One process; several may use one folder."""

    def __init__(self, folder, url, store=None):
        """`store`: a URL, instead of a file of SQLite."""
        self.database = Path(folder, "rlm", "runs.db")
        self.store = store or sqlite_url(self.database)
        self.address = ""
        self._config = Path(folder, "config.toml")
        self._config.write_text(CONFIG.format(url=url, store=self.store))
        self._environment = os.environ | {"PYTHONPATH": str(ROOT), "XDG_DATA_HOME": folder, "XDG_CACHE_HOME": f"{folder}/cache"}

    async def start(self):
        self._process = await self._rlm("serve", "--config", str(self._config), stdout=asyncio.subprocess.DEVNULL)
        said = []
        async for line in self._process.stderr:
            said.append(line.decode())
            if found := re.search(r"http://127\.0\.0\.1:\d+", said[-1]):
                self._draining = asyncio.create_task(self._process.stderr.read())
                self.address = found[0]
                return
        raise SystemExit("the server did not start:\n" + "".join(said))

    async def kill(self):
        self._process.kill()
        await self._process.wait()
        await self._draining

    async def lock(self, seconds):
        """Nobody else writes to the store meanwhile."""
        with contextlib.closing(sqlite3.connect(self.database, isolation_level=None, timeout=10)) as connection:
            connection.execute("begin immediate")
            await asyncio.sleep(seconds)
            connection.execute("rollback")

    async def fill(self, seconds):
        """Its files cannot grow meanwhile, as if the disk were full."""
        most = resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
        await asyncio.sleep(seconds)
        resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE, most)

    async def replays(self, journal):
        """None if it comes to the same again, else what it says."""
        process = await self._rlm("replay", str(journal), stdout=asyncio.subprocess.PIPE)
        said, complaints = await process.communicate()
        return None if said.startswith(b"identical") else f"{said.decode()}{complaints.decode()}"

    async def _rlm(self, *arguments, stdout):
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "orchestrator", *arguments),
            stdout=stdout,
            stderr=asyncio.subprocess.PIPE,
            env=self._environment,
        )


def own_cache(folder):
    """The user's, to be changed: what is built and compiled is not made again."""
    own = Path(folder, "cache", "rlm")
    own.mkdir(parents=True, mode=0o700)
    for each in cache.folder().iterdir():
        if each.is_file():
            (own / each.name).hardlink_to(each)


def upgrade(folder):
    """From its next start on a server has another component for new runs."""
    before = os.environ.get("XDG_CACHE_HOME")
    os.environ["XDG_CACHE_HOME"] = f"{folder}/cache"
    try:
        later = component_files.keep(component_files.read(component_files.current()) + LATER)
        cache.write(component_files._name_of_built(), later.stem.encode())
    finally:
        if before is None:
            del os.environ["XDG_CACHE_HOME"]
        else:
            os.environ["XDG_CACHE_HOME"] = before
