"""rlm runs, show, follow, cancel, fork: a server's runs from a terminal."""

import asyncio
import json

import pytest
from fakes import FakeModel, python
from processes import rlm
from serving import serving

REPLIES = [python("x = llm_query('alfa')"), python("print(x)"), python("FINAL(x + '!')")]


@pytest.fixture
async def server(engine):
    """A client of a server with one run that has ended; its id."""
    async with serving(engine, FakeModel([*REPLIES, *REPLIES])) as client:
        response = await client.post("/query", json={"query": "Who\x1b[31m is it?", "context": "c"})
        yield client, response.json()["run_id"]


async def command(server, *arguments):
    client, _ = server
    return await rlm(*arguments, "--server", str(client.base_url))


async def test_runs_lists_them(server):
    """A line each; what steers a terminal is shown and not done."""
    status, out, err = await command(server, "runs")
    run_id, day, _, how, question = out.strip().split(maxsplit=4)
    assert (status, err, run_id, day[:2], how, question) == (0, "", server[1], "20", "answered", "Who\\x1b[31m is it?")


async def test_runs_can_be_searched(server):
    """As GET /runs can."""
    assert await command(server, "runs", "--text", "nobody", "--status", "answered") == (0, "", "")


async def test_show_tells_what_it_did(server):
    """By how its id begins; in words, or all of it as JSON."""
    status, out, _ = await command(server, "show", server[1][:8])
    assert (status, out.splitlines()[0].split(",")[0], out.splitlines()[-1]) == (0, f"Run {server[1]}", "Answer: ALFA!")
    assert "-- Turn 1 (10 tokens read, 5 written, 1 sub-calls)\nx = llm_query('alfa')\n" in out
    _, out, _ = await command(server, "show", server[1], "--json")
    assert json.loads(out)["answer"] == "ALFA!"


async def test_follow_shows_a_run_to_its_end(server):
    """The answer on stdout, what happened on stderr."""
    status, out, err = await command(server, "follow", server[1])
    assert (status, out) == (0, "ALFA!\n")
    assert "turn 1, sub-calls 1/1: sub-models replied" in err


async def test_fork_begins_another(server, tmp_path):
    """With other code at a turn."""
    (tmp_path / "code.py").write_text("FINAL(x * 2)")
    status, out, err = await command(server, "fork", server[1], "--turn", "2", "--code", str(tmp_path / "code.py"))
    assert (status, err) == (0, f"rlm: `rlm follow {out[:8]}` shows what it does\n")
    assert (await command(server, "follow", out.strip()))[1] == "ALFAALFA\n"


async def test_cancel_ends_a_run(engine):
    """It says what it has."""
    async with serving(engine, FakeModel([python("answer['content'] = 'so far'"), python("while True: pass")])) as client:
        run_id = (await client.post("/runs", json={"query": "q", "context": "c"})).json()["run_id"]
        while len((await client.get(f"/runs/{run_id}")).json()["history"]) < 2:  # noqa: ASYNC110  (another task)
            await asyncio.sleep(0.02)
        found = await command((client, run_id), "cancel", run_id)
    assert found == (0, "so far\n", f"rlm: run {run_id}: cancelled\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("show", "zz"), "rlm: zz: no run begins so; `rlm runs` lists them\n"),
        (("fork", "RUN", "--turn", "9", "--model", "fake"), "rlm: turn: the run has the turns 1 to 3\n"),
        (
            ("fork", "RUN", "--turn", "1", "--code", "/no/file"),
            "rlm: --code: [Errno 2] No such file or directory: '/no/file'\n",
        ),
    ],
    ids=["no such run", "no such turn", "no such file"],
)
async def test_a_mistake_is_one_line(server, arguments, message):
    """Status 2."""
    found = await command(server, *(server[1] if each == "RUN" else each for each in arguments))
    assert found == (2, "", message)


async def test_a_server_that_is_not_there_is_one_line():
    """And what to do."""
    status, _, err = await rlm("runs", "--server", "http://127.0.0.1:9")
    assert (status, err) == (
        2,
        "rlm: no server at http://127.0.0.1:9 ([Errno 111] Connection refused): start it with `rlm serve`, or say --server URL\n",
    )
