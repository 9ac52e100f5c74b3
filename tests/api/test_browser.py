"""In a real headless Chromium: what the pages of another site can do. tests/web has the server's own."""

import asyncio
import contextlib
import json
import os
import re

import pytest
from chromium import CHROMIUM, FLAGS
from fakes import FakeModel, python
from serving import serving

from orchestrator.server_settings import ServerSettings

# CI installs it: there its absence is a failure. Elsewhere these tests say that they were not run.
if CHROMIUM is None and not os.environ.get("CI"):
    pytest.skip("no Chromium here (Debian: apt-get install chromium)", allow_module_level=True)


@pytest.fixture
def browse(tmp_path):
    """await browse(url): the document after its scripts have run."""

    async def browse(url, *flags):
        assert CHROMIUM, "Chromium is missing: .ci/run installs it"
        own = ["--virtual-time-budget=3000", f"--user-data-dir={tmp_path}", "--dump-dom"]
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(CHROMIUM, *FLAGS, *flags, *own, url, stdout=pipe, stderr=pipe)
        try:
            async with asyncio.timeout(60):
                document, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
        return document.decode()

    return browse


def text_of(document):
    """The text of the main part, one line an element."""
    main = document[document.index("<main") : document.index("</main>")]
    return [line for line in re.sub(r"<[^>]*>", "\n", main).split("\n") if line.strip()]


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
            document = await browse(url, EVIL)
        found = [each["query"] for each in (await client.get("/runs")).json()["runs"]]
    assert ([line.split()[0] for line in text_of(document)], found) == (statuses, runs)


async def test_a_form_of_another_site_starts_no_run(engine, browse):
    """It is sent, as text that is JSON, and refused."""
    async with serving(engine, FakeModel([python("FINAL(1)")])) as client:
        async with other_site(FORM.format(url=client.base_url), client.base_url.port) as url:
            document = await browse(url, EVIL)
        assert (await client.get("/runs")).json()["runs"] == []
    assert '"detail":"requests from pages of other sites are refused"' in document
