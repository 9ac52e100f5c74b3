"""How the pages look: at every width, in light and dark. The pictures are in build/pictures, for a person to look at."""

import pytest
from fakes import FakeModel, python

REPLIES = [
    "I look at the letters first.\n\n"
    + python(
        "import re\nletters = re.split(r'^LETTER \\d+\\n', context, flags=re.MULTILINE)[1:]\nprint(len(letters), 'letters')\nprint(letters[0])"
    ),
    "Each has to be read, so I ask a sub-model about all of them at once.\n\n"
    + python(
        "verdicts = llm_batch([f'Does this letter mention the sea?\\n\\n{each}' for each in letters])\nsea = [n for n, verdict in enumerate(verdicts) if 'SEA' in verdict]"
    ),
    python("1 / 0"),
    python(
        "FINAL({'letters': len(letters), 'mention the sea': len(sea), 'of which the first is': letters[sea[0]][:60], 'share': 0.5})"
    ),
]
LETTERS = "".join(
    f"LETTER {n}\nDear Ishmael, {'the sea was calm' if n % 2 else 'the hills are green'} today. Yours, {n}.\n"
    for n in range(34)
)
# Of each text that is seen, the contrast with what is behind it: those that are too low (WCAG 2.2, 1.4.3), with their ratio.
CONTRAST = """(() => {
    const paper = new OffscreenCanvas(1, 1).getContext("2d", {willReadFrequently: true});
    const rgba = colour => {
        paper.clearRect(0, 0, 1, 1); paper.fillStyle = colour; paper.fillRect(0, 0, 1, 1);
        const [r, g, b, a] = paper.getImageData(0, 0, 1, 1).data; return [r, g, b, a / 255];
    };
    const over = (top, below) => top.slice(0, 3).map((each, i) => each * top[3] + below[i] * (1 - top[3]));
    const light = rgb => rgb.map(each => (each /= 255) <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4)
        .reduce((sum, each, i) => sum + each * [0.2126, 0.7152, 0.0722][i], 0);
    const behind = node => node ? over(rgba(getComputedStyle(node).backgroundColor), behind(node.parentElement)) : [255, 255, 255];
    const found = new Map();
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const node = walker.currentNode.parentElement;
        if (!walker.currentNode.data.trim() || !node.checkVisibility() || node.closest("option, .unseen, .skip, :disabled")) continue;
        const style = getComputedStyle(node), below = behind(node);
        const [one, other] = [light(over(rgba(style.color), below)), light(below)].sort((a, b) => b - a);
        const ratio = (one + 0.05) / (other + 0.05);
        if (ratio < 4.5) found.set(`${node.className || node.tagName} ${ratio.toFixed(2)}`, walker.currentNode.data.slice(0, 30));
    }
    return [...found];
})()"""
WIDE = """[document.documentElement.scrollWidth > innerWidth, [...document.querySelectorAll("main *")]
    .filter(each => each.checkVisibility() && each.getBoundingClientRect().right > innerWidth + 1 && !each.closest(".wide, pre, .unseen, .drop"))
    .map(each => each.outerHTML.slice(0, 100))]"""


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [360, 768, 1440])
async def test_a_page_fits_and_is_read_easily(serve, page, width, dark):
    """Nothing is wider than the window, every text has the contrast that it needs: on the page of a run and on that of all."""
    async with serve(FakeModel(REPLIES)) as client:
        response = await client.post(
            "/query",
            json={"query": "How many of these letters mention the sea, and which are the first of them?", "context": LETTERS},
        )
        await page.resize(width, 900, dark=dark)
        await page.open(f"{client.base_url}/visualize/{response.json()['run_id']}")
        await page.until("document.querySelector('.standing .answered')?.innerText")
        await page.click(".usage summary")
        await page.click(".group > summary")
        await page.click("[role=listitem] summary")
        await page.click("button[aria-label='Fork from turn 2']")
        await page.until("document.querySelector('form.fork')?.innerText")
        await page.run("scrollTo(0, 0)")
        await page.picture(f"run {width} {'dark' if dark else 'light'}", whole=True)
        assert (await page.run(CONTRAST), await page.run(WIDE)) == ([], [False, []])
        await page.resize(width, 900, dark=dark)
        await page.open(f"{client.base_url}/visualize")
        await page.until("document.querySelectorAll('ul.runs a').length === 1")
        await page.run("document.querySelectorAll('summary').forEach(each => each.click())")
        await page.picture(f"ask {width} {'dark' if dark else 'light'}", whole=True)
        assert (await page.run(CONTRAST), await page.run(WIDE)) == ([], [False, []])
