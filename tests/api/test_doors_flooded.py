"""Connections and bodies that hold up nobody: too many, too slow, too large. Against a real server, by sockets."""

import asyncio
import contextlib
import json
import logging
import os
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from fakes import FakeModel, python
from serving import serving

from orchestrator import logs
from orchestrator.api import arriving, connections
from orchestrator.server_settings import ServerSettings

ROOT = Path(__file__).parents[2]


async def connect(client):
    return await asyncio.open_connection(client.base_url.host, client.base_url.port)


async def read(reader):
    """All that comes, however it ends."""
    answer = b""
    with contextlib.suppress(ConnectionError):
        while piece := await reader.read(1 << 16):
            answer += piece
    return answer


async def sent(client, *pieces, pause=0.0):
    """What the server answers to these bytes, until it closes."""
    reader, writer = await connect(client)
    answer = asyncio.create_task(read(reader))
    with contextlib.suppress(ConnectionError):
        for each in pieces:
            writer.write(each)
            await writer.drain()
            await asyncio.sleep(pause)
    return await answer


def problem_of(answer):
    """(status, detail) of a whole answer."""
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)["detail"]


async def test_headers_that_do_not_come_end_their_connection(engine, monkeypatch):
    """Of the first request and of the next one; a connection with a run that takes longer stays."""
    monkeypatch.setattr(connections, "HEADER_SECONDS", 0.3)
    async with serving(engine, FakeModel([python("FINAL(1)")], delay=0.6)) as client:
        began = time.monotonic()
        drip = [b"GET /health HTTP/1.1\r\n", *[b"x: y\r\n"] * 20]
        first, second, run = await asyncio.gather(
            sent(client, *drip, pause=0.1),
            sent(client, b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n", *drip, pause=0.1),
            client.post("/query", json={"query": "q", "context": "c"}),
        )
        assert (first, second[:15], second.count(b"HTTP/1.1"), run.json()["answer"]) == (b"", b"HTTP/1.1 200 OK", 1, "1")
        assert time.monotonic() - began < 5


@pytest.mark.parametrize("head", [b"GET /" + b"x" * 100_000, b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * 20_000])
async def test_headers_have_a_size(engine, head):
    """A long line as well as many lines: the connection ends."""
    async with serving(engine, FakeModel()) as client:
        assert await sent(client, head, head) == b""
        assert (await client.get("/health")).status_code == 200


FOREIGN = b"POST /query HTTP/1.1\r\nhost: localhost\r\norigin: http://evil.example\r\ncontent-type: application/json\r\n"


async def refused_unread(client, sent, *headers):
    """How a caller is answered who sends all of its refused body before it reads; its next request on the same connection."""
    reader, writer = await connect(client)
    writer.write(FOREIGN + b"".join(b"%s\r\n" % each for each in headers) + b"\r\n")
    with contextlib.suppress(ConnectionError):
        for _ in range(sent >> 16):
            writer.write(b"x" * (1 << 16))
            await writer.drain()
        writer.write(b"GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
    answer = await read(reader)
    writer.close()
    return [int(each[:3]) for each in answer.split(b"HTTP/1.1 ")[1:]]


@pytest.mark.parametrize(("header", "statuses"), [(b"accept: */*", [403, 200]), (b"connection: close", [403])])
async def test_who_sends_a_body_that_is_refused_reads_why(engine, header, statuses):
    """Thirty megabytes, all sent before the answer is read; the connection then goes on, or is closed, as it was asked for."""
    async with serving(engine, FakeModel()) as client:
        size = 30 << 20
        assert await refused_unread(client, size, b"content-length: %d" % size, header) == statuses


@pytest.mark.parametrize(("name", "value"), [("MAX_UNREAD", 1 << 20), ("UNREAD_SECONDS", 0.3)])
async def test_what_is_thrown_away_of_a_refused_body_is_bounded(engine, monkeypatch, name, value):
    """In bytes, and in time if the rest does not come: then the connection ends."""
    monkeypatch.setattr(connections, name, value)
    async with serving(engine, FakeModel()) as client:
        sent = (1 << 16) if name == "UNREAD_SECONDS" else (1 << 28)
        began = time.monotonic()
        assert await refused_unread(client, sent, b"content-length: %d" % (1 << 30)) in ([], [403])
        assert time.monotonic() - began < 4  # an idle connection is kept for five


async def test_headers_behind_a_refused_body_must_come_too(engine, monkeypatch):
    """What follows a body that was thrown away has the time of headers."""
    monkeypatch.setattr(connections, "HEADER_SECONDS", 0.3)
    async with serving(engine, FakeModel()) as client:
        body = b"x" * 100_000
        drip = [b"GET /health HTTP/1.1\r\n", *[b"x: y\r\n"] * 20]
        began = time.monotonic()
        answer = await sent(client, FOREIGN + b"content-length: 100000\r\n\r\n", body, *drip, pause=0.1)
        assert (answer[:12], answer.count(b"HTTP/1.1 "), time.monotonic() - began < 4) == (b"HTTP/1.1 403", 1, True)


async def test_a_body_that_does_not_come_is_a_problem(engine, monkeypatch):
    """408; one that comes slowly but steadily is read."""
    monkeypatch.setattr(arriving, "GRACE_SECONDS", 0.3)
    monkeypatch.setattr(arriving, "MIN_RATE", 100)
    body = json.dumps({"query": "q", "context": "c" * 100}).encode()
    head = b"POST /query HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
    head %= len(body)
    async with serving(engine, FakeModel([python("FINAL(1)")])) as client:
        stopped = await sent(client, head + body[:50])
        steady = await sent(client, head, *(body[at : at + 30] for at in range(0, len(body), 30)), pause=0.1)
    assert problem_of(stopped) == (408, "the body arrives too slowly: less than 100 bytes a second")
    assert json.loads(steady.partition(b"\r\n\r\n")[2])["answer"] == "1"


async def test_bodies_have_one_budget(engine):
    """What does not fit beside the others is refused, and fits when they are gone."""
    server = ServerSettings(budget_bytes=8_000_000)
    body = json.dumps({"query": "q", "context": "c" * 1_500_000}).encode()
    head = b"POST /query HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(
        body
    )
    async with serving(engine, FakeModel([python("FINAL(1)")]), server=server) as client:
        _, held = await connect(client)
        held.write(head + body[:-1])
        await asyncio.sleep(0.3)
        headers = {"content-type": "application/json"}
        refused = await client.post("/query", content=body, headers=headers)
        held.close()
        await asyncio.sleep(0.3)
        answered = await client.post("/query", content=body, headers=headers)
    assert (refused.status_code, refused.headers["retry-after"], refused.json()["detail"]) == (
        503,
        "5",
        "all bodies that arrive have 2000000 bytes at once (server.budget_bytes): send it later",
    )
    assert answered.json()["answer"] == "1"


async def test_tiny_chunks_do_not_hold_the_server(engine):
    """A megabyte, one byte a chunk: /health answers meanwhile."""
    text = json.dumps({"query": "q", "context": "c" * 1_000_000}).encode()
    chunked = b"".join(b"1\r\n%c\r\n" % each for each in text) + b"0\r\n\r\n"
    head = b"POST /query HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n"
    async with serving(engine, FakeModel([python("FINAL(len(context))")])) as client:
        sending = asyncio.create_task(sent(client, head, chunked))
        slowest = 0.0
        while not sending.done():
            began = time.monotonic()
            assert (await client.get("/health")).status_code == 200
            slowest = max(slowest, time.monotonic() - began)
        assert json.loads((await sending).partition(b"\r\n\r\n")[2])["answer"] == "1000000"
    assert slowest < 1


def test_log_lines_are_bounded():
    """Ten in a period, whatever happens; then ten again."""
    kept = logs._Sparingly()
    record = logging.makeLogRecord({"created": 1000.0})
    later = logging.makeLogRecord({"created": 1000.0 + logs.PERIOD_SECONDS + 1})
    assert [sum(kept.filter(each) for _ in range(1000)) for each in (record, later)] == [10, 10]


async def test_who_does_not_read_is_gone_after_a_while(engine, monkeypatch):
    """Who reads slowly stays."""
    monkeypatch.setattr(connections, "TAKE_SECONDS", 1.0)
    async with serving(engine, FakeModel([python("FINAL('x' * 9_000_000)")])) as client:
        run_id = (await client.post("/query", json={"query": "q", "context": "c"})).json()["run_id"]
        asking = f"GET /runs/{run_id}/events HTTP/1.1\r\nhost: localhost\r\n\r\n".encode()
        sizes = []
        for pause in (3.0, 0.0):
            reader, writer = await asyncio.open_connection(client.base_url.host, client.base_url.port, limit=1 << 16)
            writer.write(asking)
            size = len(await reader.readexactly(1000))
            await asyncio.sleep(pause)
            with contextlib.suppress(ConnectionError):
                while piece := await reader.read(1 << 16):
                    size += len(piece)
                    await asyncio.sleep(0.01)
                    if b"0\r\n\r\n" in piece:
                        break
            sizes.append(size)
            writer.close()
    whole = 18_000_000
    assert sizes[0] < whole < sizes[1]


@pytest.fixture
def few_files(tmp_path):
    """The address of a server of a scripted model that may open 64 files, and its log."""
    log = tmp_path / "log"
    rule = '[[rules]]\nquery = "How many"\nreplies = ["```python\\nFINAL(len(context))\\n```"]\n'
    (tmp_path / "script.toml").write_text(rule)
    (tmp_path / "config.toml").write_text('[[providers]]\nprovider_type = "scripted"\nmodel = "script.toml"\n')
    limited = "import resource, sys, runpy; resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)); sys.argv[:] = ['rlm', *sys.argv[1:]]; runpy.run_module('orchestrator', run_name='__main__')"
    with log.open("wb") as file:
        command = [sys.executable, "-c", limited, "serve", "--port", "0"]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        server = subprocess.Popen(command, cwd=tmp_path, stdout=file, stderr=file, env=environment)
    try:
        end = time.monotonic() + 60
        while b"listening on " not in log.read_bytes() and server.poll() is None and time.monotonic() < end:
            time.sleep(0.05)
        address = log.read_text().partition("listening on ")[2].split()[0]
        yield address, log
    finally:
        server.terminate()
        server.wait(20)


async def test_a_flood_on_few_descriptors_is_refused_not_an_error(few_files):
    """Eighty runs at once under `ulimit -n 64`: each is answered, or told to come again; the log stays short."""
    address, log = few_files

    async def ask(client, number):
        try:
            return await client.post("/query", json={"query": "How many lines?", "context": f"{number}\n" * 10})
        except httpx.TransportError:
            return None

    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=address, timeout=60, limits=limits, trust_env=False) as client:
        answers = await asyncio.gather(*(ask(client, number) for number in range(80)))
        statuses = [each.status_code if each else None for each in answers]
        await asyncio.sleep(1.5)
        after = await client.get("/health")
    assert set(statuses) <= {200, 503, None}  # None: beyond those that are told, closed without a word
    assert (statuses.count(200) > 0, statuses.count(503) > 0) == (True, True)
    refused = [each for each in answers if each is not None and each.status_code == 503]
    assert {each.headers["content-type"] for each in refused} == {"application/problem+json"}
    assert after.status_code == 200
    assert log.stat().st_size < 20_000
