"""The HTTP interface, against a real server on loopback."""

import asyncio
import contextlib
import json

import httpx
import pytest
from fakes import FakeModel, python, streamed, used
from serving import serving, serving_app

from orchestrator.config import OpenAISettings, Settings
from orchestrator.opening import Orchestrator
from orchestrator.server_settings import ServerSettings


@pytest.fixture
async def client(engine):
    """A server whose model answers 1 to everything."""

    class Answers(FakeModel):
        async def handle_async_request(self, request):
            self.replies = [python("FINAL(1)")]
            return await super().handle_async_request(request)

    async with serving(engine, Answers(), server=ServerSettings(max_request_bytes=2_000_000)) as client:
        yield client


def problem(status, title, detail):
    return {"type": "about:blank", "title": title, "status": status, "detail": detail}


async def test_health(client):
    """GET /health is 200 as soon as queries are accepted."""
    response = await client.get("/health")
    assert (response.status_code, response.json()) == (
        200,
        {"status": "ok", "version": "0.1.0", "providers": {"up": 1, "down": 0}},
    )


async def test_query_answers_200_with_the_result(client):
    """Every documented field, and no other."""
    response = await client.post("/query", json={"query": "q", "context": "c"})
    result = response.json()
    assert response.status_code == 200
    assert len(result.pop("run_id")) == 32
    assert result.pop("duration_ms") >= 0
    assert result == {
        "success": True,
        "answer": "1",
        "error": None,
        "stopped": "answered",
        "iterations": 1,
        "sub_calls": 0,
        "usage": used(fake=(1, 10, 5)),
        "baseline_tokens": 1,
        "token_savings_pct": -1400.0,
        "bypassed": False,
    }


NUMBER = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}


async def test_an_answer_can_be_a_value(engine):
    """The JSON value itself, after one that does not fit; also in what is kept of the run."""
    model = FakeModel([python("FINAL('n is 1')"), python("FINAL({'n': 1})")])
    async with serving(engine, model) as client:
        response = await client.post("/query", json={"query": "q", "context": "c", "answer_schema": NUMBER})
        kept = await client.get(f"/runs/{response.json()['run_id']}")
    assert [each.json()["answer"] for each in (response, kept)] == [{"n": 1}, {"n": 1}]


async def test_a_direct_answer_is_one_call(engine):
    """With the whole context, and says so."""
    model = FakeModel(["It is c."])
    async with serving(engine, model) as client:
        result = (await client.post("/query", json={"query": "q", "context": "c", "route": "direct"})).json()
    assert (result["answer"], result["bypassed"], result["iterations"]) == ("It is c.", True, 1)


@pytest.mark.parametrize(
    ("asked", "status", "detail"),
    [
        ({"answer_schema": {"pattern": "a"}}, 400, "answer_schema: pattern: no pattern is run here; use enum, const, minLength and maxLength, or look at the value in code"),
        ({"answer_schema": ["string"]}, 400, "answer_schema: Expected `object | null`, got `array`"),
        ({"route": "straight"}, 400, "route: Invalid enum value 'straight'"),
        ({"route": "direct", "verify": True}, 400, 'verify: a direct answer has no evidence but the input itself; ask with route "rlm"'),
        ({"route": "direct", "context": "word " * 300_000}, 422, 'route: direct: the context has 1,500,000 characters, about 500,000 tokens with the question and a reply; the model reads 8,192; ask with route "rlm"'),
    ],
)  # fmt: skip
async def test_what_an_answer_cannot_be_is_said_at_once(engine, asked, status, detail):
    """Before a model is paid."""
    model = FakeModel()
    provider = OpenAISettings(model="fake", base_url="http://model/v1", context_window=8192)
    async with serving(engine, model, providers=(provider,)) as client:
        response = await client.post("/query", json={"query": "q", "context": "c"} | asked)
    assert (response.status_code, response.json()["detail"], model.root_messages) == (status, detail, [])


async def test_debug_has_the_history(client):
    """One step per turn, with the reply, the code, its output and the tokens."""
    response = await client.post("/debug", json={"query": "q", "documents": ["a", "bc"]})
    result = response.json()
    [step] = result["history"]
    [action] = step.pop("actions")
    prompt = step.pop("prompt")
    assert prompt.startswith("You answer a question about an input that is too large for you to read.")
    assert prompt.endswith(
        "Question: q\n\n`context` is a list of 2 documents (str), 3 characters in all.\n"
        "These are all of them:\n-----\n[0] a\n[1] bc\n-----"
    )
    for each in (
        step.pop("model_ms"),
        step.pop("started_ms"),
        action.pop("started_ms"),
        action.pop("finished_ms"),
        action.pop("fuel"),
        action.pop("guest_ms"),
    ):
        assert each >= 0
    assert action == {"kind": "python", "code": "FINAL(1)", "output": "", "error": None}
    assert step == {
        "step": 1,
        "llm_response": "```python\nFINAL(1)\n```",
        "reasoning": "",
        "sub_queries": [],
        "output": "",
        "error": None,
        "sub_calls": 0,
        "prompt_tokens": 10,
        "completion_tokens": 5,
        "sub_prompt_tokens": 0,
        "sub_completion_tokens": 0,
        "sub_calls_ms": 0,
    }
    assert (result["query"], result["context_length"], result["answer"]) == ("q", 3, "1")


@pytest.mark.parametrize(
    ("body", "status", "title", "detail"),
    [
        ({"query": " ", "context": "c"}, 400, "Bad Request", "query: it is empty"),
        ({"query": "q", "context": ""}, 400, "Bad Request", "context: it is empty"),
        ({"query": "q", "context": []}, 400, "Bad Request", 'context: null, "", [] and {} are empty'),
        ({"query": "q", "documents": []}, 400, "Bad Request", "documents: there is none, or all are empty"),
        (
            {"query": "q", "messages": [{"role": "assistant", "content": None}, {"role": "user", "content": []}]},
            400,
            "Bad Request",
            "messages: there is none, or all are empty",
        ),
        ({"query": "q", "messages": []}, 400, "Bad Request", "messages: there is none, or all are empty"),
        ({"query": "q"}, 400, "Bad Request", "send exactly one of context, context_id, documents, messages and after"),
        (
            {"query": "q", "context": "c", "documents": []},
            400,
            "Bad Request",
            "send exactly one of context, context_id, documents, messages and after",
        ),
        ({"context": "c"}, 400, "Bad Request", "Object missing required field `query`"),
        ({"query": 1, "context": "c"}, 400, "Bad Request", "query: Expected `str`, got `int`"),
        ({"query": "q", "context": "c", "x": 1}, 400, "Bad Request", "Object contains unknown field `x`"),
        (
            {"query": "q", "documents": ["a", 1]},
            400,
            "Bad Request",
            'documents[1]: a document is a text, or {"name": ..., "text": ...}',
        ),
        ({"query": "q", "context": "c", "max_iterations": 0}, 400, "Bad Request", "max_iterations: Expected `int` >= 1"),
        (
            {"query": "q", "context": "c", "max_iterations": 21},
            422,
            "Unprocessable Entity",
            "max_iterations: 21 is above this server's 20",
        ),
        (
            {"query": "q", "context": "c", "max_sub_calls": 501},
            422,
            "Unprocessable Entity",
            "max_sub_calls: 501 is above this server's 500",
        ),
        *(
            (
                {"query": "q", "context": "c", name: value},
                422,
                "Unprocessable Entity",
                f"{name}: {value} is above this server's {most}",
            )
            for name, value, most in (("max_seconds", 3601.0, 3600.0), ("max_fuel", 10**12 + 1, 10**12), ("max_depth", 3, 2))
        ),
        ({"query": "q", "context": "c", "max_seconds": 0}, 400, "Bad Request", "max_seconds: Expected `float` > 0.0"),
        (
            {"query": "q", "context": "c", "max_cost": 0.5},
            422,
            "Unprocessable Entity",
            "max_cost: the price of fake is not known; the operator can write it into a file (`prices` in config.toml)",
        ),
        ({"query": "q", "context": "c", "max_cost": -1}, 400, "Bad Request", "max_cost: Expected `float` >= 0.0"),
        ({"query": "q", "context": "c", "max_total_tokens": 0}, 400, "Bad Request", "max_total_tokens: Expected `int` >= 1"),
        (
            {"query": "q", "messages": [{"role": "boss", "content": "x"}]},
            400,
            "Bad Request",
            "messages[0].role: Invalid enum value 'boss'",
        ),
        (
            {"query": "q", "messages": [{"role": "user"}]},
            400,
            "Bad Request",
            "messages[0]: Object missing required field `content`",
        ),
        ([], 400, "Bad Request", "Expected `object`, got `array`"),
    ],
)
async def test_a_wrong_request_is_a_problem_that_says_what_to_do(client, body, status, title, detail):
    """The status and the whole body."""
    response = await client.post("/query", json=body)
    assert response.headers["content-type"] == "application/problem+json"
    assert (response.status_code, response.json()) == (status, problem(status, title, detail))


@pytest.mark.parametrize(
    ("content", "detail"),
    [
        (b"", "the body is empty; send JSON with query and context"),
        (b'{"query": "q",', "the body is not valid JSON: Input data was truncated"),
        (b'{"query": "q", "context": "ab\xff"}', "the body is not valid UTF-8 at byte 29"),
        (rb'{"query": "q", "context": "ab\ud800c"}', "context: a lone surrogate at code point 2 is not text"),
        (rb'{"query": "q", "documents": ["x", "\udc00"]}', "documents[1]: a lone surrogate at code point 0 is not text"),
        (b'{"context": ' + b"[" * 100_000, "the body is not valid JSON: it is nested too deeply"),
    ],
)
async def test_a_body_that_is_not_text_or_json_is_refused_with_its_place(client, content, detail):
    """Broken JSON, invalid UTF-8 (offset in bytes), lone surrogates (offset in code points)."""
    response = await client.post("/query", content=content, headers={"content-type": "application/json"})
    assert (response.status_code, response.json()) == (400, problem(400, "Bad Request", detail))


async def test_a_body_that_is_too_large_names_the_setting(client):
    """413, and where the operator can change it."""
    response = await client.post("/query", json={"query": "q", "context": "x" * 2_000_000})
    detail = "the body is larger than 2000000 bytes (server.max_request_bytes)"
    assert (response.status_code, response.json()) == (413, problem(413, "Request Entity Too Large", detail))


async def test_unknown_paths_and_methods_are_problems_too(client):
    """The API has one shape of error."""
    assert (await client.get("/nothing")).json() == problem(404, "Not Found", "Not Found")
    assert (await client.get("/query")).json() == problem(405, "Method Not Allowed", "Method Not Allowed")


async def test_openapi_describes_the_requests(client):
    """GET /schema/openapi.json has the paths and the request's fields."""
    schema = (await client.get("/schema/openapi.json")).json()
    runs = {"/query", "/debug", "/stream", "/runs", "/runs/{run_id}"}
    runs |= {f"/runs/{{run_id}}/{each}" for each in ("events", "journal", "script", "metrics", "fork", "cancel", "replay")}
    contexts = {"/contexts", *(f"/contexts/{{context_id}}{part}" for part in ("", "/text", "/lines"))}
    assert set(schema["paths"]) == {"/health", "/health/ready", "/providers", "/metrics"} | runs | contexts
    assert set(schema["components"]["schemas"]["QueryRequest"]["properties"]) == {
        "query",
        "context",
        "documents",
        "messages",
        "context_id",
        "after",
        "session_id",
        "max_iterations",
        "max_sub_calls",
        "max_total_tokens",
        "max_cost",
        "max_seconds",
        "max_fuel",
        "max_depth",
        "protocol",
        "root_model",
        "sub_model",
        "cache",
        "route",
        "verify",
        "answer_schema",
        "detach",
    }


async def test_runs_are_kept_and_shown(client):
    """The list has results, the newest first; one run is what /debug answered; an unknown one is a 404."""
    await client.post("/query", json={"query": "first", "context": "c"})
    second = (await client.post("/debug", json={"query": "second", "context": "c"})).json()
    listed = (await client.get("/runs")).json()["runs"]
    assert len(listed) == 2
    assert listed[0] == {name: second[name] for name in listed[0]}
    assert (await client.get(f"/runs/{second['run_id']}")).json() == second
    missing = await client.get("/runs/nope")
    assert (missing.status_code, missing.json()) == (
        404,
        problem(404, "Not Found", "there is no run 'nope'; it may have been forgotten ([store] in config.toml)"),
    )


async def test_the_list_of_runs_comes_in_pages(client):
    """Each says where the next begins, and the last one that it is."""
    for number in range(5):
        await client.post("/query", json={"query": f"q{number}" + "x" * 1000, "context": "c"})
    pages, cursor = [], ""
    while cursor is not None:
        page = (await client.get(f"/runs?limit=2{cursor and '&cursor='}{cursor}")).json()
        pages.append([each["query"] for each in page["runs"]])
        cursor = page["next"]
    assert pages == [[(f"q{number}" + "x" * 1000)[:500] for number in page] for page in ((4, 3), (2, 1), (0,))]


@pytest.mark.parametrize(
    ("asked", "detail"),
    [
        ("limit=0", "limit: Expected `int` >= 1"),
        ("limit=201", "limit: Expected `int` <= 200"),
        ("cursor=0", "cursor: Expected `int` >= 1"),
        ("cursor=x", "cursor: Expected `int | null`, got `str`"),
    ],
)
async def test_a_page_that_there_cannot_be_is_refused(client, asked, detail):
    """400, and what would do."""
    response = await client.get(f"/runs?{asked}")
    assert (response.status_code, response.json()) == (400, problem(400, "Bad Request", detail))


async def test_a_query_that_is_too_long_is_refused(client):
    """422: the context is the place for what is long."""
    response = await client.post("/query", json={"query": "x" * 100_001, "context": "c"})
    detail = (
        "query: its 100001 characters are above this server's 100000 (server.query_chars); "
        "what is long belongs into the context"
    )
    assert (response.status_code, response.json()) == (422, problem(422, "Unprocessable Entity", detail))


async def test_a_run_is_shown_while_it_goes_on(engine):
    """It is running, with the turns so far."""
    model = FakeModel([python("print(5)"), python("FINAL(6)")])
    started = asyncio.Event()

    async def wait(request):
        if len(model.replies) == 1:
            started.set()
            await asyncio.sleep(0.3)
        return await FakeModel.handle_async_request(model, request)

    async with serving(engine, httpx.MockTransport(wait)) as client:
        asking = asyncio.create_task(client.post("/query", json={"query": "q", "context": "c"}))
        await started.wait()
        [running] = (await client.get("/runs")).json()["runs"]
        shown = (await client.get(f"/runs/{running['run_id']}")).json()
        assert (running["stopped"], shown["stopped"], len(shown["history"])) == ("running", "running", 1)
        assert shown["history"][0]["output"] == "5\n"
        assert (await asking).json()["answer"] == "6"


async def test_a_query_over_12_megabytes_end_to_end(engine):
    """The answer needs the whole text: exact length, and a needle near the end."""
    text = "0123456789\r\n" * 1_000_000 + "the needle is ✓ here\n"
    model = FakeModel([python("where = context.find('needle')"), python("FINAL([len(context), where, context[where + 10]])")])
    async with serving(engine, model) as client:
        result = (await client.post("/query", json={"query": "q", "context": text})).json()
    assert json.loads(result["answer"]) == [12_000_021, 12_000_004, "✓"]


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ({"context": {"a": [1, 2.5, None, "é"]}}, '[{"a": [1, 2.5, null, "é"]}, "dict"]'),
        ({"context": [{"id": 2**70}]}, '[[{"id": 1180591620717411303424}], "list"]'),
        ({"context": [None]}, '[[null], "list"]'),
        ({"context": 5}, '[5, "int"]'),
        (
            {"messages": [{"role": "user", "content": "hi\r\n"}]},
            '[[{"role": "user", "content": "hi\\r\\n"}], "list"]',
        ),
        (
            {
                "messages": [
                    {"role": "developer", "content": [{"type": "text", "text": "Be brief"}], "name": "me"},
                    {"role": "assistant", "content": None, "tool_calls": [{"id": "c", "function": {"name": "f"}}]},
                    {"role": "tool", "content": "5", "tool_call_id": "c"},
                ]
            },
            '[[{"role": "developer", "content": [{"type": "text", "text": "Be brief"}], "name": "me"}, '
            '{"role": "assistant", "content": null, "tool_calls": [{"id": "c", "function": {"name": "f"}}]}, '
            '{"role": "tool", "content": "5", "tool_call_id": "c"}], "list"]',
        ),
    ],
)
async def test_json_and_messages_are_values_in_the_cell(engine, body, answer):
    """What was sent, parsed."""
    async with serving(engine, FakeModel([python("FINAL([context, type(context).__name__])")])) as client:
        assert (await client.post("/query", json={"query": "q"} | body)).json()["answer"] == answer


async def test_a_caller_that_goes_away_cancels_its_model_call(engine):
    """The pending model call is cancelled, and the next query is answered."""
    model = FakeModel([python("1"), python("FINAL(2)")], delay=5)
    async with serving(engine, model) as client:
        with pytest.raises(httpx.ReadTimeout):
            await client.post("/query", json={"query": "q", "context": "c"}, timeout=0.3)
        async with asyncio.timeout(5):
            await model.cancelled.wait()
        model.delay = 0
        assert (await client.post("/query", json={"query": "q", "context": "c"})).json()["answer"] is not None


async def test_a_caller_that_goes_away_stops_its_running_cell(engine):
    """An endless cell of a caller that left is stopped long before its limits."""
    model = FakeModel([python("import itertools\nfor _ in itertools.count(): llm_query('x' * 10)"), python("FINAL(2)")])
    model.sub = lambda prompt: "y"
    async with serving(engine, model, max_sub_calls=10_000_000) as client:
        with pytest.raises(httpx.ReadTimeout):
            await client.post("/query", json={"query": "q", "context": "c"}, timeout=0.5)
        await asyncio.sleep(0.3)
        sent = len(model.sub_prompts)
        await asyncio.sleep(0.3)
        assert len(model.sub_prompts) == sent
        assert (await client.post("/query", json={"query": "q", "context": "c"})).json()["answer"] == "2"


async def test_runs_at_the_same_time_do_not_mix(engine):
    """Sixteen runs with their own contexts and variables."""

    class Mirror(FakeModel):
        async def handle_async_request(self, request):
            if request.method == "GET":
                return await super().handle_async_request(request)
            turn = sum(each["role"] == "assistant" for each in json.loads(await request.aread())["messages"])
            return streamed(python("FINAL(mine)") if turn else python("mine = context * 2\nprint(mine)"))

    async with serving(engine, Mirror()) as client:
        calls = (client.post("/query", json={"query": "q", "context": f"run {number}"}) for number in range(16))
        answers = [response.json()["answer"] for response in await asyncio.gather(*calls)]
    assert answers == [f"run {number}" * 2 for number in range(16)]


@contextlib.asynccontextmanager
async def with_two_models(engine, *replies):
    """(a client of a server with the models big, which is for the root, and small; what the server asked them)."""
    settings = [{"model": "big", "role": "root"}, {"model": "small", "alias": "little"}]
    providers = tuple(OpenAISettings(base_url="http://model/v1", cache=True, **each) for each in settings)
    model = FakeModel(list(replies))
    orchestrator = Orchestrator(Settings(providers=providers), print, engine=engine, transport=model)
    async with serving_app(orchestrator) as client:
        yield client, model


@pytest.mark.parametrize(("wanted", "models"), [("small", {"small"}), ("openai/big", {"big", "small"}), ("little", {"small"})])
async def test_a_request_chooses_its_root_model(engine, wanted, models):
    """By its name, with its type or without, or by its alias; sub-calls go to small."""
    async with with_two_models(engine, python("FINAL(llm_query('p'))")) as (client, _):
        response = await client.post("/query", json={"query": "q", "context": "c", "root_model": wanted, "sub_model": "little"})
    assert set(response.json()["usage"]["models"]) == models


@pytest.mark.parametrize(
    ("field", "known"), [("root_model", "openai/big, little"), ("sub_model", "little")], ids=["root_model", "sub_model"]
)
async def test_a_model_that_is_not_configured_is_422(engine, field, known):
    """With those that are; no run was made."""
    async with with_two_models(engine) as (client, _):
        response = await client.post("/query", json={"query": "q", "context": "c", field: "gpt-9"})
        runs = (await client.get("/runs")).json()["runs"]
    detail = f"{field}: there is no 'gpt-9' for this role; these are configured: {known}"
    assert (response.status_code, response.json(), runs) == (422, problem(422, "Unprocessable Entity", detail), [])


async def test_a_request_without_the_cache_pays_anew(engine):
    """`cache: false` neither reads nor writes; the metrics of each run count what it was given."""
    async with with_two_models(engine, *[python("FINAL(llm_query('p'))")] * 4) as (client, model):
        rates = []
        for cache in (False, True, True, False):
            run = (await client.post("/query", json={"query": "q", "context": "c", "cache": cache})).json()["run_id"]
            rates.append((await client.get(f"/runs/{run}/metrics")).json()["cache"]["hit_rate_percent"])
    assert (rates, len(model.sub_prompts)) == ([0.0, 0.0, 100.0, 0.0], 3)


async def test_metrics_of_a_run_that_is_not_there_are_404(client):
    """As the run itself."""
    response = await client.get("/runs/nowhere/metrics")
    assert response.json() == problem(
        404, "Not Found", "there is no run 'nowhere'; it may have been forgotten ([store] in config.toml)"
    )
