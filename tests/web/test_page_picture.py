"""README's picture of the page. `make picture` draws it anew."""

import asyncio
import json
import os
import re
from html import unescape
from xml.etree import ElementTree

from chromium import PICTURES
from drawing import draw, letters
from fakes import FakeModel, python
from processes import ROOT

PICTURE = ROOT / "demo" / "page.svg"
LETTERS = [f"{'The sea was calm' if n % 3 else 'The hills are green'} today, dear Ishmael. Yours, {n}." for n in range(34)]
REPLIES = [
    "I look at the letters first.\n\n" + python("print(len(context), 'letters')\nprint(context[0])"),
    "Each has to be read, so I ask a sub-model about all of them at once.\n\n"
    + python(
        "verdicts = llm_batch([f'Does this letter mention the sea? {letter}' for letter in context])\n"
        "sea = [n for n, verdict in enumerate(verdicts) if verdict == 'YES']\nprint(len(sea), 'of', len(context))"
    ),
    python("FINAL({'letters': len(context), 'mention the sea': len(sea), 'the first of them': sea[:3]})"),
]


class Slow(FakeModel):
    """Takes as long as a model might: the root nearly a second, a sub-call longer the later its letter is."""

    async def handle_async_request(self, request):
        if request.method == "POST":
            messages = json.loads(await request.aread())["messages"]
            is_root = messages[0]["role"] == "system"
            await asyncio.sleep(0.9 if is_root else 0.2 + int(re.findall(r"\d+", messages[0]["content"])[-1]) / 25)
        return await super().handle_async_request(request)


async def test_the_picture_is_of_this_page(serve, page):
    """Its headings, controls and blocks say what those of the page say; it has no script and nothing from elsewhere."""
    async with serve(Slow(REPLIES, sub=lambda prompt: "YES" if "sea was" in prompt else "NO")) as client:
        body = {"query": "How many of these letters mention the sea, and which are the first of them?", "documents": LETTERS}
        run_id = (await client.post("/query", json=body)).json()["run_id"]
        await page.resize(1000, 2400)
        await page.open(f"{client.base_url}/visualize/{run_id}")
        await page.until("document.querySelector('.standing .answered')?.innerText")
        await page.run("new Promise(done => setTimeout(done, 500))")
        drawn, named = await draw(page, ".turn:nth-child(2)")
    page.said.clear()  # the browser has advice on reading the canvas
    PICTURES.mkdir(parents=True, exist_ok=True)
    (PICTURES / "page.svg").write_text(drawn)
    if os.environ.get("PICTURE"):
        PICTURE.write_text(drawn)
    shown = PICTURE.read_text()
    ElementTree.fromstring(shown)  # noqa: S314  (our own file)
    # All together: another font breaks lines elsewhere.
    texts = "".join(letters(unescape(each)) for each in re.findall(r"<text[^>]*>([^<]*)</text>", shown))
    assert [each for each in named if each not in texts] == []
    assert re.findall(r"<script|href|url\(|<image|<foreignObject|\son\w+=", shown) == []
    assert len(shown) < 60_000
