"""Attacks on memory and on descriptors: what runs take and keep."""

import asyncio
import json
from collections import Counter

import httpx
from besieging import MIB, asking, check, python

SPIN = python("while True: pass")


async def abandoned(siege, runs, mib):
    """Clients that go away while their runs hold memory, some amid a cell, some amid a call of a model."""
    before = siege.memory
    hold = python(f"x = bytearray({mib} << 20)")
    writers = [await _asked(siege, asking(hold, {"how": "stalled"} if number % 2 else SPIN)) for number in range(runs)]
    # Most of it: pages of files that were there before may be gone meanwhile.
    async with asyncio.timeout(120):
        while siege.memory < before + runs * mib * MIB * 3 // 4:  # noqa: ASYNC110  (it is another process)
            await asyncio.sleep(0.05)
    for each in writers:
        each.transport.abort()


async def _asked(siege, body):
    """A connection that a query was sent on."""
    _, writer = await siege.connect()
    text = json.dumps(body).encode()
    head = b"POST /query HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    writer.write(head % len(text) + text)
    return writer


async def rewritten_slices(siege, mib, turns):
    """A run that writes a large array again, a slice each turn: each turn's state is kept to go back to."""
    size = mib * MIB // turns
    cells = [f"x = bytearray({turns * size})", *(f"x[{n * size}:{(n + 1) * size}] = b'y' * {size}" for n in range(turns))]
    answer = await siege.ask(*map(python, cells), python("FINAL(x.count(b'y'))"))
    check(answer.json()["answer"] == str(turns * size), f"the run ended otherwise: {answer.text[:300]}")


async def queued(siege, runs, more, mib):
    """More runs than there is memory for: they are served in turn; those beyond the queue are told when to come again."""
    cell = python(f"FINAL(len(bytearray({mib} << 20)))")
    answers = await asyncio.gather(*(siege.ask(cell) for _ in range(runs + more)))
    statuses = Counter(each.status_code for each in answers)
    served = [each.json()["answer"] for each in answers if each.status_code == 200]
    check(set(statuses) == {200, 503}, f"statuses: {dict(statuses)}")
    # The neighbour, too, has a place now and then.
    check(len(served) >= runs - 1 and set(served) == {str(mib * MIB)}, f"{len(served)} of {runs} were served: {set(served)}")
    check(
        all("retry-after" in each.headers for each in answers if each.status_code == 503), "a 503 says not when to come again"
    )


async def large_queries(siege, mib):
    """Queries of many megabytes: refused, whether they are read or not."""
    text = "q" * (mib * MIB)
    for body in (
        {"query": text, "context": "c"},
        {"query": "q" * 200_000, "context": "c"},
        {"query": "q", "context": "c", "junk": text},
    ):
        answer = await siege.client.post("/query", json=body)
        check(answer.status_code in (400, 413, 422), f"{answer.status_code}: {answer.text[:200]}")


async def growing_journals(siege, runs, mib):
    """Runs whose prompts fill their journals: each ends with what it has; the oldest leave."""
    draft = python("answer['content'] = 'so far'")
    fill = python(f"llm_batch(['x' * 1_000_000] * {mib})")
    answers = [await siege.ask(draft, *[fill] * 3) for _ in range(runs)]
    found = Counter((each.json()["stopped"], each.json()["answer"]) for each in answers)
    check(found == {("max_journal", "so far"): runs}, f"the runs ended as {dict(found)}")
    check(len(await siege.runs()) > 0, "no run is listed")


async def few_descriptors(siege, runs):
    """Runs, all at once, of a process that may open 64 files: answered, or told to come again; never a 500."""

    async def ask(number):
        try:
            async with httpx.AsyncClient(base_url=siege.client.base_url, timeout=120, trust_env=False) as client:
                return (
                    await client.post("/query", json=asking(python("FINAL(len(context))"), context=f"{number}\n" * 10))
                ).status_code
        except httpx.TransportError:
            return None  # beyond those that are told, closed without a word

    statuses = Counter(await asyncio.gather(*(ask(number) for number in range(runs))))
    check(set(statuses) <= {200, 503, None} and statuses[503], f"statuses: {dict(statuses)}")
    check(len(siege.log) < 100_000, f"{len(siege.log)} bytes of log")
