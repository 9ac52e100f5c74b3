"""Whole runs with a real model behind a real server, in both protocols."""

import asyncio
import json

import pytest
from llama import NAME, WINDOW
from processes import rlm
from serving import serving_app

from orchestrator.config import OpenAISettings, ScriptedSettings, Settings
from orchestrator.dialogue.commands import Malformed
from orchestrator.dialogue.replies import parse_reply
from orchestrator.journal.events import ModelReplied, SubcallFinished, SubcallStarted
from orchestrator.journal.results import result
from orchestrator.opening import Orchestrator
from orchestrator.runs.query import Query
from orchestrator.runs.replay import replay

pytestmark = pytest.mark.engine
LOG = "".join(f"{'ERROR' if number % 3 else 'INFO'} request {number}\n" for number in range(300))
QUESTION = "How many lines of this log are errors?"
# So small a model may never come to an answer: any end but an error, of ours or of the server's.
ENDS = {"answered", "max_iterations", "repeated_reply"}


def settings(llama_server, max_tokens=200, **others):
    """A configuration whose one model is the server's."""
    return Settings(
        providers=(OpenAISettings(model=NAME, base_url=llama_server.url, max_tokens=max_tokens),), max_iterations=3, **others
    )


async def events_of(engine, configured):
    """Those of a run, which comes to the same when it is executed again."""
    async with Orchestrator(configured, print, engine=engine).open() as runs:
        context = runs.contexts.add_text(LOG)
        run = runs.start(Query(QUESTION, context))
        async with asyncio.timeout(500):
            events = await run.wait()
    await replay(events, context, engine)
    return events


def turns_of(events):
    """The replies to its turns."""
    return [event.reply for event in events if isinstance(event, ModelReplied) and not event.best_answer]


async def test_a_run_in_python(engine, llama_server):
    """Each turn has a reply, whose tokens the server has counted."""
    events = await events_of(engine, settings(llama_server))
    turns = turns_of(events)
    assert (result(events).stopped in ENDS, len(turns)) == (True, result(events).iterations)
    assert all(each.text and each.attempts == 1 and not each.usage.estimated for each in turns)


async def test_a_run_in_commands_keeps_to_their_schema(engine, llama_server):
    """Each reply is commands of the schema, unless the server cut it."""
    events = await events_of(engine, settings(llama_server, max_tokens=300, protocol="json"))
    turns = turns_of(events)
    assert (result(events).stopped in ENDS, len(turns)) == (True, result(events).iterations)
    assert all(each.text.startswith("{") and not each.usage.estimated for each in turns)
    whole = [each.text for each in turns if not each.cut]
    assert whole
    assert all(json.loads(text).keys() <= {"thought", "commands"} for text in whole)
    commands = [command for text in whole for action in parse_reply(text) for command in action.commands]
    assert [each for each in commands if isinstance(each, Malformed)] == []


@pytest.fixture
def scripted(tmp_path):
    """scripted(code): a root model that replies with it."""

    def write(code):
        (tmp_path / "script.toml").write_text(f"[[rules]]\nquery = 'log'\nreplies = ['''```python\n{code}\n```''']\n")
        return ScriptedSettings(model=str(tmp_path / "script.toml"), role="root")

    return write


def with_sub_model(llama_server, root, **others):
    sub = OpenAISettings(model=NAME, base_url=llama_server.url, role="sub", max_tokens=16, **others)
    return Settings(providers=(root, sub))


async def test_the_sub_calls_of_a_batch_are_under_way_together(engine, llama_server, scripted):
    """Four prompts, two slots: the server answers all of them, none twice."""
    events = await events_of(
        engine, with_sub_model(llama_server, scripted("FINAL(len(llm_batch(['one', 'two', 'three', 'four'])))"))
    )
    assert (result(events).answer, result(events).sub_calls) == ("4", 4)
    kinds = [type(event) for event in events if isinstance(event, SubcallStarted | SubcallFinished)]
    assert kinds == [SubcallStarted] * 4 + [SubcallFinished] * 4
    replies = [event.reply for event in events if isinstance(event, SubcallFinished)]
    assert all(each.cut and each.usage.completion_tokens == 16 and each.attempts == 1 for each in replies)


@pytest.mark.parametrize(
    ("window", "said"),
    [
        (None, f"HTTP 400: request (8216 tokens) exceeds the available context size ({WINDOW} tokens), try increasing it"),
        (
            WINDOW,
            "the prompt has 49,152 characters, of which about 18,432 fit (context_window is 8,192 tokens, 2,048 are kept for the reply)",
        ),
    ],
    ids=["the server refuses", "the configuration knows"],
)
async def test_a_cell_is_told_why_a_prompt_failed(engine, llama_server, scripted, window, said):
    """And goes on."""
    code = f"try:\n    llm_query('grass ' * {WINDOW})\nexcept RuntimeError as error:\n    FINAL(str(error))"
    events = await events_of(engine, with_sub_model(llama_server, scripted(code), context_window=window))
    assert result(events).answer == f"{NAME}: {said}"


@pytest.mark.parametrize("protocol", ["python", "json"])
async def test_a_caller_who_goes_away_stops_the_server(engine, llama_server, protocol):
    """Within the reply that it is writing; the run is cancelled."""
    async with serving_app(
        Orchestrator(settings(llama_server, max_tokens=4000, protocol=protocol), print, engine=engine)
    ) as client:
        call = asyncio.create_task(client.post("/query", json={"query": QUESTION, "context": LOG}))
        await llama_server.becomes(busy=1)
        call.cancel()
        await llama_server.becomes(busy=0)
        [run] = (await client.get("/runs")).json()["runs"]
    assert run["stopped"] == "cancelled"


async def test_the_command_line_asks_it(llama_server, tmp_path):
    """With the two lines that a configuration needs, and no key."""
    provider = f'provider_type = "openai"\nmodel = "{NAME}"\nbase_url = "{llama_server.url}"\nmax_tokens = 50'
    (tmp_path / "config.toml").write_text(f"max_iterations = 1\n[[providers]]\n{provider}\n")
    (tmp_path / "log").write_text(LOG)
    status, out, said = await rlm("query", "--json", QUESTION, "log", folder=tmp_path)
    assert status in (0, 1), said
    assert (json.loads(out)["stopped"] in ENDS, json.loads(out)["iterations"]) == (True, 1)
