"""Attacks on the time of others: what computes, and what asks models, for ever."""

import asyncio
import time

from besieging import check, python


async def spinning(siege, runs, seconds):
    """Cells that compute for ever beside one that takes long: that one is not stopped by the time that they take."""
    cells = [python(f"# {turn}\nwhile True: pass") for turn in range(20)]
    attack = [asyncio.create_task(siege.ask(*cells)) for _ in range(runs)]
    await siege.begun(runs, iterations=0)
    began = time.monotonic()
    long_cell = python("n = 0\nfor i in range(6_000_000): n += i\nFINAL(n)")
    answers = []
    while not answers or time.monotonic() - began < seconds:
        answers.append((await siege.ask(long_cell)).json())
    for each in attack:
        each.cancel()
    await asyncio.gather(*attack, return_exceptions=True)
    wrong = [each for each in answers if each["answer"] != str(sum(range(6_000_000))) or each["iterations"] != 1]
    check(not wrong, f"{len(wrong)} of {len(answers)} long cells: {str(wrong)[:300]}")


async def batch(siege, prompts, most_seconds):
    """Batches of many sub-calls beside a run that makes one."""
    many = python(f"llm_batch(['wait 0.2'] * {prompts})")
    attack = [asyncio.create_task(siege.ask(*[many] * 3, python("FINAL(1)"))) for _ in range(2)]
    await siege.begun(2)
    one = python("FINAL(llm_query('wait 0.2'))")
    slowest = 0.0
    for _ in range(3):
        began = time.monotonic()
        answer = await siege.ask(one)
        slowest = max(slowest, time.monotonic() - began)
        check(answer.json()["answer"] == "yes", f"the one call: {answer.text[:300]}")
    ended = [(await each).json()["answer"] for each in attack]
    check(slowest < most_seconds, f"the one call took {slowest:.1f} s beside a batch of {prompts}")
    check(ended == ["1", "1"], f"the batches ended as {ended}")
