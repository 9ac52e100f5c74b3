"""The pages without a mouse, and without eyes: keys, names, roles, headings, what is said by itself."""

import asyncio
import itertools

import pytest
from fakes import FakeModel, python
from typing_model import typed

ANSWERED = "document.querySelector('.standing .answered')?.innerText"
FOCUSED = "document.activeElement.innerText || document.activeElement.value || document.activeElement.tagName"
OPERATED = {
    "button",
    "link",
    "textbox",
    "searchbox",
    "combobox",
    "radio",
    "spinbutton",
    "checkbox",
    "Date",
    "DisclosureTriangle",
}
TURNS = [python("verdicts = llm_batch(['a', 'b', 'c'])\nprint(verdicts)"), python("1 / 0"), python("FINAL('done')")]


async def tree(page):
    """Each node that is not ignored: (role, name)."""
    nodes = (await page.send("Accessibility.getFullAXTree"))["nodes"]
    return [(each["role"]["value"], each.get("name", {}).get("value", "")) for each in nodes if not each["ignored"]]


async def tab_to(page, script, most=60):
    """Presses Tab until the focus is where the script says."""
    for _ in range(most):
        await page.press("Tab")
        if await page.run(f"(at => {script})(document.activeElement)"):
            return
    raise AssertionError(f"never reached by Tab: {script}")


async def test_a_question_is_asked_by_keys_alone(serve, page):
    """Tab, text, arrows and Enter: asked, watched, and a turn closed and opened."""
    async with serve(FakeModel([python("FINAL(context.count('whale'))")])) as client:
        await page.open(f"{client.base_url}/visualize")
        await page.until("!!document.querySelector('.ask')")
        await tab_to(page, "at.matches('.ask textarea[required]')")
        await page.send("Input.insertText", text="How many whales?")
        await tab_to(page, "at.matches('.tabs input')")
        await page.press("ArrowRight")
        await page.shows("Or drop them here.")
        await page.press("ArrowLeft")
        await tab_to(page, "at.matches('.context textarea')")
        await page.send("Input.insertText", text="a whale")
        await tab_to(page, "at.matches('.ask button.primary')")
        await page.press("Enter")
        await page.until(ANSWERED)
        await tab_to(page, "at.matches('.turn-name')")
        await page.press("Enter")
        await page.until("document.querySelector('.turn-name').ariaExpanded === 'false'")
        await page.press("Enter")
        await page.until("document.querySelector('.turn-name').ariaExpanded === 'true'")


async def test_turns_are_reached_by_j_and_k(serve, page):
    """Not while something is written."""
    async with serve(FakeModel(TURNS)) as client:
        run_id = (await client.post("/query", json={"query": "Which?", "context": "c"})).json()["run_id"]
        await page.open(f"{client.base_url}/visualize/{run_id}")
        await page.until(ANSWERED)
        reached = []
        for key in "jjjk":
            await page.press(key)
            reached.append(await page.run("document.activeElement.ariaLabel"))
        await page.click(".next textarea")
        await page.press("j")
        assert reached == ["Turn 1", "Turn 2", "Turn 3", "Turn 2"]
        assert await page.run("document.querySelector('.next textarea').value") == "j"


async def test_a_fork_by_keys_has_the_focus(serve, page):
    """Its form opens with the focus in it; closed, it is gone."""
    async with serve(FakeModel(TURNS)) as client:
        run_id = (await client.post("/query", json={"query": "Which?", "context": "c"})).json()["run_id"]
        await page.open(f"{client.base_url}/visualize/{run_id}")
        await page.until(ANSWERED)
        await tab_to(page, "at.ariaLabel === 'Fork from turn 1'")
        await page.press("Enter")
        await page.until("document.activeElement.value === 'code'")
        await page.press("ArrowDown")
        assert await page.run("document.activeElement.value") == "reply"
        await tab_to(page, "at.innerText === 'Close'")
        await page.press("Enter")
        await page.until("!document.querySelector('form.fork')")
        assert await page.run("document.activeElement.ariaLabel") == "Fork from turn 1"


@pytest.mark.parametrize("path", ["", "/RUN"])
async def test_everything_has_a_name_and_a_place(serve, page, path):
    """Controls and pictures have names, ids are there once, headings leave out no level, the page has its landmarks."""
    async with serve(FakeModel(TURNS)) as client:
        run_id = (await client.post("/query", json={"query": "Which?", "context": "c"})).json()["run_id"]
        await page.open(f"{client.base_url}/visualize{path.replace('RUN', run_id)}")
        await page.until(ANSWERED if path else "document.querySelectorAll('ul.runs a').length === 1")
        await page.run("document.querySelectorAll('summary').forEach(each => each.click())")
        if path:
            await page.run("document.querySelector('button[aria-label^=Fork]').click()")
            await page.until("!!document.querySelector('form.fork')")
        found = await tree(page)
        levels = await page.run(
            "[...document.querySelectorAll('h1, h2, h3, h4, h5')].filter(each => each.checkVisibility()).map(each => Number(each.tagName[1]))"
        )
        twice = await page.run(
            "(ids => ids.filter((id, place) => ids.indexOf(id) < place))([...document.querySelectorAll('[id]')].map(each => each.id))"
        )
        lost = await page.run(
            "[...document.querySelectorAll('[aria-describedby], [aria-controls], label[for]')].map(each => each.getAttribute('for') ?? each.getAttribute('aria-controls') ?? each.getAttribute('aria-describedby')).filter(id => !document.getElementById(id))"
        )
    roles = {role for role, _ in found}
    assert [each for each in found if each[0] in OPERATED | {"image", "region", "form"} and not each[1].strip()] == []
    assert {"main", "navigation", "banner"} <= roles
    assert (levels[0], [pair for pair in itertools.pairwise(levels) if pair[1] > pair[0] + 1]) == (1, [])
    assert (twice, lost) == ([], [])


async def test_what_happens_is_said(serve, page):
    """To who does not see it: that the run waits, the turns, the end; not each piece of a reply."""
    held = asyncio.Event()
    async with serve(FakeModel([TURNS[0], typed(TURNS[2], held=held)])) as client:
        run_id = (await client.post("/runs", json={"query": "Which?", "context": "c"})).json()["run_id"]
        await page.open(f"{client.base_url}/visualize/{run_id}")
        await page.until("document.querySelector('.stream')?.innerText.includes('FINAL')")
        live = "[...document.querySelectorAll('[aria-live], [role=status], [role=alert]')]"
        assert await page.run(f"{live}.some(each => each.textContent.includes('FINAL'))") is False
        held.set()
        await page.until("document.getElementById('told').textContent.startsWith('Answered, after')")


async def test_nothing_moves_for_who_wants_it_still(serve, page):
    """prefers-reduced-motion: no animation."""
    async with serve(FakeModel([typed("x", held=asyncio.Event())])) as client:
        run_id = (await client.post("/runs", json={"query": "Which?", "context": "c"})).json()["run_id"]
        await page.open(f"{client.base_url}/visualize/{run_id}")
        await page.shows("Waiting for a model")
        moving = "document.getAnimations().length"
        assert await page.run(moving) == 1
        await page.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-reduced-motion", "value": "reduce"}])
        assert await page.run(moving) == 0
        await client.post(f"/runs/{run_id}/cancel")
        await page.shows("Cancelled")
