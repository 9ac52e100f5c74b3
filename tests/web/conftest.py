"""One browser for all pages; each test has a tab with cookies and caches of its own."""

import contextlib
import os
from collections.abc import AsyncIterator

import pytest
from chromium import CHROMIUM, chromium
from serving import serving


@pytest.fixture(scope="session")
async def browser(tmp_path_factory) -> AsyncIterator:
    # CI installs it: there its absence is a failure. Elsewhere these tests say that they were not run.
    if CHROMIUM is None and not os.environ.get("CI"):
        pytest.skip("no Chromium here (Debian: apt-get install chromium)")
    async with chromium(tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


@pytest.fixture
async def page(browser) -> AsyncIterator:
    """A tab, whose console said nothing when the test is over."""
    async with browser.page() as page:
        yield page
        assert page.said == []


@pytest.fixture
def serve(engine, page):
    """async with serve(model, **settings) as client: a server, which the page leaves before it ends."""

    @contextlib.asynccontextmanager
    async def serve(model, **settings):
        async with serving(engine, model, **settings) as client:
            try:
                yield client
            finally:
                await page.open("about:blank")

    return serve
