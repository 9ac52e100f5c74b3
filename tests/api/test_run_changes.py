"""POST /runs and what can be done to a run: cancel, delete, fork, go on after, replay."""

import asyncio

import pytest
from fakes import FakeModel, python
from serving import serving

from orchestrator.server_settings import ServerSettings

REPLIES = [python("x = llm_query('alfa')"), python("y = x + '!'\nprint(y)"), python("FINAL([x, y])")]
ANSWER = '["ALFA", "ALFA!"]'


class Held(FakeModel):
    """Sub-calls wait until they are let go."""

    def __init__(self, *arguments, **named):
        super().__init__(*arguments, **named)
        self.go = asyncio.Event()
        self.reached = asyncio.Event()

    async def handle_async_request(self, request):
        if b'"role":"system"' not in request.content and request.method == "POST":
            self.reached.set()
            try:
                await self.go.wait()
            except asyncio.CancelledError:
                self.cancelled.set()
                raise
        return await super().handle_async_request(request)


async def begin(client, path="/runs", headers=None, **body):
    response = await client.post(path, json=body, headers=headers)
    assert response.status_code == 202, response.text
    assert response.headers["location"] == f"/runs/{response.json()['run_id']}"
    return response.json()["run_id"]


async def ended(client, run_id):
    """The run at its end."""
    async with asyncio.timeout(20):
        while (run := (await client.get(f"/runs/{run_id}")).json())["stopped"] == "running":  # noqa: ASYNC110  (another task)
            await asyncio.sleep(0.02)
    return run


async def run(client, **query):
    return await ended(client, await begin(client, **({"query": "q", "context": "c"} | query)))


async def test_a_run_says_what_it_does(engine):
    """It waits for a model; then how it ended. When it began and which models it asked are there too."""
    model = Held(list(REPLIES))
    async with serving(engine, model) as client:
        run_id = await begin(client, query="q", context="c")
        await model.reached.wait()
        waiting = (await client.get(f"/runs/{run_id}")).json()
        listed = (await client.get("/runs", params={"status": "waiting"})).json()["runs"]
        model.go.set()
        done = await ended(client, run_id)
    assert (waiting["status"], [each["run_id"] for each in listed], done["status"]) == ("waiting", [run_id], "answered")
    assert (done["models"], done["started_at"][-1], done["forks"], done["forked_from"]) == (["fake"], "Z", [], None)


async def test_cancel_ends_a_run_with_what_it_has(engine):
    """Its model call is closed, its draft is the partial answer; who cancels again is told the same."""
    draft = python("answer['content'] = 'so far'")
    model = Held([draft, *REPLIES])
    async with serving(engine, model) as client:
        run_id = await begin(client, query="q", context="c")
        await model.reached.wait()
        found = [(await client.post(f"/runs/{run_id}/cancel")).json() for _ in range(2)]
        assert model.cancelled.is_set()
    assert [(each["status"], each["answer"], each["success"]) for each in found] == [("cancelled", "so far", False)] * 2
    assert found[0]["error"] == "a request cancelled it, or its caller went away, or the server stopped"


async def test_cancel_stops_a_cell_that_computes(engine):
    """It does not wait for the cell."""
    async with serving(engine, FakeModel([python("while True: pass")])) as client:
        run_id = await begin(client, query="q", context="c")
        while not (await client.get(f"/runs/{run_id}")).json()["history"]:  # noqa: ASYNC110  (another task)
            await asyncio.sleep(0.02)
        found = (await client.post(f"/runs/{run_id}/cancel")).json()
    assert found["status"] == "cancelled"


async def test_delete_forgets_a_run_that_has_ended(engine):
    """One that goes on is to be cancelled first."""
    model = Held(list(REPLIES))
    async with serving(engine, model) as client:
        run_id = await begin(client, query="q", context="c")
        await model.reached.wait()
        refused = await client.delete(f"/runs/{run_id}")
        await client.post(f"/runs/{run_id}/cancel")
        assert (refused.status_code, refused.json()["detail"]) == (
            409,
            f"the run {run_id} still goes on: cancel it first",
        )
        assert [(await client.delete(f"/runs/{run_id}")).status_code for _ in range(2)] == [204, 404]
        assert (await client.get(f"/runs/{run_id}")).status_code == 404


async def test_a_fork_with_another_cell_pays_nothing_before_it(engine):
    """What came before is not asked again; both say what they come of; the fork replays as it was."""
    model = FakeModel([*REPLIES, python("FINAL(z)")])
    async with serving(engine, model) as client:
        first = await run(client)
        calls = len(model.root_messages)
        forked = await begin(client, f"/runs/{first['run_id']}/fork", turn=2, code="z = x * 2")
        fork = await ended(client, forked)
        verdict = (await client.post(f"/runs/{forked}/replay")).json()
        origin = (await client.get(f"/runs/{first['run_id']}")).json()
    assert (first["answer"], fork["answer"]) == (ANSWER, "ALFAALFA")
    assert (len(model.root_messages) - calls, model.sub_prompts) == (1, ["alfa"])
    assert (fork["forked_from"], origin["forks"]) == ({"run_id": first["run_id"], "turn": 2}, [forked])
    assert fork["usage"]["calls"] == 1
    assert [step["llm_response"] for step in fork["history"]] == [REPLIES[0], python("z = x * 2"), python("FINAL(z)")]
    assert verdict == {"identical": True, "difference": None, "cells": 3}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"reply": python("FINAL('given')")}, "given"),
        ({"model": "fake"}, "asked anew"),
        ({"limits": {"max_iterations": 2}}, "asked anew"),
        ({"code": "FINAL('''```python```''')"}, "```python```"),
    ],
    ids=["reply", "model", "limits", "code with a fence in it"],
)
async def test_a_fork_at_its_turn(engine, change, expected):
    """Is given a reply, or asks anew."""
    async with serving(engine, FakeModel([*REPLIES, python("FINAL('asked anew')")])) as client:
        first = await run(client)
        fork = await ended(client, await begin(client, f"/runs/{first['run_id']}/fork", turn=2, **change))
    assert (fork["answer"], fork["stopped"]) == (expected, "answered")


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ({"turn": 2}, 400, "send exactly one of reply, code, model and limits"),
        ({"turn": 2, "code": "1", "reply": "2"}, 400, "send exactly one of reply, code, model and limits"),
        ({"turn": 9, "code": "1"}, 400, "turn: the run has the turns 1 to 3"),
        ({"turn": 2, "model": "none"}, 422, "root_model: there is no 'none' for this role; these are configured: openai/fake"),
        ({"turn": 2, "limits": {"max_iterations": 1}}, 400, "turn: the fork may have 1 turns (max_iterations)"),
        ({"turn": 2, "limits": {"max_iterations": 99}}, 422, "max_iterations: 99 is above this server's 20"),
        (
            {"turn": 2, "limits": {"max_sub_calls": 0}},
            400,
            "max_sub_calls: 1 were made before turn 2; allow as many or more",
        ),
    ],
    ids=["nothing", "two", "no such turn", "no such model", "too few turns", "too many turns", "too few sub-calls"],
)
async def test_a_fork_that_cannot_be_is_refused(engine, body, status, message):
    """Before anything is begun."""
    async with serving(engine, FakeModel(list(REPLIES))) as client:
        first = await run(client)
        response = await client.post(f"/runs/{first['run_id']}/fork", json=body)
        assert len((await client.get("/runs")).json()["runs"]) == 1
    assert (response.status_code, response.json()["detail"]) == (status, message)


@pytest.mark.parametrize(
    ("change", "answer"),
    [({"reply": "given"}, "given"), ({"code": "FINAL(x)"}, "1"), ({"model": "fake"}, "asked anew")],
    ids=["reply", "code", "model"],
)
async def test_a_fork_at_the_call_for_a_best_answer(engine, change, answer):
    """That is no turn of the loop, and no more of one in the fork."""
    replies = [python("x = 1"), *[python("1 / 0")] * 4, "the best so far", "asked anew"]
    async with serving(engine, FakeModel(replies)) as client:
        first = await run(client)
        fork = await ended(client, await begin(client, f"/runs/{first['run_id']}/fork", turn=6, **change))
        verdict = (await client.post(f"/runs/{fork['run_id']}/replay")).json()
    assert (first["answer"], fork["answer"], fork["stopped"]) == ("the best so far", answer, "repeated_reply")
    assert verdict["identical"], verdict["difference"]


async def test_a_run_that_is_cancelled_while_it_is_executed_again_is_cancelled(engine):
    """A fork, a run that goes on after another: each replays as it was, though it was not where its journal is."""
    replies = [python("answer['content'] = 'so far'\nsum(i for i in range(4_000_000))"), python("FINAL(1)")]
    found = []
    async with serving(engine, FakeModel(replies)) as client:
        first = await run(client)
        path = f"/runs/{first['run_id']}/fork"
        for again in ((path, {"turn": 2, "model": "fake"}), ("/runs", {"query": "q", "after": first["run_id"]})):
            run_id = await begin(client, again[0], **again[1])
            cancelled = (await client.post(f"/runs/{run_id}/cancel")).json()
            verdict = (await client.post(f"/runs/{run_id}/replay")).json()
            found.append((cancelled["status"], cancelled["answer"], verdict["identical"], verdict["difference"]))
    assert found == [("cancelled", None, True, None)] * 2


async def test_a_run_that_was_cancelled_before_its_turn_replays(engine):
    """Nothing of it was executed."""
    model = FakeModel([python("while True: pass")])
    async with serving(engine, model, server=ServerSettings(max_runs=1)) as client:
        going = await begin(client, query="q", context="c")
        waiting = await begin(client, query="q", context="c")
        found = (await client.post(f"/runs/{waiting}/cancel")).json()
        await client.post(f"/runs/{going}/cancel")
        verdict = (await client.post(f"/runs/{waiting}/replay")).json()
    assert (found["status"], verdict) == ("cancelled", {"identical": True, "difference": None, "cells": 0})


@pytest.mark.parametrize(
    ("limit", "code", "stopped", "error"),
    [
        (
            {"max_seconds": 0.3},
            "import time\nllm_query('held')",
            "max_seconds",
            "max_seconds (0.3) was reached before an answer",
        ),
        ({"max_fuel": 10**6}, "sum(range(10**6))", "max_fuel", "max_fuel (1000000) was reached before an answer"),
    ],
    ids=["max_seconds", "max_fuel"],
)
async def test_a_request_lowers_the_limits_of_its_run(engine, limit, code, stopped, error):
    """Each of them, never above what is configured."""
    model = Held([python(code)] * 3)
    async with serving(engine, model) as client:
        result = (await client.post("/query", json={"query": "q", "context": "c"} | limit)).json()
    assert (result["stopped"], result["error"]) == (stopped, error)


async def test_a_request_for_no_depth_has_no_child_runs(engine):
    """Its next question finds what came instead, under the depth that is configured."""
    model = FakeModel([python("x = rlm_query('child', 'abc')"), python("FINAL(x)"), python("FINAL(x + '!')")])
    async with serving(engine, model) as client:
        first = (await client.post("/query", json={"query": "q", "context": "c", "max_depth": 0})).json()
        second = (await client.post("/query", json={"query": "q", "after": first["run_id"]})).json()
        refused = await client.post("/query", json={"query": "q", "after": first["run_id"], "max_depth": 1})
    assert (first["answer"], second["answer"]) == ("CHILD\n\nABC", "CHILD\n\nABC!")
    assert (refused.status_code, refused.json()["detail"]) == (
        400,
        "max_fuel, max_depth: a next question executes the cells before it again, as they were",
    )


async def test_a_next_question_finds_the_variables(engine):
    """The context too; an answer to the one before is none to this one; the prompt has a line of what was asked."""
    model = FakeModel([*REPLIES, python("print(x, len(context))"), python("FINAL(y + '?')")])
    async with serving(engine, model) as client:
        first = await run(client, query="first?")
        second = await ended(client, await begin(client, query="second?", after=first["run_id"]))
        verdict = (await client.post(f"/runs/{second['run_id']}/replay")).json()
    question = model.root_messages[3][1]["content"]
    assert question.startswith(
        "Asked before over the same input; all variables are as your code left them then:\n"
        f"- first? -> {ANSWER}\n\nQuestion: second?\n"
    )
    assert [step["output"] for step in second["history"]] == ["ALFA 1\n", ""]
    assert (second["answer"], second["iterations"], second["forked_from"]) == (
        "ALFA!?",
        2,
        {"run_id": first["run_id"], "turn": None},
    )
    assert (model.sub_prompts, verdict) == (["alfa"], {"identical": True, "difference": None, "cells": 6})


async def test_a_next_question_to_a_run_that_broke_its_interpreter(engine):
    """It finds what the cells behind that left, their clock and random numbers too."""
    replies = [
        python("import os\nx = os.urandom(4)"),
        python("from rlm_guest import runner\nrunner._notebook.run = None"),
        python("1"),
        python("import os, time\ny = (time.time(), os.urandom(4))\nprint(y)"),
        python("FINAL(0)"),
        python("print(y)\nFINAL('x' in globals())"),
    ]
    async with serving(engine, FakeModel(replies)) as client:
        first = await run(client)
        second = await ended(client, await begin(client, query="q", after=first["run_id"]))
        verdict = (await client.post(f"/runs/{second['run_id']}/replay")).json()
    assert (second["stopped"], second["error"], second["answer"]) == ("answered", None, "false")
    assert second["history"][0]["output"] == first["history"][3]["output"]
    assert verdict["identical"], verdict["difference"]


async def test_a_session_goes_on_after_its_last_run(engine):
    """Without a context; with one, it begins anew. Two that go on after the same are two forks."""
    replies = [python("n = 1\nFINAL(n)"), *[python("n += 1\nFINAL(n)")] * 4]
    async with serving(engine, FakeModel(replies)) as client:
        answers = []
        for more in ({"context": "c"}, {}, {}):
            found = await ended(client, await begin(client, query="q", session_id="mine", **more))
            answers.append(found["answer"])
        forks = [await ended(client, await begin(client, query="q", after=found["run_id"])) for _ in range(2)]
        none = await client.post("/runs", json={"query": "q", "session_id": "another"})
    assert (answers, [each["answer"] for each in forks]) == (["1", "2", "3"], ["4", "4"])
    assert (none.status_code, none.json()["detail"]) == (
        400,
        "send exactly one of context, context_id, documents, messages and after",
    )


async def test_a_run_that_goes_on_has_no_next_question(engine):
    """409: its variables are not settled."""
    model = Held(list(REPLIES))
    async with serving(engine, model) as client:
        run_id = await begin(client, query="q", context="c")
        await model.reached.wait()
        response = await client.post("/query", json={"query": "q", "after": run_id})
        await client.post(f"/runs/{run_id}/cancel")
    assert (response.status_code, response.json()["detail"]) == (
        409,
        f"the run {run_id} still goes on: ask when it has ended",
    )


async def test_a_request_that_is_sent_again_is_the_same_run(engine):
    """By its Idempotency-Key, also if both come at once; another request under that key is refused."""
    async with serving(engine, FakeModel(list(REPLIES))) as client:
        asking = {"headers": {"Idempotency-Key": "k1"}, "query": "q", "context": "c"}
        found = set(await asyncio.gather(*(begin(client, **asking) for _ in range(5))))
        other = await client.post("/runs", json={"query": "another", "context": "c"}, headers={"Idempotency-Key": "k1"})
        assert len((await client.get("/runs")).json()["runs"]) == len(found) == 1
        await ended(client, *found)
    assert (other.status_code, other.json()["detail"]) == (422, "Idempotency-Key: it was sent with another request before")


async def test_a_request_of_a_session_that_is_sent_again_is_the_same_run(engine):
    """While that goes on: it is not asked after itself."""
    model = Held(list(REPLIES))
    asking = {"query": "q", "context": "c", "session_id": "mine"}
    async with serving(engine, model) as client:
        await begin(client, **asking)
        await client.post(f"/runs/{(await client.get('/runs')).json()['runs'][0]['run_id']}/cancel")
        del asking["context"]
        model.replies, model.reached = list(REPLIES), asyncio.Event()
        found = []
        for _ in range(2):
            found.append(await begin(client, headers={"Idempotency-Key": "k"}, **asking))
            await model.reached.wait()
        await client.post(f"/runs/{found[0]}/cancel")
    assert found[0] == found[1]


async def test_a_key_whose_run_was_refused_is_free_again(engine):
    """The next try is the first."""
    async with serving(engine, FakeModel(list(REPLIES))) as client:
        wrong = {"query": "q", "context": "c", "root_model": "none"}
        refused = await client.post("/runs", json=wrong, headers={"Idempotency-Key": "k"})
        assert refused.status_code == 422
        await ended(client, await begin(client, headers={"Idempotency-Key": "k"}, query="q", context="c"))


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"text": "STRAẞE"}, ["Where is the straße?"]),
        ({"text": "nine_of"}, []),
        ({"text": "alfa"}, ["second", "Where is the straße?"]),
        ({"status": "answered", "text": "second"}, ["second"]),
        ({"status": "cancelled"}, []),
        ({"model": "FAKE"}, ["second", "Where is the straße?"]),
        ({"model": "another"}, []),
        ({"until": "2020-01-01T00:00:00Z"}, []),
        ({"since": "2020-01-01", "limit": 1}, ["second"]),
        ({"since": "9999-01-01"}, []),
        ({"until": "9999-01-01", "limit": 1}, ["second"]),
        ({"text": '!"]\0'}, []),
    ],
)
async def test_runs_are_found(engine, wanted, found):
    """By a part of query or answer in any case, by model, by time, by how they ended; what stands for others in SQL does not here."""
    async with serving(engine, FakeModel([*REPLIES, *REPLIES])) as client:
        for query in ("Where is the straße?", "second"):
            await run(client, query=query)
        response = await client.get("/runs", params=wanted)
    assert [each["query"] for each in response.json()["runs"]] == found


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"status": "done"}, "status: it is one of queued, running, waiting, parked, answered"),
        ({"since": "yesterday"}, "since: it is no time; send it as 2026-01-31T12:00:00Z"),
    ],
)
async def test_a_filter_that_is_none_is_refused(engine, wanted, message):
    async with serving(engine, FakeModel()) as client:
        response = await client.get("/runs", params=wanted)
    assert response.status_code == 400
    assert response.json()["detail"].startswith(message)


async def test_the_script_of_a_run(engine):
    """Of JSON commands, a listing."""
    async with serving(engine, FakeModel([*REPLIES, '[{"op": "final", "answer": "1"}]'])) as client:
        texts = []
        for protocol in ("python", "json"):
            found = await run(client, protocol=protocol)
            texts.append((await client.get(f"/runs/{found['run_id']}/script")).text)
    assert "x = llm_query('alfa')" in texts[0]
    assert '{"op":"final","answer":"1"}' in texts[1]
