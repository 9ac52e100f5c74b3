"""Who follows a run by Server-Sent Events, comes back after each kill, and has seen every event once at its end."""

import asyncio
import json

import httpx


class Reader:
    """Of one run."""

    def __init__(self, servers, run_id):
        self.run_id = run_id
        self._servers = servers
        self._seen = []  # (number, event)
        self._task = asyncio.create_task(self._read())

    async def finish(self, journal):
        """What is wrong with what it saw, if anything: the run has ended, and that is its journal."""
        try:
            await asyncio.wait_for(self._task, 30)
        except TimeoutError:
            return f"run {self.run_id}: its reader never saw its end"
        numbers = [number for number, _ in self._seen]
        if numbers != list(range(len(journal))):
            return f"run {self.run_id}: its reader saw the events {numbers}, there are {len(journal)}"
        differ = [number for number, event in self._seen if event != journal[number]]
        return f"run {self.run_id}: its reader saw other events at {differ}" if differ else None

    async def _read(self):
        while not self._seen or self._seen[-1][1]["event"] != "run_finished":
            last = {"Last-Event-ID": str(self._seen[-1][0])} if self._seen else {}
            try:
                async with (
                    httpx.AsyncClient(base_url=self._servers[0].address, timeout=20, headers=last) as client,
                    client.stream("GET", f"/runs/{self.run_id}/events") as response,
                ):
                    response.raise_for_status()
                    await self._take(response)
            except httpx.HTTPError:
                pass  # the server was killed
            await asyncio.sleep(0.1)

    async def _take(self, response):
        number = None
        async for line in response.aiter_lines():
            name, _, value = line.partition(": ")
            if name == "id":
                number = int(value)
            elif name == "data" and number is not None:
                self._seen.append((number, json.loads(value)))
            elif not line:
                number = None
