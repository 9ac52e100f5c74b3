"""A real LiteLLM proxy between us and a model: what comes through it. Run by `make test-gateway`, which installs it."""

import asyncio
import json

import backends
import pytest
from fakes import HI, asked, python
from serving import serving_app

from orchestrator import RLM
from orchestrator.config import Settings
from orchestrator.opening import Orchestrator
from orchestrator.providers.messages import Received, Usage

pytestmark = pytest.mark.gateway
NOTHING = "0.0"


async def answered(engine, providers, **settings):
    """The response of our server to a query."""
    service = Orchestrator(Settings(providers=providers, **settings), print, engine=engine)
    async with serving_app(service) as client:
        return (await client.post("/query", json={"query": "q", "context": "c"})).json()


async def test_a_query_is_answered(gateway, engine):
    """Root model and sub-model through the gateway; both are counted."""
    gateway.upstream.answer = lambda messages: python("FINAL(llm_query('loud'))")
    root, sub = gateway.settings("up", role="root"), gateway.settings("mock", role="sub")
    result = await answered(engine, (root, sub))
    assert (result["success"], result["answer"], result["iterations"], result["sub_calls"]) == (True, "mocked", 1, 1)
    usage = result["usage"]
    assert (usage["prompt_tokens"], usage["completion_tokens"], usage["cost"]) == (18, 7, 10.75)


async def test_the_library_asks_through_it(gateway, tmp_path):
    """By a config.toml with the provider type litellm."""
    text = f'[[providers]]\nprovider_type = "litellm"\nmodel = "coder"\nbase_url = "{gateway.url}"\n'
    (tmp_path / "config.toml").write_text(text)
    async with RLM(configuration=tmp_path / "config.toml") as rlm:
        result = await rlm.ask_async("How long?", "four")
    assert (result.answer, result.stopped) == ("4", "answered")


async def test_json_commands_are_answered(gateway, engine):
    """response_format comes to the upstream, with the schema of the commands."""
    gateway.upstream.answer = lambda messages: json.dumps({"commands": [{"op": "final", "answer": "done"}]})
    result = await answered(engine, (gateway.settings("up"),), protocol="json")
    format_ = gateway.upstream.asked["response_format"]
    assert (result["success"], result["answer"]) == (True, "done")
    assert (format_["type"], format_["json_schema"]["name"]) == ("json_schema", "commands")


@pytest.mark.parametrize("kind", ["json_schema", "json_object"])
async def test_a_response_format_is_passed_on_as_it_is(gateway, kind):
    """Both kinds."""
    schema = {"type": "object", "properties": {"op": {"const": "final"}}, "required": ["op"]}
    provider = gateway.provider("up", response_format=kind)
    await asked(provider, HI, schema)
    expected = {"type": kind} | ({"json_schema": {"name": "reply", "schema": schema}} if kind == "json_schema" else {})
    assert gateway.upstream.asked["response_format"] == expected


class Pieces(Received):
    """`begun` once the first is here."""

    def __init__(self):
        super().__init__()
        self.begun = asyncio.Event()

    def add(self, text, reasoning=None):
        super().add(text, reasoning)
        self.begun.set()


async def test_a_reply_comes_in_pieces(gateway):
    """The first is here before the upstream sends the second."""
    received, go_on = Pieces(), asyncio.Event()

    async def pause(writer, text):
        writer.write(backends.head("200 OK") + backends.STREAM + backends.chunk("first "))
        await go_on.wait()
        writer.write(backends.chunk("second") + backends.chunk("", "stop") + backends.USAGE + backends.DONE)

    gateway.upstream.behaviours = iter([pause])
    call = asyncio.create_task(gateway.provider("up").complete(HI, received))
    async with asyncio.timeout(10):
        await received.begun.wait()
        assert received.text == "first "
        go_on.set()
        await call
    assert (received.text, received.usage) == ("first second", Usage(10, 5))


async def test_the_cost_of_a_whole_reply_is_in_a_header(gateway):
    """x-litellm-response-cost: 10 tokens of 0.5 and 20 of 0.25 dollars, as its mock responses are counted."""
    assert costs(await gateway.post("mock")) == {"x-litellm-response-cost": "10.0", "x-litellm-response-cost-original": "10.0"}


async def test_the_cost_of_a_stream_is_in_its_last_chunk(gateway):
    """Beside the tokens, 10 of 0.5 and 5 of 0.25 dollars; the headers were sent before it was known."""
    response = await gateway.post("up", stream=True, stream_options={"include_usage": True})
    assert counted(response)["cost"] == 6.25
    assert costs(response) == {"x-litellm-response-cost-original": NOTHING}


async def test_a_stream_without_usage_has_no_cost(gateway):
    """stream_options asks for both."""
    response = await gateway.post("up", stream=True)
    assert counted(response) is None
    assert costs(response) == {"x-litellm-response-cost-original": NOTHING}


async def test_a_price_that_the_gateway_does_not_know_is_no_cost(gateway):
    """Not zero, whole or streamed: x-litellm-response-cost-original is, and says nothing."""
    whole, stream = (
        await gateway.post("coder"),
        await gateway.post("unpriced", stream=True, stream_options={"include_usage": True}),
    )
    assert costs(whole) == costs(stream) == {"x-litellm-response-cost-original": NOTHING}
    assert "cost" not in whole.json()["usage"]
    assert "cost" not in counted(stream)


async def test_a_refusal_costs_nothing(gateway):
    """It says so, with a number of another form."""
    gateway.upstream.behaviours = iter([backends.broken])
    assert costs(await gateway.post("up", stream=True)) == {"x-litellm-response-cost": "0"}


def costs(response):
    """The headers that may hold what a response cost."""
    names = ("x-litellm-response-cost", "x-litellm-response-cost-original")
    return {name: response.headers[name] for name in names if name in response.headers}


def counted(response):
    """The usage in a stream; None if it has none."""
    chunks = [json.loads(line[6:]) for line in response.text.splitlines() if line.startswith("data: {")]
    return next((each["usage"] for each in chunks if each.get("usage")), None)
