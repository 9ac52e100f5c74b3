"""Attacks by connections: too many, too slow, in tiny pieces, with bodies that are refused."""

import asyncio
import json
import time
from collections import Counter

from besieging import check

HEAD = b"POST /query HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"


def status_of(answer):
    """Of an answer in bytes; None: the connection was closed without one."""
    return int(answer.split()[1]) if answer else None


async def flood(siege, connections, seconds):
    """More connections than the process may open, each of which sends a byte now and then."""
    opened = await asyncio.gather(*(siege.connect() for _ in range(connections)), return_exceptions=True)
    writers = [each[1] for each in opened if not isinstance(each, BaseException)]
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for each in writers:
            if not each.transport.is_closing():
                each.write(b"G")
        await asyncio.sleep(1)
    for each in writers:
        each.transport.abort()
    check(len(writers) > connections // 2, f"the attack opened only {len(writers)} connections")
    check(len(siege.log) < 100_000, f"{len(siege.log)} bytes of log")
    check((await siege.client.get("/health")).status_code == 200, "no connection can be made any more")


async def slow_headers(siege, connections):
    """A header line a second: all are closed when the time for headers is over."""
    drip = [b"GET /health HTTP/1.1\r\n", *[b"x: y\r\n"] * 30]
    began = time.monotonic()
    answers = await asyncio.gather(*(siege.send(*drip, pause=1.0) for _ in range(connections)))
    closed = Counter(answers)
    check(set(closed) == {b""} and time.monotonic() - began < 45, f"they got {closed}")


async def slow_bodies(siege, connections):
    """Bodies that do not come: 408 for each."""
    answers = await asyncio.gather(
        *(siege.send(HEAD + b"content-length: 1000000\r\n\r\n{", *[b" "] * 40, pause=1.0) for _ in range(connections))
    )
    statuses = Counter(map(status_of, answers))
    check(statuses == {408: connections}, f"statuses: {dict(statuses)}")


async def tiny_chunks(siege, connections, size):
    """Bodies in chunks of a byte each: read, whatever that takes."""
    text = json.dumps({"query": 'PLAY ["FINAL(1)"]', "context": "c" * size}).encode()
    body = b"".join(b"1\r\n%c\r\n" % each for each in text) + b"0\r\n\r\n"
    head = HEAD + b"transfer-encoding: chunked\r\nconnection: close\r\n\r\n"
    answers = await asyncio.gather(*(siege.send(head, body, seconds=120) for _ in range(connections)))
    statuses = Counter(map(status_of, answers))
    check(statuses == {200: connections}, f"statuses: {dict(statuses)}")


async def refused_bodies(siege, connections, mib):
    """Large bodies from a page of another site: refused before they are read, and who sends them reads why."""
    head = HEAD + b"origin: http://evil.example\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % (mib << 20)
    pieces = [b"x" * (1 << 20)] * mib
    answers = await asyncio.gather(*(siege.send(head, *pieces) for _ in range(connections)))
    statuses = Counter(map(status_of, answers))
    check(statuses == {403: connections}, f"statuses: {dict(statuses)}")
