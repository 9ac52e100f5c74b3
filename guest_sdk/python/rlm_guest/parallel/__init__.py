"""Code that is written for many threads or an event loop, in a guest that has one thread.

Cells run once, in a fixed order; only sub-calls go out together.

waiting    what a cell waits for: sub-calls, timers, the time that passes
threads    `threading`: a thread's target runs when it is started
syntax     `await llm_query(...)`, known from a cell's syntax
loop       `asyncio`: an event loop that never waits (imported with asyncio)
pools      `concurrent.futures`: executors (imported with it)
queues     `queue` (imported with it)
"""
