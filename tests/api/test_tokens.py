"""Who may ask: tokens, sign-in, what belongs to whom, how much at once, and what the log says of it."""

import asyncio
import json

import httpx
import pytest
import structlog
from fakes import FakeModel, python
from serving import serving, serving_app

from orchestrator.api import tokens
from orchestrator.api.tokens import Tokens
from orchestrator.config import OpenAISettings, Settings
from orchestrator.contexts.store import ContextStore
from orchestrator.errors import ConfigError, NoRoom
from orchestrator.opening import Orchestrator
from orchestrator.server_settings import AuthSettings, ServerSettings, TokenSettings

ANN, BOB = "ann-0123456789-abcdefghij", "bob-0123456789-abcdefghij"
QUERY = {"query": "q", "context": "c"}


def token(name, **limits):
    return TokenSettings(name=name, token_env=f"TOKEN_{name.upper()}", **limits)


def bearer(secret):
    return {"authorization": f"Bearer {secret}"}


@pytest.fixture(autouse=True)
def secrets(monkeypatch):
    monkeypatch.setenv("TOKEN_ANN", ANN)
    monkeypatch.setenv("TOKEN_BOB", BOB)


class Answers(FakeModel):
    """1, to everything."""

    code = "FINAL(1)"

    async def handle_async_request(self, request):
        self.replies = [python(self.code)]
        return await super().handle_async_request(request)


def two(engine, model=None, **limits):
    """A server that ann, with limits, and bob may ask."""
    auth = AuthSettings(tokens=(token("ann", **limits), token("bob")))
    return serving(engine, model or Answers(), auth=auth, server=ServerSettings(origins=("https://tools.example",)))


def detail(response):
    return response.status_code, response.json()["detail"]


async def test_a_replay_is_one_of_the_runs_of_its_token(engine):
    """While it waits, too; it ends if its caller goes away."""
    auth, model = AuthSettings(tokens=(token("ann", max_runs=2),)), Answers()
    async with serving(engine, model, auth=auth, server=ServerSettings(max_runs=1)) as client:
        client.headers.update(bearer(ANN))
        path = f"/runs/{(await client.post('/query', json=QUERY)).json()['run_id']}/replay"
        model.code = "while True: pass"
        going = (await client.post("/runs", json=QUERY)).json()["run_id"]
        replaying = asyncio.create_task(client.post(path))
        await asyncio.sleep(0.2)
        refused = await client.post("/runs", json=QUERY)
        replaying.cancel()
        async with asyncio.timeout(5):
            while (await client.post("/runs", json=QUERY)).status_code != 202:  # noqa: ASYNC110  (another task)
                await asyncio.sleep(0.02)
        await client.post(f"/runs/{going}/cancel")
    assert detail(refused) == (429, "this token may have 2 runs at once (auth.tokens.max_runs)")


async def test_a_token_reads_so_many_streams_at_once(engine, monkeypatch):
    """One that ends makes room."""
    monkeypatch.setattr(tokens, "MOST_STREAMS", 1)
    async with two(engine, Answers(delay=3600)) as client:
        client.headers.update(bearer(ANN))
        path = f"/runs/{(await client.post('/runs', json=QUERY)).json()['run_id']}/events"
        async with client.stream("GET", path) as first:
            pieces = first.aiter_bytes()  # held: httpx closes a response whose iterator is gone
            await anext(pieces)
            refused = await client.get(path)
        async with asyncio.timeout(5):
            while True:
                async with client.stream("GET", path) as again:
                    if again.status_code == 200:
                        break
                await asyncio.sleep(0.02)
    assert detail(refused) == (429, "this token may read 1 streams of events at once")


NONE = (401, "send a token of this server: Authorization: Bearer TOKEN")
WRONG = (401, "the token in the Authorization header is none of this server's")


@pytest.mark.parametrize(
    ("auth", "host", "message"),
    [
        (
            AuthSettings(),
            "0.0.0.0",  # noqa: S104  (nothing is bound)
            "server.host: 0.0.0.0 can be reached from other machines: list who may ask in [[auth.tokens]], or say auth.allow_anonymous = true if everybody may",
        ),
        (
            AuthSettings(tokens=(token("eve"),)),
            "127.0.0.1",
            "auth.tokens[0].token_env: the environment variable TOKEN_EVE is not set",
        ),
        (AuthSettings(tokens=(token("ann"), token("ann"))), "127.0.0.1", "auth.tokens: two have the same name"),
        (
            AuthSettings(tokens=(token("ann"), TokenSettings(name="eve", token_env="TOKEN_ANN"))),
            "127.0.0.1",
            "auth.tokens: two are the same token",
        ),
        (
            AuthSettings(tokens=(TokenSettings(name="eve", token_env="SHORT"),)),
            "127.0.0.1",
            "auth.tokens[0].token_env: the environment variable SHORT has no token: at least 20 characters of ASCII without spaces",
        ),
    ],
)
def test_a_server_that_nobody_guards_does_not_start(monkeypatch, auth, host, message):
    """The message says what to do, and shows no token."""
    monkeypatch.setenv("SHORT", "too-short")
    with pytest.raises(ConfigError) as error:
        Tokens(auth, ServerSettings(host=host))
    assert str(error.value) == message


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_loopback_needs_no_token(host):
    """As before; a network does not either if everybody may ask."""
    assert Tokens(AuthSettings(), ServerSettings(host=host)).callers == []
    assert Tokens(AuthSettings(allow_anonymous=True), ServerSettings(host="rlm.example")).callers == []


@pytest.mark.parametrize(
    "path",
    [
        "/runs",
        "/runs/x",
        "/contexts",
        "/providers",
        "/metrics",
        "/visualize",
        "/schema/openapi.json",
        "/nowhere",
        "//health",
        "/",
    ],
)
async def test_without_a_token_nothing_is_there(engine, path):
    """Not even what is not."""
    async with two(engine) as client:
        response = await client.get(path)
    assert detail(response) == NONE
    assert (response.headers["content-type"], response.headers["www-authenticate"]) == ("application/problem+json", "Bearer")


@pytest.mark.parametrize("path", ["/health", "/health/ready"])
async def test_health_is_open(engine, path):
    """Whoever watches it needs no token."""
    async with two(engine) as client:
        assert (await client.get(path)).status_code == 200


@pytest.mark.parametrize(
    "given",
    [
        *(f"Bearer {ANN[:-1]}", f"Bearer {ANN}x", f"Bearer {ANN.upper()}", "Bearer", f"Basic {ANN}", ANN, ""),
        *(f"Bearer {ANN},{BOB}", f"Bearer {ANN} {ANN}", "Bearer \xe9".encode("latin-1"), f"Bearer ann.{ANN}"),
    ],
)
async def test_what_is_no_token_is_401(engine, given):
    """A part of one, one in another case, one with more."""
    async with two(engine) as client:
        assert detail(await client.get("/runs", headers={"authorization": given})) == WRONG


async def test_two_tokens_are_none(engine):
    """Whoever stands between could have read the other one."""
    async with two(engine) as client:
        headers = [("authorization", f"Bearer {ANN}"), ("authorization", f"Bearer {ANN}")]
        assert detail(await client.get("/runs", headers=headers)) == WRONG


async def test_what_one_has_made_is_not_there_for_another(engine):
    """Runs, journals, metrics and contexts: the answer is that of something that never was."""
    async with two(engine) as client:
        run = (await client.post("/query", json=QUERY, headers=bearer(ANN))).json()["run_id"]
        context = (await client.post("/contexts", content="mine", headers=bearer(ANN))).json()["context_id"]
        paths = [f"/runs/{run}{part}" for part in ("", "/journal", "/metrics")]
        paths += [f"/contexts/{context}{part}" for part in ("", "/text", "/lines")]
        for path in paths:
            theirs = await client.get(path, headers=bearer(BOB))
            never = await client.get(path.replace(run, "0" * 32).replace(context, "0" * 64), headers=bearer(BOB))
            assert theirs.status_code == 404
            assert theirs.text == never.text.replace("0" * 64, context).replace("0" * 32, run)
            assert (await client.get(path, headers=bearer(ANN))).status_code == 200
        about = {"query": "q", "context_id": context}
        assert (await client.post("/query", json=about, headers=bearer(BOB))).status_code == 404
        assert (await client.delete(f"/contexts/{context}", headers=bearer(BOB))).status_code == 404
        assert (await client.get("/runs", headers=bearer(BOB))).json() == {"runs": [], "next": None}
        assert (await client.get("/contexts", headers=bearer(BOB))).json() == {"contexts": []}
        assert (await client.post("/query", json=about, headers=bearer(ANN))).json()["answer"] == "1"


async def test_a_context_that_both_have_sent_is_each_ones_own(engine):
    """One lets go of it, and the other still has it."""
    async with two(engine) as client:
        [one, other] = [
            (await client.post("/contexts", content="the same", headers=bearer(each))).json()["context_id"]
            for each in (ANN, BOB)
        ]
        await client.delete(f"/contexts/{one}", headers=bearer(ANN))
        assert one == other
        assert (await client.get(f"/contexts/{one}", headers=bearer(BOB))).status_code == 200


async def test_the_journal_says_whose_run_it_is(engine):
    """So that it can belong to them for longer than the process lives."""
    async with two(engine) as client:
        run = (await client.post("/query", json=QUERY, headers=bearer(ANN))).json()["run_id"]
        journal = (await client.get(f"/runs/{run}/journal", headers=bearer(ANN))).text
    assert '"owner":"ann"' in journal.splitlines()[0]


async def test_replies_are_given_again_to_the_same_token_alone(engine):
    """Nobody learns from the cache what others asked."""
    provider = OpenAISettings(model="fake", base_url="http://model/v1", cache=True)
    settings = Settings(providers=(provider,), auth=AuthSettings(tokens=(token("ann"), token("bob"))))
    model = FakeModel([python("FINAL(llm_query('p'))")] * 3, sub=lambda prompt: "r")
    async with serving_app(Orchestrator(settings, print, engine=engine, transport=model)) as client:
        paid = []
        for each in (ANN, ANN, BOB):
            await client.post("/query", json=QUERY, headers=bearer(each))
            paid.append(len(model.sub_prompts))
    assert paid == [1, 1, 2]


async def test_more_requests_than_its_own_are_429(engine):
    """With when to ask again; another token's are not touched."""
    async with two(engine, requests_per_minute=3) as client:
        statuses = [(await client.get("/runs", headers=bearer(ANN))).status_code for _ in range(3)]
        refused = await client.get("/runs", headers=bearer(ANN))
        other = await client.get("/runs", headers=bearer(BOB))
    assert (statuses, other.status_code) == ([200] * 3, 200)
    assert detail(refused) == (429, "this token may send 3 requests a minute (auth.tokens.requests_per_minute)")
    assert 1 <= int(refused.headers["retry-after"]) <= 20


async def test_more_runs_than_its_own_are_429(engine):
    """Until one of them has ended."""
    model = FakeModel([python("FINAL(1)")] * 3, delay=0.5)
    async with two(engine, model, max_runs=1) as client:
        first = asyncio.create_task(client.post("/query", json=QUERY, headers=bearer(ANN)))
        await asyncio.sleep(0.2)
        refused = await client.post("/query", json=QUERY, headers=bearer(ANN))
        other = await client.post("/query", json=QUERY, headers=bearer(BOB))
        assert ((await first).status_code, other.status_code) == (200, 200)
        again = await client.post("/query", json=QUERY, headers=bearer(ANN))
    assert detail(refused) == (429, "this token may have 1 runs at once (auth.tokens.max_runs)")
    assert (refused.headers["retry-after"], again.status_code) == ("1", 200)


async def test_runs_that_outlive_a_server_are_still_a_tokens(engine):
    """After a restart they count as those that it begins."""
    model = FakeModel([python("FINAL(1)")], delay=3600)
    async with two(engine, model, max_runs=1) as client:
        assert (await client.post("/runs", json=QUERY, headers=bearer(ANN))).status_code == 202
    async with two(engine, model, max_runs=1) as client:
        async with asyncio.timeout(20):
            while (await client.get("/runs", headers=bearer(ANN))).json()["runs"][0]["status"] != "waiting":  # noqa: ASYNC110  (over HTTP)
                await asyncio.sleep(0.1)
        refused = await client.post("/runs", json=QUERY, headers=bearer(ANN))
        assert detail(refused) == (429, "this token may have 1 runs at once (auth.tokens.max_runs)")
        assert (await client.post("/query", json=QUERY | {"detach": False}, headers=bearer(ANN))).status_code == 429


async def test_more_bytes_than_its_own_are_507(engine):
    """Of all contexts that are kept for it; what it used longest ago leaves first."""
    async with two(engine, max_bytes=1000) as client:
        refused = await client.post("/contexts", content=b"x" * 2000, headers=bearer(ANN))
        other = await client.post("/contexts", content=b"x" * 2000, headers=bearer(BOB))
    assert detail(refused) == (507, "the context has more than 1000 bytes (context_bytes, or max_bytes of its token)")
    assert other.status_code == 201


async def test_runs_that_are_gone_on_with_keep_no_more_than_their_token_may(engine, tmp_path):
    """Before who has it asks anything: what their child runs are over is kept for it, too."""
    contexts = ContextStore(tmp_path)
    settings = Settings(
        providers=(OpenAISettings(model="fake", base_url="http://model/v1"),),
        auth=AuthSettings(tokens=(token("ann", max_bytes=1000),)),
    )
    Orchestrator(settings, print, engine=engine, contexts=contexts)
    with pytest.raises(NoRoom) as error:
        contexts.of("ann").add_text("x" * 2000)
    assert str(error.value) == "the context has more than 1000 bytes (context_bytes, or max_bytes of its token)"


PAGE = {"accept": "text/html,*/*"}


async def test_a_browser_signs_in(engine):
    """The page asks for a token, and then is there; the cookie does not hold the token, and no script reads it."""
    async with two(engine) as client:
        asked, *others = [await client.get(path, headers=PAGE) for path in ("/visualize", "/visualize/x", "/", "/runs")]
        files = [await client.get(f"/visualize/assets/{name}") for name in ("sign_in.js", "visualize.css")]
        wrong = await client.post("/sign-in", json={"token": ANN[:-1]})
        signed = await client.post("/sign-in", json={"token": ANN})
        page = await client.get("/visualize", headers=PAGE)
        runs = await client.get("/runs")
    assert (asked.status_code, "<title>Sign in</title>" in asked.text) == (401, True)
    assert [each.text == asked.text for each in others] == [True, True, False]
    assert [each.status_code for each in files] == [200, 200]
    assert detail(wrong) == (401, "this is no token of this server")
    assert (signed.status_code, page.status_code, runs.status_code) == (204, 200, 200)
    cookie = signed.headers["set-cookie"]
    assert sorted(part.strip().lower() for part in cookie.split(";")[1:]) == ["httponly", "path=/", "samesite=strict"]
    assert ANN not in cookie


async def test_a_cookie_is_for_our_own_pages(engine):
    """Another site's page, a listed one too, does nothing in the name of who is signed in here."""
    async with two(engine) as client:
        await client.post("/sign-in", json={"token": ANN})
        listed = await client.get("/runs", headers={"origin": "https://tools.example"})
        other = await client.get("/runs", headers={"origin": "http://localhost:3000"})
        with_token = await client.get("/runs", headers={"origin": "https://tools.example"} | bearer(ANN))
    assert detail(listed) == NONE
    assert detail(other) == (403, "requests from pages of other sites are refused")
    assert with_token.status_code == 200


@pytest.mark.parametrize("change", ["ended", "longer", "name", "digest", "twice", "junk"])
async def test_a_cookie_that_was_changed_is_none(engine, change):
    """Its time, its name or its signature; or another beside it."""
    ann = Tokens(AuthSettings(tokens=(token("ann"),)), ServerSettings()).callers[0]
    good = ann.sign(4_000_000_000)
    value = {
        "ended": ann.sign(1_000_000_000),
        "longer": good.replace("4000000000", "4000000001"),
        "name": good.replace("ann.", "bob."),
        "digest": good[:-1] + ("0" if good[-1] != "0" else "1"),
        "twice": f"{good}; rlm_session={good}",
        "junk": "a.²³.b",
    }[change]
    async with two(engine) as client:
        cookie = f"rlm_session={value}".encode()
        assert detail(await client.get("/runs", headers=[(b"cookie", cookie)])) == NONE
        assert (await client.get("/runs", headers={"cookie": f"a=b; rlm_session={good}"})).status_code == 200


@pytest.mark.parametrize("body", [b"", b"{", b'{"token": 1}', b'{"token": "x", "y": 1}', b"\xff", b"[" * 5000])
async def test_what_is_no_sign_in_is_refused(engine, body):
    """Whatever it is, in one line."""
    async with two(engine) as client:
        response = await client.post("/sign-in", content=body, headers={"content-type": "application/json"})
    assert detail(response) == (400, 'send {"token": TOKEN}')


async def test_the_log_says_who_did_what(engine):
    """What is made, read, ended or refused, by whom and how much: no question, no context, no token."""
    lines = []
    structlog.configure(processors=[lambda _logger, _method, event: lines.append(event) or json.dumps(event, default=str)])
    try:
        async with two(engine) as client:
            sent = {"query": "a secret question", "context": "a secret context"}
            run = (await client.post("/query", json=sent, headers=bearer(ANN))).json()["run_id"]
            await client.get(f"/runs/{run}", headers=bearer(BOB))
            await client.get("/runs/a%20secret", headers=bearer(ANN))
            made = (await client.post("/contexts", content="secret text", headers=bearer(ANN))).json()["context_id"]
            await client.delete(f"/contexts/{made}", headers=bearer(ANN))
            await client.get("/nowhere/secret", headers=bearer("secret"))
            await client.get("/health")
    finally:
        structlog.reset_defaults()
    audit = [line for line in lines if line["event"] == "audit"]
    assert [(line["who"], line["what"], line["of"], line["status"], line["received"]) for line in audit] == [
        ("ann", "POST /query", "", 200, len(json.dumps(sent, separators=(",", ":")))),
        ("bob", "GET /runs/{run_id}", run, 404, 0),
        ("ann", "GET /runs/{run_id}", "", 404, 0),
        ("ann", "POST /contexts", made, 201, 11),
        ("ann", "DELETE /contexts/{context_id}", made, 204, 0),
        ("", "GET ", "", 401, 0),
    ]
    assert "secret" not in json.dumps(lines, default=str)


async def test_a_client_reads_its_page_with_a_token(engine):
    """A program may read the pages too; without a token it is told in JSON."""
    async with two(engine) as client:
        assert detail(await client.get("/visualize", headers={"accept": "application/json"})) == NONE
        page = await client.get("/visualize", headers=bearer(ANN))
    assert isinstance(page, httpx.Response)
    assert page.status_code == 200
