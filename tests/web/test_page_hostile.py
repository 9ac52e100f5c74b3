"""Whatever a caller, a model or a guest writes: it is shown as text, bounded, and executes nothing."""

import pytest
from fakes import FakeModel, python

MARKUP = "<img src=x onerror=\"window.owned=1\"><script>window.owned=1</script><svg onload='window.owned=1'><a href='javascript:owned=1'>x</a>"
ANSI = "\x1b[31mred\x1b]8;;http://evil\x07link\x00"
TURNED = "safe\u202etxt.exe\u2066\u2029"
HOSTILE = f"{MARKUP} {ANSI} {TURNED}"
ENDED = "document.querySelector('.standing .answered, .standing .failed')?.innerText"
OWNED = """[window.owned, document.title === "owned", document.querySelectorAll("main img, main svg, main script, main iframe").length,
    [...document.querySelectorAll("a")].filter(each => each.protocol !== location.protocol).length]"""
LONG = 5_000_000  # characters


async def hostile_run(client):
    """A run of which everything that can be is hostile: question, reply, code, output, error, sub-calls, answer."""
    await client.post("/contexts", content=f"{MARKUP} {TURNED}".encode(), headers={"content-type": "text/plain"})
    body = {"query": HOSTILE.replace("\x00", ""), "context": HOSTILE}
    return (await client.post("/query", json=body)).json()["run_id"]


def replies():
    return [
        f"{HOSTILE}\n\n{python(f'raise ValueError({HOSTILE!r})')}",
        HOSTILE,
        python(f"hostile = {HOSTILE!r}\nprint(hostile)\nllm_batch([hostile, hostile + '2'])\nFINAL(hostile)"),
    ]


async def open_everything(page):
    """Until the prompts and replies of both sub-calls are there, the innermost of all."""
    await page.resize(1024, 8000)  # what is far from the window is not made
    open_more = "document.querySelectorAll('details:not([open]) > summary').forEach(each => each.click())"
    await page.until(f"({open_more}, document.querySelectorAll('[role=listitem] pre').length === 4)")


async def test_markup_stays_text(serve, page):
    """In the question, replies, code, output, an error, sub-calls and the answer, and in the list: nothing of it is an element."""
    async with serve(FakeModel(replies(), sub=lambda prompt: HOSTILE)) as client:
        run_id = await hostile_run(client)
        await page.open(f"{client.base_url}/visualize/{run_id}")
        await page.until(ENDED)
        await open_everything(page)
        await page.picture("hostile", whole=True)
        assert (await page.run("document.body.textContent")).count("<img src=x") >= 12
        assert await page.run(OWNED) == [None, False, 0, 0]
        await page.open(f"{client.base_url}/visualize")
        await page.until("document.querySelectorAll('ul.runs a').length === 1")
        await page.click(".tabs label:nth-of-type(3)")
        await page.until("[...document.querySelectorAll('.begins')].some(each => each.innerText.includes('<img'))")
        assert await page.run(OWNED) == [None, False, 0, 0]


async def test_what_would_hide_or_turn_text_is_seen(serve, page):
    """Escapes of terminals, NUL and marks of direction stand there as signs; nothing of the page turns around."""
    async with serve(FakeModel(replies(), sub=lambda prompt: HOSTILE)) as client:
        run_id = await hostile_run(client)
        await page.open(f"{client.base_url}/visualize/{run_id}")
        await page.until(ENDED)
        await open_everything(page)
        answer = await page.run("document.querySelector('pre.answer-text').textContent")
        everything = await page.run("document.body.textContent + document.title")
    assert "␛[31mred␛]8;;http://evil␇link␀ safe⟨U+202E⟩txt.exe⟨U+2066⟩⟨U+2029⟩" in answer
    assert [each for each in "\x00\x07\x1b\u202e\u2066\u2029" if each in everything] == []


async def test_five_megabytes_are_shown_by_their_beginning(serve, page):
    """A prompt, a reply and an answer of 5 MB: the page is there at once; all of it comes when it is asked for."""
    code = python(f"text = 'x' * {LONG - 1} + '!'\nllm_query(text)\nprint(text)\nFINAL(text)")
    async with serve(FakeModel([code], sub=lambda prompt: prompt)) as client:
        run_id = (await client.post("/query", json={"query": "Which?", "context": "c"})).json()["run_id"]
        await page.open(f"{client.base_url}/visualize/{run_id}")
        await page.until(ENDED)
        await page.click(".group summary")
        await page.click("[role=listitem] summary")
        await page.until("document.querySelectorAll('[role=listitem] pre').length === 2")
        assert await page.run("document.body.textContent.length") < 100_000
        shown = "document.querySelector('pre.answer-text').textContent"
        assert await page.texts(".answer .more button") == ["Show all 5,000,000 characters"]
        await page.click(".answer .more button")
        await page.until(f"{shown}.length === {LONG}")
        assert await page.run(f"{shown}.endsWith('x!')")
        assert await page.run("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize(
    "answer",
    ["[" * 3000 + "]" * 3000, '{"a": ' * 500 + "1" + "}" * 500, "[1, 2", '{"__proto__": {"polluted": 1}, "constructor": 2}'],
)
async def test_json_that_is_deep_broken_or_sly_is_only_text(serve, page, answer):
    """It is set out if it can be, and never more than text."""
    async with serve(FakeModel([python(f"FINAL({answer!r})")])) as client:
        run_id = (await client.post("/query", json={"query": "Which?", "context": "c"})).json()["run_id"]
        await page.open(f"{client.base_url}/visualize/{run_id}")
        await page.until(ENDED)
        shown = await page.run("document.querySelector('pre.answer-text').textContent")
        assert ("".join(shown.split()), await page.run("({}).polluted")) == ("".join(answer.split()), None)
