"""The list of runs: the newest first, found by what is asked of it."""

import re

from fakes import FakeModel, python


async def asked(client, *queries):
    for query in queries:
        await client.post("/query", json={"query": query, "context": "c"})


LINKS = "ul.runs a"


async def test_the_list_shows_the_runs(serve, page):
    """The newest first, each with how it ended, when it began, its model and its answer."""
    async with serve(FakeModel([python("FINAL('one')"), *["no code"] * 5])) as client:
        await asked(client, "first?", "second?")
        await page.open(f"{client.base_url}/visualize")
        await page.until(f"document.querySelectorAll('{LINKS}').length === 2")
        assert await page.texts(LINKS) == ["second?", "first?"]
        second, first = [[line for line in each.split("\n") if line] for each in await page.texts("ul.runs li")]
    assert first[:2] == ["first?", "one"]
    assert re.fullmatch(r"Answered · just now · fake · 1 turn · 15 tokens · \d+ ms", "".join(first[2:]))
    assert re.match(r"Repeated reply · just now · fake · 4 turns · 75 tokens", "".join(second[2:]))


async def test_a_run_that_begins_comes_into_the_list(serve, page):
    """Without a reload."""
    async with serve(FakeModel([python("FINAL(1)")])) as client:
        await page.open(f"{client.base_url}/visualize")
        await page.shows("No run yet: ask something.")
        await asked(client, "new?")
        await page.shows("new?")


async def test_older_runs_come_by_a_button(serve, page):
    """Behind those that are there; the button goes with the last of them."""
    async with serve(FakeModel([python("FINAL(1)")] * 51)) as client:
        await asked(client, *(f"{number}?" for number in range(51)))
        await page.open(f"{client.base_url}/visualize")
        await page.until(f"document.querySelectorAll('{LINKS}').length === 50")
        await page.click("ul.runs + button")
        await page.until(f"document.querySelectorAll('{LINKS}').length === 51")
        assert (await page.texts(LINKS))[-2:] == ["1?", "0?"]
        assert await page.run("document.querySelector('ul.runs + button').offsetParent") is None


async def test_the_list_is_searched_and_filtered(serve, page):
    """By words and by how runs ended; the filters are in the address, so that a reload keeps them."""
    async with serve(FakeModel([python("FINAL('a whale')"), *["no code"] * 5, python("FINAL('a ship')")])) as client:
        await asked(client, "Who swims?", "What broke?", "What floats?")
        await page.open(f"{client.base_url}/visualize")
        await page.until(f"document.querySelectorAll('{LINKS}').length === 3")
        await page.write("input[type=search]", "whale")
        await page.until(f"document.querySelectorAll('{LINKS}').length === 1")
        assert await page.texts(LINKS) == ["Who swims?"]
        await page.write("input[type=search]", "What")
        await page.until(f"document.querySelectorAll('{LINKS}').length === 2")
        await page.run(
            "(status => { status.value = 'repeated_reply'; status.dispatchEvent(new Event('input')); })"
            "(document.querySelector('.filters select'))"
        )
        await page.until(f"document.querySelectorAll('{LINKS}').length === 1")
        assert await page.texts(LINKS) == ["What broke?"]
        await page.reload()
        await page.until(f"document.querySelectorAll('{LINKS}').length === 1")
        assert await page.texts(LINKS) == ["What broke?"]
        await page.write("input[type=search]", "nothing like it")
        await page.shows("No run is like that.")


async def test_a_date_of_today_keeps_the_runs_of_today(serve, page):
    """And one of long ago none."""
    async with serve(FakeModel([python("FINAL(1)")])) as client:
        await asked(client, "today?")
        await page.open(f"{client.base_url}/visualize")
        await page.shows("today?")
        today = await page.run("new Date().toLocaleDateString('sv')")
        for day, shown in ((today, "today?"), ("2001-01-01", "No run is like that.")):
            for field in (1, 2):
                await page.run(
                    f"(date => {{ date.value = '{day}'; date.dispatchEvent(new Event('input')); }})"
                    f"(document.querySelectorAll('input[type=date]')[{field - 1}])"
                )
            await page.shows(shown)
