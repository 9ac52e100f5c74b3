"""In a real headless Chromium: what a reader of /visualize sees, that nothing of a run becomes markup or script, and what the
pages of another site can do."""

import asyncio
import contextlib
import json
import os
import re
import shutil

import pytest
from fakes import FakeModel, python
from serving import serving

from orchestrator.server_settings import ServerSettings

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
# CI installs it: there its absence is a failure. Elsewhere these tests say that they were not run.
if CHROMIUM is None and not os.environ.get("CI"):
    pytest.skip("no Chromium here (Debian: apt-get install chromium)", allow_module_level=True)

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-sync",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--enable-logging=stderr",
    "--virtual-time-budget=3000",
]
HOSTILE = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"


@pytest.fixture
def browse(tmp_path):
    """await browse(url): (the document after its scripts have run, what the browser's console says)"""

    async def browse(url, *flags):
        assert CHROMIUM, "Chromium is missing: .ci/run installs it"
        command = [CHROMIUM, *FLAGS, *flags, f"--user-data-dir={tmp_path}", "--dump-dom", url]
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=pipe)
        try:
            async with asyncio.timeout(60):
                document, log = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
        return document.decode(), re.findall(r'CONSOLE.*?"(.*)", source', log.decode())

    return browse


def text_of(document):
    """The text of the main part, one line an element."""
    main = document[document.index("<main") : document.index("</main>")]
    return [line for line in re.sub(r"<[^>]*>", "\n", main).split("\n") if line.strip()]


async def test_the_list_shows_the_runs(engine, browse):
    """The newest first, each a link."""
    async with serving(engine, FakeModel([python("FINAL(1)"), python("FINAL(2)")])) as client:
        for query in ("first?", "second?"):
            await client.post("/query", json={"query": query, "context": "c"})
        document, console = await browse(f"{client.base_url}/visualize")
    assert [line for line in text_of(document) if line.endswith("?")] == ["second?", "first?"]
    assert len(re.findall(r'<a href="/visualize/[^"]+">', document)) == 2
    assert console == []


async def test_older_runs_are_a_link_away(engine, browse):
    """From the list, page by page; the last one has no such link."""
    async with serving(engine, FakeModel([python("FINAL(1)")] * 51)) as client:
        for number in range(51):
            await client.post("/query", json={"query": f"{number}?", "context": "c"})
        first, _ = await browse(f"{client.base_url}/visualize")
        [older] = re.findall(r'<a href="([^"]*)">Older runs</a>', first)
        second, console = await browse(f"{client.base_url}/visualize{older}")
    assert [line for line in text_of(second) if line.endswith("?")] == ["0?"]
    assert ("Older runs" in second, console) == (False, [])


async def test_a_run_is_shown_turn_by_turn(engine, browse):
    """Prompt, coloured code, output, sub-calls as bars that begin together, the answer."""
    replies = [python("print(len(context))\nhalves = llm_batch(['left', 'right'])"), python("FINAL(' '.join(halves))")]
    async with serving(engine, FakeModel(replies, delay=0.05)) as client:
        run_id = (await client.post("/query", json={"query": "Which?", "context": "c" * 7})).json()["run_id"]
        document, console = await browse(f"{client.base_url}/visualize/{run_id}")
    lines = text_of(document)
    for line in (
        "Which?",
        "Answer",
        "LEFT RIGHT",
        "Turn 1",
        "Turn 2",
        "Prompt: what the model was told",
        "sub-call 1",
        "sub-call 2",
    ):
        assert line in lines
    assert '<span class="provided">context</span>' in document
    assert "<span class=\"string\">'left'</span>" in document
    bars = re.findall(r'<span class="bar sub" style="margin-left: ([\d.]+)%; width: ([\d.]+)%', document)
    assert len(bars) == 2
    (left, width), (other_left, _) = ([float(each) for each in bar] for bar in bars)
    assert abs(left - other_left) < width / 2
    assert console == []


async def test_what_a_run_holds_stays_text(engine, browse):
    """Markup in the query, the code, the output, an error, a sub-call and the answer is shown, never interpreted."""
    code = f"hostile = {HOSTILE!r}\nprint(hostile)\nllm_query(hostile)\nFINAL(hostile)"
    replies = [f"{HOSTILE}\n{python(f'raise ValueError({HOSTILE!r})')}", python(code)]
    async with serving(engine, FakeModel(replies, sub=lambda prompt: HOSTILE)) as client:
        run_id = (await client.post("/query", json={"query": HOSTILE, "context": HOSTILE})).json()["run_id"]
        document, console = await browse(f"{client.base_url}/visualize/{run_id}")
    assert re.findall(r"<(?:img|script)[^>]*>", document) == ['<script src="/visualize/assets/visualize.js" type="module">']
    assert document.count("&lt;img src=x") >= 8
    assert re.search(r"<title>(.*?)</title>", document)[1].startswith("&lt;img")
    assert console == []


async def test_an_unknown_run_says_so(engine, browse):
    """The problem's own words."""
    async with serving(engine, FakeModel()) as client:
        document, _ = await browse(f"{client.base_url}/visualize/nope")
    assert text_of(document) == ["there is no run 'nope'; it may have been forgotten ([store] in config.toml)"]


EVIL = "--host-resolver-rules=MAP evil.example 127.0.0.1"
QUERY = {"query": "whose?", "context": "c"}
# What the page of another site finds out, and does, when its own name has come to mean this server.
REBOUND = f"""<main></main><script>
const asked = [fetch("/runs"), fetch("/query", {{method: "POST", headers: {{"content-type": "application/json"}}, body: {json.dumps(json.dumps(QUERY))}}})];
Promise.all(asked.map(each => each.then(async answer => `${{answer.status}} ${{await answer.text()}}`)))
  .then(said => document.querySelector("main").innerText = said.join("\\n"));
</script>"""
# Read as JSON, what this form sends is a query.
FORM = """<form method="post" enctype="text/plain" action="{url}/query"><input name='{{"query": "whose?", "context": "' value='"}}'></form>
<script>document.forms[0].submit()</script>"""


@contextlib.asynccontextmanager
async def other_site(page, port):
    """The address of a page of evil.example, whose name means the server at that port from the second request on."""

    async def answer(reader, writer):
        with contextlib.closing(writer):
            head = await reader.readuntil(b"\r\n\r\n")
            if head.startswith(b"GET / "):
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close\r\n\r\n" + page.encode())
                await writer.drain()
                return
            length = re.search(rb"content-length: (\d+)", head.lower())
            body = await reader.readexactly(int(length[1])) if length else b""
            theirs, ours = await asyncio.open_connection("127.0.0.1", port)
            with contextlib.closing(ours):
                ours.write(head.replace(b"Connection: keep-alive", b"Connection: close") + body)
                writer.write(await theirs.read())
                await writer.drain()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"http://evil.example:{server.sockets[0].getsockname()[1]}/"


@pytest.mark.parametrize(
    ("hosts", "statuses", "runs"),
    [
        ((), ["403", "403"], []),
        (("evil.example",), ["200", "200"], ["whose?"]),  # so the page does ask
    ],
)
async def test_a_name_that_comes_to_mean_this_server_opens_nothing(engine, browse, hosts, statuses, runs):
    """DNS rebinding: the page is of the same origin as what it asks; only a name that is configured is one of ours."""
    async with serving(engine, FakeModel([python("FINAL(1)")]), server=ServerSettings(hosts=hosts)) as client:
        async with other_site(REBOUND, client.base_url.port) as url:
            document, _ = await browse(url, EVIL)
        found = [each["query"] for each in (await client.get("/runs")).json()["runs"]]
    assert ([line.split()[0] for line in text_of(document)], found) == (statuses, runs)


async def test_a_form_of_another_site_starts_no_run(engine, browse):
    """It is sent, as text that is JSON, and refused."""
    async with serving(engine, FakeModel([python("FINAL(1)")])) as client:
        async with other_site(FORM.format(url=client.base_url), client.base_url.port) as url:
            document, _ = await browse(url, EVIL)
        assert (await client.get("/runs")).json()["runs"] == []
    assert '"detail":"requests from pages of other sites are refused"' in document
