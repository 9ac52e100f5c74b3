"""`make chaos`: detached runs, some with child runs, while their server is killed again and again (kill -9), until all have ended.

The model server counts what it is asked: no reply that the store had at a kill is asked for again.
"""

import argparse
import asyncio
import contextlib
import json
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import ledger  # noqa: E402  (the path comes first)
import postgres  # noqa: E402
import readers  # noqa: E402
import restarting  # noqa: E402

LONGEST = 180.0  # seconds for all runs to end, once nothing is killed any more
REPLAYED = 4  # journals
FOLLOWED = 5  # runs, each by a reader who comes back after each kill
ALL_RIGHT = (
    "no run is lost, no answer is another, no stored reply was asked for again, the journals replay, and who followed runs saw "
    "each event once"
)
TROUBLES = {
    "kills": "nothing else happens",
    "locked": "before each kill another process holds the store's lock for 2 s",
    "full": "before each kill its files cannot grow for 2 s: runs may end as store_full",
    "two": "two servers use the store, one of them is killed",
    "upgrade": "each start has another component than the first",
    "postgresql": "the store is on a server of PostgreSQL, which is away for 1 s before each kill",
}


class Trial:
    """Some runs, a model server that counts, and servers that are killed."""

    def __init__(self, folder, backend, servers, seed, trouble, database):
        self.folder = folder
        self.backend = backend
        self.servers = servers
        self.trouble = trouble
        self.database = database
        self.chance = random.Random(seed)
        self.run_ids = []
        self.readers = []
        self.in_flight = 0
        self.wrong = []

    async def begin(self, runs):
        async with httpx.AsyncClient(base_url=self.servers[0].address) as client:
            for number in range(1, runs + 1):
                response = await client.post("/runs", json={"query": ledger.question(number), "context": "nothing"})
                response.raise_for_status()
                self.run_ids.append(response.json()["run_id"])
        self.readers = [readers.Reader(self.servers, each) for each in self.run_ids[:FOLLOWED]]

    async def kill_one(self):
        """And start it again."""
        await asyncio.sleep(self.chance.uniform(0.0, 0.8))
        server = self.chance.choice(self.servers)
        if self.trouble == "locked":
            await server.lock(2.0)
        elif self.trouble == "full":
            await server.fill(2.0)
        elif self.trouble == "postgresql":
            self.database.stop()
            await asyncio.sleep(1.0)
            self.database.start()
        await server.kill()
        await asyncio.sleep(0.3)  # what was on its way has come
        had = ledger.stored(server.store)
        before = self.backend.calls.copy()
        self.in_flight += sum(call not in had for call in before)
        await server.start()
        await asyncio.sleep(self.chance.uniform(0.3, 1.5))
        self.wrong += [f"{call}: it was stored, and asked again" for call in had if self.backend.calls[call] != before[call]]

    async def end(self):
        """Once all have."""
        async with httpx.AsyncClient(base_url=self.servers[0].address, timeout=30) as client:
            ended = await _finished(client, self.run_ids)
            self.wrong += [
                f"run {number}: {found['stopped']}, {found['answer']} instead of {ledger.truth(number)} ({found['error']})"
                for number, found in enumerate(ended, 1)
                if not self._is_right(number, found)
            ]
            needed = len(self.backend.calls)
            more = self.backend.calls.total() - needed
            if more > self.in_flight:
                self.wrong.append(f"{more} calls beyond the {needed}, {self.in_flight} were on their way at kills")
            for each in self.readers:
                lines = (await client.get(f"/runs/{each.run_id}/events", headers={"accept": "application/jsonl"})).text
                self.wrong += filter(None, [await each.finish([json.loads(line) for line in lines.splitlines()])])
            for run_id in self.chance.sample(self.run_ids, min(REPLAYED, len(self.run_ids))):
                journal = Path(self.folder, f"{run_id}.jsonl")
                journal.write_bytes((await client.get(f"/runs/{run_id}/journal")).content)  # noqa: ASYNC240  (small)
                if said := await self.servers[0].replays(journal):
                    self.wrong.append(f"run {run_id}: its journal does not come to the same: {said}")
        return needed, more

    def _is_right(self, number, found):
        if self.trouble == "full" and found["stopped"] == "store_full":
            return True
        return (found["stopped"], found["answer"]) == ("answered", ledger.truth(number))


async def _finished(client, run_ids):
    until = time.monotonic() + LONGEST
    while time.monotonic() < until:
        found = [(await client.get(f"/runs/{each}")).json() for each in run_ids]
        if all(each["stopped"] != "running" for each in found):
            return found
        await asyncio.sleep(0.3)
    raise SystemExit(f"not ended after {LONGEST} s: {Counter(each['stopped'] for each in found)}")


async def play(runs, kills, seed, trouble="kills"):
    """(what must not be, a line each; how many replies were needed; how many calls came beyond; how many were on their way)."""
    backend = ledger.Counting(seed)
    with tempfile.TemporaryDirectory() as folder:
        restarting.own_cache(folder)
        async with contextlib.AsyncExitStack() as running:
            await running.enter_async_context(backend.running())
            database = running.enter_context(postgres.running()) if trouble == "postgresql" else None
            store = database.new_database() if database else None
            servers = [restarting.Server(folder, backend.url, store) for _ in range(2 if trouble == "two" else 1)]
            for each in servers:
                await each.start()
                running.push_async_callback(each.kill)
            trial = Trial(folder, backend, servers, seed, trouble, database)
            await trial.begin(runs)
            if trouble == "upgrade":
                restarting.upgrade(folder)
            for _ in range(kills):
                await trial.kill_one()
            needed, more = await trial.end()
    return trial.wrong, needed, more, trial.in_flight


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--trouble", choices=TROUBLES, default="kills")
    options = parser.parse_args()
    started = time.monotonic()
    wrong, needed, more, in_flight = asyncio.run(play(options.runs, options.kills, options.seed, options.trouble))
    print(
        f"{options.runs} runs, {options.kills} kills, {TROUBLES[options.trouble]}: {time.monotonic() - started:.0f} s, {needed} "
        f"replies were needed, {more} calls came beyond, {in_flight} were on their way when a server was killed"
    )
    print("\n".join(wrong) or ALL_RIGHT)
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
