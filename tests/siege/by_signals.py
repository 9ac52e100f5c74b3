"""SIGTERM amid runs: each caller is told what its run has so far."""

import asyncio
import signal
import time
from collections import Counter

from besieging import Siege, check, python

SECONDS = 1.0


async def stopped(siege, runs):
    """Another server of many runs, told to stop: not ready, no new runs, partial answers, then its end."""
    draft = python("answer['content'] = 'so far'")
    forever = ({"how": "stalled"}, python("while True: pass"))
    async with Siege({"server": {"shutdown_seconds": SECONDS}, "sandbox": {"memory_bytes": 1 << 26}}).running() as other:
        asked = [asyncio.create_task(other.ask(draft, forever[number % 2])) for number in range(runs)]
        await other.begun(runs)
        await asyncio.sleep(0.5)
        other.process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        await asyncio.sleep(0.2)
        ready, refused = await other.client.get("/health/ready"), await other.ask(draft)
        answers = [
            (each.status_code, each.json().get("stopped"), each.json().get("answer")) for each in await asyncio.gather(*asked)
        ]
        async with asyncio.timeout(15):
            await other.process.wait()
        took = time.monotonic() - began
    check(
        (ready.status_code, refused.status_code) == (503, 503), f"ready: {ready.status_code}, a new run: {refused.status_code}"
    )
    check(Counter(answers) == {(200, "cancelled", "so far"): runs}, f"the callers got {Counter(answers)}")
    check(took < SECONDS + 10, f"it ended after {took:.1f} s")
