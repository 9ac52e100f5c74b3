"""The page of the largest run, in a real Chromium: 1,000 turns and 5,000 sub-calls (`make bench-page`).

Frames are those that the browser shows, by its own clock: what takes longer than one at 60 a second is seen as a stutter.
"""

import asyncio
import statistics
import tempfile
import time

from chromium import chromium
from fakes import FakeModel, python
from serving import serving
from typing_model import typed

from orchestrator.config import SandboxSettings
from orchestrator.sandbox.engine import Engine

TURNS, CALLS = 1000, 5  # sub-calls in each turn
FRAMES = """new Promise(done => {
    const times = []; let last = performance.now(); const until = last + %d;
    const frame = now => { times.push(now - last); last = now; %s; now < until ? requestAnimationFrame(frame) : done(times.slice(2)); };
    requestAnimationFrame(frame);
})"""
STILL, SCROLL = "", "window.scrollBy(0, 60)"


async def begun(client):
    """A run in its last turn, whose reply comes in."""
    body = {"query": "How large can a run be?", "context": "c"}
    run_id = (await client.post("/runs", json=body)).json()["run_id"]
    turns = calls = 0
    async with client.stream("GET", f"/runs/{run_id}/events", headers={"accept": "application/jsonl"}, timeout=None) as events:
        async for line in events.aiter_lines():
            turns += '"event":"model_called"' in line
            calls += '"event":"subcall_started"' in line
            if turns == TURNS:
                break
    print(f"a run of {turns:,} turns and {calls:,} sub-calls")
    return run_id


def code(turn):
    return python(f"found = llm_batch([f'What is number {{n}} of turn {turn}?' for n in range({CALLS})])\nprint({turn}, found)")


async def measure(page, name, script=STILL, seconds=3.0):
    """Frames, and what the browser did, while a script goes on at each of them."""
    before = await metrics(page)
    times = sorted(await page.run(FRAMES % (seconds * 1000, script)))
    after = await metrics(page)
    busy = {each: 1000 * (after[each] - before[each]) for each in ("ScriptDuration", "LayoutDuration", "RecalcStyleDuration")}
    slow = sum(each > 34 for each in times)
    print(
        f"{name:34} {len(times) / seconds:5.0f} frames a second · median {statistics.median(times):5.1f} ms, "
        f"99 % {times[int(0.99 * len(times))]:5.1f} ms, worst {times[-1]:5.1f} ms, {slow} above 34 ms · "
        f"script {busy['ScriptDuration']:.0f}, style {busy['RecalcStyleDuration']:.0f}, layout {busy['LayoutDuration']:.0f} ms in {seconds:g} s",
        flush=True,
    )


async def metrics(page):
    return {each["name"]: each["value"] for each in (await page.send("Performance.getMetrics"))["metrics"]}


async def opened(page, url):
    """Until all turns are on the page."""
    started = time.monotonic()
    await page.open(url)
    await page.until(f"document.querySelectorAll('.turn').length >= {TURNS}")
    found = await metrics(page)
    print(
        f"{'opened, all turns there':34} {time.monotonic() - started:5.1f} s · script {1000 * found['ScriptDuration']:.0f}, "
        f"style {1000 * found['RecalcStyleDuration']:.0f}, layout {1000 * found['LayoutDuration']:.0f} ms, "
        f"longest task {await page.run('window.longest ?? 0'):.0f} ms · "
        f"{found['Nodes']:,.0f} nodes, {found['JSHeapUsedSize'] / 1e6:.0f} MB of scripts' memory"
    )


WATCH = "window.longest = 0; new PerformanceObserver(l => l.getEntries().forEach(e => (window.longest = Math.max(window.longest, e.duration)))).observe({type: 'longtask', buffered: true})"


async def main():
    engine = Engine(SandboxSettings())
    limits = {"max_iterations": TURNS, "max_sub_calls": TURNS * CALLS}
    held = asyncio.Event()
    replies = [code(turn) for turn in range(1, TURNS)] + [
        typed("I think about it. " * 3000, 3000, 0.01, held=held),
        "That is all.",
    ]
    with tempfile.TemporaryDirectory() as folder:
        async with serving(engine, FakeModel(replies), **limits) as client, chromium(folder) as browser:
            run_id = await begun(client)
            try:
                async with browser.page(1280, 900) as page:
                    await page.send("Page.addScriptToEvaluateOnNewDocument", source=WATCH)
                    await opened(page, f"{client.base_url}/visualize/{run_id}")
                    await measure(page, "a reply comes in")
                    await measure(page, "a reply comes in, scrolled", SCROLL)
                    await page.click("main > .part-head button")
                    await measure(page, "all turns opened, a reply comes in")
                    await page.run("scrollTo(0, 0)")
                    await asyncio.sleep(1)
                    await measure(page, "all turns open, scrolled", SCROLL)
                    print("console:", page.said)
            finally:
                held.set()
                await client.post(f"/runs/{run_id}/cancel")
    engine.close()


if __name__ == "__main__":
    asyncio.run(main())
