"""What can be done from a run's page: fork it, ask a next question, execute it again, take its journal along, delete it."""

import pytest
from fakes import FakeModel, python

FINISHED = "document.querySelector('.standing .answered')?.innerText"
TURNS = [python("number = 20 + 1"), python("FINAL(number * 2)")]


async def shown(client, page, run_id):
    await page.open(f"{client.base_url}/visualize/{run_id}")
    await page.until(FINISHED)


async def ask(client, query="Which?", **body):
    return (await client.post("/query", json={"query": query, "context": "c"} | body)).json()["run_id"]


async def other_run(page, run_id):
    """The id of the run that the page has gone on to, once it is answered."""
    await page.until(f"!location.pathname.endsWith({run_id!r}) && {FINISHED}")
    return (await page.run("location.pathname")).split("/")[-1]


async def test_a_run_is_forked_with_other_code(serve, page):
    """The code of a turn is edited and run on: what came before is kept, and the model goes on from there."""
    model = FakeModel([*TURNS, python("FINAL(number * 2)")])
    async with serve(model) as client:
        run_id = await ask(client)
        await shown(client, page, run_id)
        await page.click("button[aria-label='Fork from turn 1']")
        await page.until("document.querySelector('form.fork textarea')?.value === 'number = 20 + 1'")
        await page.write("form.fork textarea", "number = 50")
        await page.click("form.fork button.primary")
        fork = await other_run(page, run_id)
        assert await page.texts("pre.answer-text") == ["100"]
        await page.shows(f"Fork of run {run_id[:8]} from turn 1.")
        assert len(model.root_messages) == 3
        await shown(client, page, run_id)
        await page.shows(f"Forked into run {fork[:8]}")


@pytest.mark.parametrize(("way", "field"), [(2, "textarea"), (4, "input[type=number]")])
async def test_a_run_is_forked_by_a_reply_or_by_limits(serve, page, way, field):
    """A reply stands in for the model's; under other limits the model is asked anew."""
    async with serve(FakeModel([*TURNS, python("FINAL('anew')")])) as client:
        run_id = await ask(client)
        await shown(client, page, run_id)
        await page.click("button[aria-label='Fork from turn 2']")
        await page.click(f"form.fork .choice:nth-of-type({way}) label")
        await page.write(f"form.fork div:not([hidden]) > {field}:enabled", "9" if way == 4 else "FINAL(anew)")
        await page.click("form.fork button.primary")
        await other_run(page, run_id)
        assert await page.texts("pre.answer-text") == ["anew"]


async def test_a_run_is_forked_with_another_model(serve, page):
    """One of those that are configured."""
    async with serve(FakeModel([*TURNS, python("FINAL('anew')")])) as client:
        run_id = await ask(client)
        await shown(client, page, run_id)
        await page.click("button[aria-label='Fork from turn 1']")
        await page.click("form.fork .choice:nth-of-type(3) label")
        await page.until("document.querySelectorAll('form.fork option').length === 2")
        await page.run("(each => { each.selectedIndex = 1; })(document.querySelector('form.fork select'))")
        await page.click("form.fork button.primary")
        await other_run(page, run_id)
        assert await page.texts("pre.answer-text") == ["anew"]


async def test_a_next_question_has_the_variables(serve, page):
    """It goes on after the run, whose question and answer it shows."""
    async with serve(FakeModel([*TURNS, python("FINAL(number)")])) as client:
        run_id = await ask(client)
        await shown(client, page, run_id)
        await page.write(".next textarea", "And half of it?")
        await page.click(".next button.primary")
        await other_run(page, run_id)
        assert (await page.texts("h1"), await page.texts("pre.answer-text")) == (["And half of it?"], ["21"])
        await page.shows(f"Goes on after run {run_id[:8]}.")
        assert await page.texts(".earlier") == ["Asked before: Which? → 42"]
        assert await page.texts(".turn-name") == ["Turn 1"]


async def test_a_run_is_executed_again(serve, page):
    """The server compares, the page says what it found."""
    async with serve(FakeModel(TURNS)) as client:
        run_id = await ask(client)
        await shown(client, page, run_id)
        await page.click(".actions button:first-of-type")
        await page.shows("Identical: 2 cells came to the same again.")


async def test_journal_and_script_are_taken_along(serve, page):
    """As files, named by the run."""
    async with serve(FakeModel(TURNS)) as client:
        run_id = await ask(client)
        await shown(client, page, run_id)
        links = await page.run(
            "[...document.querySelectorAll('.actions a[download]')].map(each => [each.innerText, each.pathname, each.download])"
        )
        assert links == [
            ["Journal", f"/runs/{run_id}/journal", f"{run_id}.jsonl"],
            ["Script", f"/runs/{run_id}/script", f"{run_id}.py"],
        ]
        for _, path, _ in links:
            assert (await client.get(path)).status_code == 200


async def test_a_run_is_deleted_by_a_second_press(serve, page):
    """The first one only asks; then the list is there, without it."""
    async with serve(FakeModel(TURNS)) as client:
        run_id = await ask(client)
        await shown(client, page, run_id)
        await page.click(".actions button:last-of-type")
        await page.shows("Really delete?")
        assert (await client.get(f"/runs/{run_id}")).status_code == 200
        await page.click(".actions button:last-of-type")
        await page.shows("No run yet: ask something.")
        assert (await client.get(f"/runs/{run_id}")).status_code == 404


async def test_another_question_about_the_same_context(serve, page):
    """A link from the run to where it is asked, with that context chosen."""
    async with serve(FakeModel([*TURNS, python("FINAL(context)")])) as client:
        await client.post("/contexts", content="another", headers={"content-type": "text/plain"})
        await shown(client, page, await ask(client))
        await page.click(".actions a:last-of-type")
        await page.until(
            "document.querySelector('.held input:checked') && document.querySelectorAll('.held input').length === 2"
        )
        await page.write(".ask textarea[required]", "What is it?")
        await page.click(".ask button.primary")
        await page.until(FINISHED)
        assert await page.texts("pre.answer-text") == ["c"]
