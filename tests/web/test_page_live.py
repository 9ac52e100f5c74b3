"""A run's page while the run goes on: by its events, across reloads and losses of the server."""

import asyncio

from fakes import FakeModel, python
from typing_model import typed

from orchestrator.server_settings import ServerSettings

TWO_TURNS = [python("print('looked at', len(context))"), python("FINAL('forty-two')")]


async def begun(client, query="Which?", **body):
    """The id of a run that nobody waits for."""
    return (await client.post("/runs", json={"query": query, "context": "c" * 7} | body)).json()["run_id"]


async def test_a_run_is_shown_as_it_goes(serve, page):
    """The reply under way, the seconds that it takes, the code, the output and the answer, without a reload."""
    held = asyncio.Event()
    replies = [typed("I look first.\n" + TWO_TURNS[0], held=held), TWO_TURNS[1]]
    async with serve(FakeModel(replies)) as client:
        run_id = await begun(client)
        await page.open(f"{client.base_url}/visualize/{run_id}")
        await page.shows("The model is writing:")
        await page.until("document.querySelector('.stream').innerText.includes('looked at')")
        await page.until("/^\\d+\\.\\d s$/.test(document.querySelector('.clock').innerText)")
        before = float((await page.texts(".clock"))[0].split()[0])
        await asyncio.sleep(0.5)
        after = float((await page.texts(".clock"))[0].split()[0])
        assert await page.texts(".doing") == ["Turn 1: the model is writing"]
        assert (await page.texts(".status"), after > before) == (["Waiting for a model"], True)
        held.set()
        await page.shows("Answered")
        lines = await page.text()
        for line in ("Which?", "Answer", "forty-two", "Turn 1", "Turn 2", "I look first.", "looked at 7"):
            assert line in lines
        assert await page.run("document.querySelector('.stream')") is None


async def test_a_reload_in_the_middle_shows_all_so_far(serve, page):
    """The turns that are over, and the whole of the reply under way."""
    held = asyncio.Event()
    async with serve(FakeModel([TWO_TURNS[0], typed(TWO_TURNS[1], held=held)])) as client:
        run_id = await begun(client)
        await page.open(f"{client.base_url}/visualize/{run_id}")
        await page.until("document.querySelector('.stream')?.innerText.includes(\"FINAL('forty-two')\")")
        await page.reload()
        await page.until("document.querySelector('.stream')?.innerText.includes(\"FINAL('forty-two')\")")
        assert "looked at 7" in await page.text()
        held.set()
        await page.shows("Answered")


async def test_a_run_is_cancelled(serve, page):
    """By its button; it ends with what it has, and the button goes."""
    async with serve(FakeModel([TWO_TURNS[0], typed("never whole", held=asyncio.Event())])) as client:
        run_id = await begun(client)
        await page.open(f"{client.base_url}/visualize/{run_id}")
        await page.shows("The model is writing:")
        await page.click("button.danger")
        await page.shows("Cancelled")
        assert (await client.get(f"/runs/{run_id}")).json()["stopped"] == "cancelled"
        assert await page.run("document.querySelector('button.danger').offsetParent") is None


async def test_a_batch_of_sub_calls_is_one_row_that_opens(serve, page):
    """34 at once: in it each has the part of its prompt in which it differs; opened, its prompt and its reply."""
    code = "FINAL(len(llm_batch([f'Is this letter about the sea? Letter {n}' for n in range(34)])))"
    async with serve(FakeModel([python(code)])) as client:
        run_id = await begun(client)
        await page.open(f"{client.base_url}/visualize/{run_id}")
        await page.shows("Answered")
        assert (await page.texts(".group > summary .name")) == ["34 sub-calls at once: Is this letter about the sea? Letter"]
        await page.click(".group > summary")
        await page.until("document.querySelectorAll('[role=listitem]').length === 34")
        assert (await page.texts("[role=listitem] .name"))[6] == "7. … 6"
        await page.click("[role=listitem]:nth-child(7) summary")
        await page.shows("IS THIS LETTER ABOUT THE SEA? LETTER 6")


async def test_commands_and_a_json_answer_are_set_out(serve, page):
    """A command is a line, an answer of JSON has one field in each; numbers stay as they were written."""
    commands = (
        '{"op": "set", "name": "n", "value": 7}\n{"op": "final", "answer": "{\\"mean\\": 1.50, \\"words\\": ['
        + ", ".join(['\\"whale\\"'] * 20)
        + ']}"}'
    )
    async with serve(FakeModel([commands])) as client:
        run_id = await begun(client, protocol="json")
        await page.open(f"{client.base_url}/visualize/{run_id}")
        await page.shows("Answered")
        answer = await page.run("document.querySelector('pre.answer-text').textContent")
        first, second = (await page.run("document.querySelector('pre.code').textContent")).split("\n")[:2]
    assert answer.split("\n")[:4] == ["{", '  "mean": 1.50,', '  "words": [', '    "whale",']
    assert (first, second) == ('{"op": "set", "name": "n", "value": 7}', "{")


async def test_the_tokens_are_those_that_the_server_counts(serve, page):
    """The page adds up what its events say; so does the server."""
    replies = [python("llm_batch(['a', 'b'])"), typed(python("FINAL(1)"))]
    async with serve(FakeModel(replies)) as client:
        run_id = await begun(client)
        await page.open(f"{client.base_url}/visualize/{run_id}")
        await page.shows("Answered")
        await page.click(".usage summary")
        usage = (await client.get(f"/runs/{run_id}")).json()["usage"]
        row = await page.until("[...document.querySelectorAll('.usage tbody tr > *')].map(cell => cell.innerText).join('|')")
    [model] = usage["models"]
    assert row == f"{model}|4|{usage['prompt_tokens']:,}|0|{usage['completion_tokens']:,}|0|not known"


async def test_an_unknown_run_says_so(serve, page):
    """The problem's own words."""
    async with serve(FakeModel()) as client:
        await page.open(f"{client.base_url}/visualize/nope")
        await page.shows("there is no run 'nope'")
        assert (await page.text())[0] == "No such run"
    # The browser itself says that there was nothing.
    assert page.said
    page.said.clear()


async def test_a_run_that_waits_for_its_turn_says_so(serve, page):
    """Queued, until there is room for it."""
    async with serve(FakeModel([python("while True: pass"), TWO_TURNS[1]]), server=ServerSettings(max_runs=1)) as client:
        first = await begun(client, "first?")
        run_id = await begun(client, "second?")
        await page.open(f"{client.base_url}/visualize/{run_id}")
        await page.until("document.querySelector('.standing .status')?.innerText === 'Queued'")
        await client.post(f"/runs/{first}/cancel")
        await page.shows("Answered")


async def test_the_time_axis_shows_one_turn(serve, page):
    """Zoom and back: the bars of all rows lie on the same axis, which says in words what it shows."""
    async with serve(FakeModel(TWO_TURNS, delay=0.2)) as client:
        run_id = await begun(client)
        await page.open(f"{client.base_url}/visualize/{run_id}")
        await page.shows("Answered")
        width = "document.querySelector('.turn .bar.model').getBoundingClientRect().width"
        whole = await page.run(width)
        await page.click("button[aria-label='Zoom the time axis to turn 1']")
        await page.until(f"{width} > 1.1 * {whole}")
        await page.click(".axis button")
        await page.until(f"Math.abs({width} - {whole}) < 1")
        assert "for the root model" in await page.run("document.querySelector('canvas').ariaLabel")


async def test_a_page_that_nobody_sees_gives_its_connection_back(serve, page):
    """Browsers have six for all tabs; seen again, it goes on behind the last event."""
    hide = "Object.defineProperty(document, 'hidden', {{value: {0}, configurable: true}}); document.dispatchEvent(new Event('visibilitychange'))"
    held = asyncio.Event()
    async with serve(FakeModel([TWO_TURNS[0], typed(TWO_TURNS[1], held=held)])) as client:
        run_id = await begun(client)
        await page.open(f"{client.base_url}/visualize/{run_id}")
        await page.until("document.querySelector('.stream')?.innerText.includes('FINAL')")
        await page.run(hide.format("true"))
        held.set()
        # To its end.
        await client.get(f"/runs/{run_id}/events")
        await asyncio.sleep(0.3)
        assert await page.texts(".standing .status") == ["Waiting for a model"]
        await page.run(hide.format("false"))
        await page.shows("Answered")
        assert await page.texts(".turn-name") == ["Turn 1", "Turn 2"]


async def test_a_child_run_is_a_row_that_leads_to_its_page(serve, page):
    """It has what it was asked and what it answered; its page leads back."""
    replies = [python("FINAL(rlm_query('Which part?', 'abc'))"), python("FINAL(context)")]
    async with serve(FakeModel(replies)) as client:
        run_id = await begun(client, "Which whole?")
        await page.open(f"{client.base_url}/visualize/{run_id}")
        await page.shows("Answered")
        # What is within one that opens comes when it does.
        opened = "document.querySelectorAll('.subcalls details:not([open])').forEach((each) => { each.open = true; })"
        await page.until(f"({opened}, document.body.innerText.includes('The child run that answers it'))")
        assert "1 child run: Which part?" in " ".join(await page.texts(".subcalls"))
        child = await page.run("[...document.querySelectorAll('.subcalls a')].at(-1).getAttribute('href')")
        await page.open(f"{client.base_url}{child}")
        await page.shows("Which part?")
        await page.shows("abc")
        assert await page.run(f"document.querySelector('a[href$=\"{run_id}\"]') !== null")
