"""Models that a caller brings: allowed or not, where their key goes, and where it never is."""

import contextlib
import logging

import httpx
import pytest
from backends import ModelBackend, refusal
from fakes import FakeModel, python
from serving import serving

from orchestrator.config import OwnKeySettings

KEY = "sk-a-callers-own-key"
ALLOWED = OwnKeySettings(allow_own_keys=True, own_key_hosts=("127.0.0.1",))
QUESTION = {"query": "What is it?", "context": "the context"}


def headers(provider, **others):
    return {"X-RLM-Provider": provider, "X-RLM-Model": "theirs", "X-RLM-Key": KEY} | others


def answer(messages):
    return python("FINAL(llm_query('a'))") if messages[0]["role"] == "system" else "from their sub-model"


@contextlib.asynccontextmanager
async def server_of_theirs(engine, own_keys=ALLOWED, **model):
    """(a client of a server that allows own keys, the model server of a caller)."""
    async with ModelBackend(answer, **model).running() as theirs, serving(engine, FakeModel(), own_keys=own_keys) as client:
        yield client, theirs


async def test_a_run_goes_to_the_callers_models_with_the_callers_key(engine):
    """Sub-calls too; the operator's model gets nothing."""
    async with server_of_theirs(engine) as (client, theirs):
        result = (await client.post("/query", json=QUESTION, headers=headers(theirs.url))).json()
    assert (result["answer"], list(result["usage"]["models"])) == ("from their sub-model", ["theirs"])
    assert [f"authorization: bearer {KEY}" in head for head in theirs.heads] == [True, True]


async def test_the_key_is_kept_nowhere(engine, caplog, capsys):
    """Not in the journal, the run, the result, or the log; the journal says that there was one."""
    caplog.set_level(logging.DEBUG)
    async with server_of_theirs(engine) as (client, theirs):
        response = await client.post("/debug", json=QUESTION, headers=headers(theirs.url))
        run_id = response.json()["run_id"]
        kept = [await client.get(f"/runs/{run_id}{what}") for what in ("", "/journal", "/metrics")]
    shown = response.text + "".join(each.text for each in kept) + caplog.text + "".join(capsys.readouterr())
    assert KEY not in shown
    assert '"own_key":true' in kept[1].text


async def test_a_key_that_the_server_repeats_is_not_shown(engine):
    """As none of the operator's is."""

    async def refuse(writer, text):
        writer.write(refusal("401 Unauthorized", body=f'{{"error": "wrong key {KEY}"}}'.encode()))

    async with server_of_theirs(engine, behaviours=[refuse]) as (client, theirs):
        result = (await client.post("/query", json=QUESTION, headers=headers(theirs.url))).json()
    assert (result["stopped"], "***" in result["error"], KEY in result["error"]) == ("provider_error", True, False)


async def test_a_key_that_a_reply_repeats_is_not_shown(engine):
    """A server, or a proxy before it, may write headers into what it answers."""

    def echo(messages):
        return python(f"FINAL(llm_query('a') + ' {KEY}')") if messages[0]["role"] == "system" else f"my key is {KEY}"

    async with ModelBackend(echo).running() as theirs, serving(engine, FakeModel(), own_keys=ALLOWED) as client:
        result = (await client.post("/debug", json=QUESTION, headers=headers(theirs.url))).json()
        journal = (await client.get(f"/runs/{result['run_id']}/journal")).text
    assert result["answer"] == "my key is *** ***"
    assert KEY not in journal


@pytest.mark.parametrize(
    ("own_keys", "sent", "status", "detail"),
    [
        (OwnKeySettings(), headers("openai"), 403, "own keys are not allowed by this server (own_keys.allow_own_keys)"),
        (
            ALLOWED,
            headers("https://elsewhere.example/v1"),
            403,
            "own keys go to known providers and to hosts that the operator lists, not to 'elsewhere.example'",
        ),
        (
            ALLOWED,
            headers("http://10.0.0.1/v1"),
            403,
            "own keys go to known providers and to hosts that the operator lists, not to '10.0.0.1'",
        ),
        (
            OwnKeySettings(allow_own_keys=True),
            headers("ollama"),
            403,
            "own keys go to known providers and to hosts that the operator lists, not to '127.0.0.1'",
        ),
        (ALLOWED, headers("scripted"), 400, "X-RLM-Provider: scripted takes no key"),
        (
            ALLOWED,
            headers("nobody"),
            400,
            "X-RLM-Provider: it must be a provider_type whose address is known, or a base_url that begins with https://",
        ),
        (
            ALLOWED,
            {"X-RLM-Key": KEY},
            400,
            "own keys: the headers X-RLM-Provider, X-RLM-Model and X-RLM-Key go together; no x-rlm-provider",
        ),
        (ALLOWED, headers("openai", **{"X-RLM-Model": "m" * 1001}), 400, "x-rlm-model: it has more than 1000 characters"),
        (
            ALLOWED,
            headers("openai", **{"X-RLM-Key": "a\tkey"}),
            400,
            "X-RLM-Provider or X-RLM-Key: it is no provider, no URL, or no key",
        ),
    ],
)
async def test_what_is_not_allowed_makes_no_run(engine, own_keys, sent, status, detail):
    """The whole message, which never has the key."""
    async with serving(engine, FakeModel(), own_keys=own_keys) as client:
        response = await client.post("/query", json=QUESTION, headers=sent)
        assert (response.status_code, response.json()["detail"]) == (status, detail)
        assert (await client.get("/runs")).json() == {"runs": [], "next": None}


async def test_a_named_model_and_an_own_one_exclude_each_other(engine):
    """One of them would be ignored."""
    async with serving(engine, FakeModel(), own_keys=ALLOWED) as client:
        response = await client.post("/query", json=QUESTION | {"sub_model": "fake"}, headers=headers("openai"))
    assert response.json()["detail"] == ("root_model, sub_model: they choose among this server's models, own keys bring others")


async def test_a_listed_name_that_is_private_may_be_connected_to(engine):
    """The operator knows where it is; one that is not listed is refused when it is connected to."""
    own_keys = OwnKeySettings(allow_own_keys=True, own_key_hosts=("localhost",))
    async with server_of_theirs(engine, own_keys) as (client, theirs):
        url = theirs.url.replace("127.0.0.1", "localhost")
        with contextlib.suppress(httpx.ReadTimeout):
            result = (await client.post("/query", json=QUESTION, headers=headers(url))).json()
    assert result["answer"] == "from their sub-model"
