"""Which requests come in: for this server, from its own pages or listed ones, as JSON."""

import asyncio
import json

import pytest
from fakes import FakeModel, python
from serving import serving

from orchestrator.server_settings import ServerSettings

SETTINGS = ServerSettings(hosts=("rlm.example", "[fd00::7]"), origins=("https://tools.example", "http://tools.example:8000"))
QUERY = {"query": "q", "context": "c"}
JSON = {"content-type": "application/json"}


class Answers(FakeModel):
    """1, to everything."""

    async def handle_async_request(self, request):
        self.replies = [python("FINAL(1)")]
        return await super().handle_async_request(request)


@pytest.fixture
async def client(engine):
    async with serving(engine, Answers(), server=SETTINGS) as client:
        yield client


def refusal(detail, status=403, title="Forbidden"):
    return status, {"type": "about:blank", "title": title, "status": status, "detail": detail}


OTHER_HOST = refusal("the Host header names another server: server.hosts lists the names of this one")
OTHER_SITE = refusal("requests from pages of other sites are refused")


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "LocalHost:1", "localhost.", "127.0.0.1:8080", "127.9.9.9", "[::1]:80", "[0:0:0:0:0:0:0:1]"),
        *("rlm.example", "RLM.Example.:443", "[fd00:0::7]:80"),
    ],
)
async def test_a_request_for_this_server_comes_in(client, host):
    """Loopback by any of its names, and the names that are configured, at any port and in any case."""
    assert (await client.get("/runs", headers={"host": host})).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        *(
            "evil.example",
            "localhost.evil.example",
            "evil.example:localhost",
            "xlocalhost",
            "127.0.0.1.evil.example",
            "0.0.0.0",  # noqa: S104  (nothing is bound to it: browsers once took it for this machine)
        ),
        *("localhost@evil.example", "evil.example#localhost", "127.1", "2130706433", "0x7f.0.0.1", "[::1", "[::ffff:7f00:1]"),
        *("", "localhost:", "localhost:x", "localhost..", "localhost,evil.example", "rlm.example.evil", "10.0.0.1", "model"),
    ],
)
async def test_a_request_for_another_host_is_refused(client, host):
    """So a page whose name was bound to this machine (DNS rebinding) learns nothing, whatever it asks for."""
    for path in ("/runs", "/health", "/nowhere"):
        response = await client.get(path, headers={"host": host})
        assert (response.status_code, response.json()) == OTHER_HOST


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /runs HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n", 403),
        (b"GET /runs HTTP/1.1\r\nHost: localhost\r\nhOST: localhost\r\n", 403),
        (b"GET /runs HTTP/1.1\r\n", 403),
        (b"GET /runs HTTP/1.0\r\n", 403),
        (b"GET /runs HTTP/1.1\r\nHost : localhost\r\n", 400),
        (b"GET /runs HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: localhost\r\n", 403),
        (b"GET http://localhost/runs HTTP/1.1\r\nHost: evil.example\r\n", 400),
        (b"GET http://evil.example/runs HTTP/1.1\r\nHost: localhost\r\n", 400),
        (b"GET /runs HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\nOrigin: http://evil.example\r\n", 403),
        (b"GET /runs HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: none\r\nSec-Fetch-Site: cross-site\r\n", 403),
        (b"GET /runs HTTP/1.1\r\nHost: localhost\r\n", 200),
    ],
)
async def test_a_header_that_can_be_read_in_two_ways_is_refused(client, head, status):
    """Two hosts, none, one in the address; only the last of these requests has nothing wrong."""
    reader, writer = await asyncio.open_connection("127.0.0.1", client.base_url.port)
    writer.write(head + b"Connection: close\r\n\r\n")
    async with asyncio.timeout(10):
        line = await reader.readline()
    writer.close()
    assert int(line.split()[1]) == status


@pytest.mark.parametrize(
    "headers",
    [
        *({"sec-fetch-site": site} for site in ("cross-site", "same-site", "", "new-kind")),
        *(
            {"origin": origin}
            for origin in (
                *("http://evil.example", "null", "", "http://localhost:3000", "http://localhost:8080.evil.example", "file://"),
                *("http://user@localhost:8080", "http://localhost:8080/", "https://tools.example:8443"),
                *("http://tools.example", "https://TOOLS.example.evil", "chrome-extension://abc", "localhost:8080"),
            )
        ),
    ],
)
async def test_a_page_of_another_site_is_refused(client, headers):
    """By its Origin, or where a browser sends none by what it says of the site; nothing was made."""
    headers |= {"host": "localhost:8080"}
    response = await client.post("/query", json=QUERY, headers=headers)
    assert (response.status_code, response.json()) == OTHER_SITE
    assert "access-control-allow-origin" not in response.headers
    assert (await client.get("/runs")).json() == {"runs": [], "next": None}


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://localhost:8080", "sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "none"},
        {"host": "rlm.example", "origin": "https://rlm.example"},
        {"host": "[::1]:8080", "origin": "http://[::1]:8080"},
    ],
)
async def test_an_own_page_may_ask(client, headers):
    """Behind a proxy it may be https."""
    response = await client.post("/query", json=QUERY, headers={"host": "localhost:8080"} | headers)
    assert (response.status_code, response.json()["answer"]) == (200, "1")


async def test_a_listed_site_may_ask_and_read(client):
    """Its browser asks first, and is told what it may send; cookies are not among that."""
    site = {"origin": "https://tools.example", "sec-fetch-site": "cross-site"}
    asked = await client.options("/query", headers=site | {"access-control-request-method": "POST"})
    response = await client.post("/query", json=QUERY, headers=site)
    missing = await client.get("/runs/nowhere", headers=site)
    assert (asked.status_code, response.status_code, missing.status_code) == (204, 200, 404)
    assert {name: value for name, value in asked.headers.items() if name.startswith("access-control")} == {
        "access-control-allow-methods": "GET, HEAD, POST, DELETE",
        "access-control-allow-headers": "Authorization, Content-Type, X-Request-ID, X-RLM-Key, X-RLM-Model, X-RLM-Provider, X-RLM-Sub-Model",
        "access-control-max-age": "600",
        "access-control-allow-origin": "https://tools.example",
        "access-control-expose-headers": "Retry-After, X-Request-ID",
    }
    for each in (response, missing):
        assert (each.headers["access-control-allow-origin"], each.headers["vary"]) == ("https://tools.example", "Origin")


async def test_a_page_of_another_site_may_not_even_ask_first(client):
    """Its browser then sends nothing."""
    headers = {"origin": "http://evil.example", "access-control-request-method": "POST"}
    response = await client.options("/query", headers=headers)
    assert (response.status_code, response.json()) == OTHER_SITE


FORM = "application/x-www-form-urlencoded"
OURS = {"origin": "http://localhost", "host": "localhost"}


@pytest.mark.parametrize(
    ("headers", "detail"),
    [
        ({"content-type": "text/plain"}, "content-type: 'text/plain' is not read: send application/json"),
        ({"content-type": "multipart/form-data"}, "content-type: 'multipart/form-data' is not read: send application/json"),
        ({"content-type": FORM} | OURS, f"content-type: {FORM} is not read from a page: send application/json"),
        (OURS, "content-type: none is not read from a page: send application/json"),
        ({"content-type": "text/plain; application/json"}, "content-type: 'text/plain' is not read: send application/json"),
    ],
)
async def test_a_body_that_a_form_can_send_is_no_query(client, headers, detail):
    """Browsers send these without asking first."""
    response = await client.post("/query", content=json.dumps(QUERY), headers=headers)
    assert (response.status_code, response.json()) == refusal(detail, 415, "Unsupported Media Type")


@pytest.mark.parametrize("kind", ["application/json", "Application/JSON; charset=utf-8", "application/x+json", FORM, None])
async def test_a_program_sends_json_as_it_does(client, kind):
    """curl -d says that it is a form; others say nothing."""
    headers = {"content-type": kind} if kind else {}
    response = await client.post("/query", content=json.dumps(QUERY), headers=headers)
    assert (response.status_code, response.json()["answer"]) == (200, "1")


@pytest.mark.parametrize(("kind", "status"), [("text/plain", 201), ("application/octet-stream", 201), (FORM, 415), (None, 415)])
async def test_a_page_of_ours_sends_texts_with_their_type(client, kind, status):
    """To /contexts, which takes any other type as a text."""
    response = await client.post("/contexts", content=b"text", headers=OURS | ({"content-type": kind} if kind else {}))
    assert response.status_code == status
