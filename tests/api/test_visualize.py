"""The pages: nothing from outside, nothing inline, no data in the markup."""

import re
from pathlib import Path
from typing import get_args

import pytest
from fakes import FakeModel, python
from serving import serving

from orchestrator.api.visualize import WEB
from orchestrator.journal.events import AnyEvent

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/visualize", "text/html; charset=utf-8"),
        ("/visualize/some-run", "text/html; charset=utf-8"),
        ("/visualize/assets/visualize.css", "text/css; charset=utf-8"),
        ("/visualize/assets/visualize.js", "text/javascript; charset=utf-8"),
        ("/visualize/assets/highlight.js", "text/javascript; charset=utf-8"),
    ],
)
async def test_a_page_is_served_under_a_strict_policy(engine, path, kind):
    """Only its own script, style and data."""
    async with serving(engine, FakeModel()) as client:
        response = await client.get(path)
    assert (response.status_code, response.headers["content-type"]) == (200, kind)
    assert response.headers["content-security-policy"] == POLICY


async def test_untrusted_text_is_in_no_page(engine):
    """The page of a run is the same file whatever the run holds; its data is JSON."""
    query = "<script>alert(1)</script>"
    async with serving(engine, FakeModel([python("FINAL('<b>')")])) as client:
        run_id = (await client.post("/query", json={"query": query, "context": "c"})).json()["run_id"]
        page = await client.get(f"/visualize/{run_id}")
        data = await client.get(f"/runs/{run_id}")
    assert page.content == (WEB / "visualize.html").read_bytes()
    assert (data.headers["content-type"], data.json()["query"]) == ("application/json", query)


def test_the_page_has_nothing_inline_and_nothing_from_outside():
    """No address, no inline script or style, no way to put in markup, in any of its files."""
    texts = {path.name: path.read_text() for path in WEB.rglob("*.*")}
    pages = "".join(text for name, text in texts.items() if name.endswith(".html"))
    scripts = "".join(text for name, text in texts.items() if name.endswith(".js"))
    assert {Path(name).suffix for name in texts} == {".html", ".css", ".js"}
    assert re.findall(r"https?://", "".join(texts.values())) == []
    assert re.findall(r"<style|<script>|\son\w+=|\sstyle=", pages) == []
    assert re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|srcdoc", scripts) == []


def test_the_page_knows_every_event():
    """A type that it does not listen for would be missing, in silence."""
    script = (WEB / "assets" / "events.js").read_text()
    listened = re.search(r"const JOURNALED =([^;]*);", script)[1]
    assert set(re.findall(r"[a-z_]+", listened)) == {each.__struct_config__.tag for each in get_args(AnyEvent)}


def test_every_file_of_the_page_is_short():
    """One concept in each; under 300 lines."""
    assert [path.name for path in WEB.rglob("*.*") if len(path.read_text().splitlines()) >= 300] == []


async def test_only_the_pages_own_files_are_served(engine):
    """A name that is not one of them is a problem, whatever it looks like."""
    async with serving(engine, FakeModel()) as client:
        for name in ("app.py", "visualize.html", "..%2Fapp.py"):
            response = await client.get(f"/visualize/assets/{name}")
            assert response.status_code == 404
