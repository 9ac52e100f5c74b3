"""rlm serve, told to stop: not ready, no new runs, and those under way end with what they have."""

import asyncio
import contextlib
import os
import re
import signal
import sys
from pathlib import Path

import httpx
from backends import ModelBackend, whole
from fakes import python

QUERY = {"query": "q", "context": "c"}
DRAFT = python("answer['content'] = 'so far'")


@contextlib.asynccontextmanager
async def serving(folder, seconds, late, max_runs=9, then="FINAL('done')"):
    """(a client of `rlm serve`, its process); its model drafts an answer, and says what is `then` so many seconds later."""

    async def answer_late(writer, text):
        await asyncio.sleep(late)
        await whole(writer, text)

    replies = iter([DRAFT])
    async with ModelBackend(lambda messages: next(replies, python(then)), [whole, answer_late]).running() as model:
        provider = f'[[providers]]\nprovider_type = "openai"\nmodel = "m"\nbase_url = "{model.url}"\n'
        (folder / "config.toml").write_text(
            f"[server]\nport = 0\nshutdown_seconds = {seconds}\nmax_runs = {max_runs}\n{provider}"
        )
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "orchestrator", "serve"), cwd=folder, stderr=asyncio.subprocess.PIPE, env=dict(os.environ)
        )
        try:
            while b"listening" not in (line := await process.stderr.readline()):
                assert line
            url = re.search(r"http://\S+", line.decode())[0]
            async with httpx.AsyncClient(base_url=url, timeout=60) as client:
                await client.get("/health")
                yield client, process
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()


async def asked(client):
    """A query whose run has begun its second turn."""
    asking = asyncio.create_task(client.post("/query", json=QUERY))
    async with asyncio.timeout(30):
        while not any(run["iterations"] for run in (await client.get("/runs")).json()["runs"]):  # noqa: ASYNC110  (it is another process)
            await asyncio.sleep(0.05)
    return asking


async def test_runs_under_way_may_end_and_no_others_begin(tmp_path):
    """While they do, the server lives, is not ready, and refuses what is new with when to ask again."""
    async with serving(tmp_path, 20, 1.5) as (client, process):
        asking = await asked(client)
        process.send_signal(signal.SIGTERM)
        await asyncio.sleep(0.3)
        ready, health = await client.get("/health/ready"), await client.get("/health")
        refused = await client.post("/query", json=QUERY)
        result = (await asking).json()
        async with asyncio.timeout(10):
            assert await process.wait() == -signal.SIGTERM
    assert (ready.status_code, ready.json()["detail"], health.status_code) == (503, "the server is stopping", 200)
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
    assert refused.json()["detail"] == "the server is stopping: no new runs"
    assert (result["stopped"], result["answer"]) == ("answered", "done")


async def test_a_run_that_takes_longer_ends_with_what_it_has(tmp_path):
    """Its caller is given the draft, and why the run ended."""
    async with serving(tmp_path, 0.5, 60) as (client, process):
        asking = await asked(client)
        process.send_signal(signal.SIGTERM)
        response = await asking
        async with asyncio.timeout(10):
            await process.wait()
    result = response.json()
    assert (response.status_code, result["stopped"], result["success"], result["answer"]) == (200, "cancelled", False, "so far")
    assert result["error"] == "a request cancelled it, or its caller went away, or the server stopped"


async def test_it_leaves_no_dump_of_its_memory(tmp_path):
    """Keys are in it, and what callers sent."""
    async with serving(tmp_path, 0, 0) as (_, process):
        limits = await asyncio.to_thread(Path("/proc", str(process.pid), "limits").read_text)
    assert re.search(r"Max core file size +(\S+) +(\S+)", limits).groups() == ("0", "0")


async def test_told_again_it_stops_at_once(tmp_path):
    """Whoever is asked twice does not wait for a minute."""
    async with serving(tmp_path, 60, 60) as (client, process):
        asking = await asked(client)
        process.send_signal(signal.SIGINT)
        await asyncio.sleep(0.3)
        process.send_signal(signal.SIGINT)
        async with asyncio.timeout(10):
            await process.wait()
        asking.cancel()
    assert process.returncode != 0


async def test_a_run_that_waits_for_its_turn_is_ended_with_the_others(tmp_path):
    """It has no answer, and its caller is told why."""
    async with serving(tmp_path, 0.5, 0, max_runs=1, then="while True: pass") as (client, process):
        first = await asked(client)
        waiting = asyncio.create_task(client.post("/query", json=QUERY))
        async with asyncio.timeout(30):
            while len((await client.get("/runs")).json()["runs"]) < 2:  # noqa: ASYNC110  (it is another process)
                await asyncio.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        ended = [(each.status_code, each.json()["stopped"], each.json()["answer"]) for each in (await first, await waiting)]
    assert ended == [(200, "cancelled", "so far"), (200, "cancelled", None)]
