"""Child runs: begun from a cell, each with a journal of its own; their parent waits for them as for sub-calls."""

import asyncio
import functools
import json
import re

import httpx
import msgspec
import pytest
from fakes import FAKE_MODEL, FakeModel, python, streamed

from orchestrator.contexts import store
from orchestrator.contexts.context import Context
from orchestrator.journal import events as ev
from orchestrator.journal.history import detail
from orchestrator.journal.results import result
from orchestrator.providers.openai import OpenAIProvider
from orchestrator.providers.pool import Pool
from orchestrator.providers.prices import Prices
from orchestrator.runs.owned import OwnedRuns
from orchestrator.runs.query import Query, WantedLimits
from orchestrator.runs.replay import replay
from orchestrator.sandbox import limits
from orchestrator.server_settings import ServerSettings
from orchestrator.store.database import sqlite_url
from orchestrator.store.messages import Wanted


class Family(FakeModel):
    """Root calls are answered by what the question says: the replies of that question, one after the other."""

    def __init__(self, held=None, **replies):
        """`held`: the question and turn (from 0) whose call never ends."""
        super().__init__()
        self.by_question = {question: list(each) for question, each in replies.items()}
        self.held = held
        self.reached = asyncio.Event()
        self.calls = []

    async def handle_async_request(self, request):
        if request.method == "POST":
            messages = json.loads(await request.aread())["messages"]
            if messages[0]["role"] == "system":
                asked = messages[1]["content"].split("Question: ")[1].split()[0]
                turn = sum(each["role"] == "assistant" for each in messages)
                self.calls.append((asked, turn))
                if (asked, turn) == self.held:
                    self.reached.set()
                    await asyncio.sleep(3600)
                return streamed(self.by_question[asked][turn])
        return await super().handle_async_request(request)


@pytest.fixture
def server(process, tmp_path):
    """async with server(model, **settings) as runs: one more process over the same store and contexts."""
    return functools.partial(process, sqlite_url(tmp_path / "runs.db"))


async def ask(runs, text="one two three", **query):
    return await runs.start(Query("parent", runs.contexts.add_text(text), **query)).wait()


def children_of(events):
    return [each for each in events if isinstance(each, ev.ChildFinished)]


async def test_a_child_is_a_run_of_its_own(server, engine):
    """Over a value of the cell; its parent has its answer, replays without it, and its usage counts both."""
    model = Family(
        parent=[python("found = rlm_query('child of it', context.split()[1])\nprint(found)"), python("FINAL(found)")],
        child=[python("FINAL(context.upper())")],
    )
    async with server(model) as runs:
        events = await ask(runs)
        [child] = children_of(events)
        below = await runs.journals.events(child.run_id)
        listed = await runs.journals.newest_first("", Wanted(), 9)
        found = await runs.store.newest_first("", Wanted(run_id=child.run_id[:9]), 9)
        context = runs.contexts.get(ev.run_started(events).context_id)
    assert (result(events).answer, child.answer, child.error) == ("TWO", "TWO", None)
    first = ev.run_started(below)
    assert (first.query, first.parent, first.depth, first.context_length) == (
        "child of it",
        ev.run_started(events).run_id,
        1,
        3,
    )
    assert (result(events).usage.calls, result(events).sub_calls, result(below).usage.calls) == (3, 1, 1)
    assert ([each.run_id for each in listed], [each.run_id for each in found]) == ([first.parent], [child.run_id])
    assert [each.run_id for each in detail(events).history[0].sub_queries] == [child.run_id]
    assert await replay(events, context, engine) == 2


@pytest.mark.parametrize(
    ("call", "answer"),
    [
        ("rlm_query('child')", "one two three"),
        ("rlm_query('child', start=4)", "two three"),
        ("rlm_query('child', start=4, stop=7)", "two"),
        ("rlm_query('child', start=8, stop=99)", "three"),
        ("rlm_query('child', start=-5, stop=-1)", "thre"),
        ("rlm_query('child', stop=3)", "one"),
        ("map_reduce([0, 8], lambda n: rlm_query('child', start=n, stop=n + 7), '|'.join, parallel=True)", "one two|three"),
        ("rlm_query('child', ['a', 'bc'])", "['a', 'bc']"),
        ("rlm_query('child', {'a': [1]})", "{'a': [1]}"),
        ("rlm_batch(['child', 'child'], ['x', 'y'])", '["x", "y"]'),
        ("rlm_batch(['child'] * 2)", '["one two three", "one two three"]'),
        ("rlm_batch('child', ['x', 'y'])", '["x", "y"]'),
        ("rlm_batch('child', {'a': 'x'}.values())", '["x"]'),
    ],
)
async def test_a_child_is_asked_over_what_is_named(server, call, answer):
    """A value, a part of the context, or all of it."""
    model = Family(parent=[python(f"FINAL({call})")], child=[python("FINAL(str(context))")])
    async with server(model) as runs:
        assert result(await ask(runs)).answer == answer


@pytest.mark.parametrize(
    ("documents", "answer"),
    [
        ("['b.txt', 0]", '[["b.txt", "a.txt"], ["B", "A"]]'),
        ("'b.txt'", '[["b.txt"], ["B"]]'),
        ("0", '[["a.txt"], ["A"]]'),
    ],
)
async def test_documents_are_named_by_number_or_name(server, documents, answer):
    """They keep their names; one needs no list."""
    model = Family(
        parent=[python(f"FINAL(rlm_query('child', documents={documents}))")],
        child=[python("FINAL([context.names, list(context)])")],
    )
    async with server(model) as runs:
        over = runs.contexts.add_documents([("a.txt", "A"), ("b.txt", "B")])
        events = await runs.start(Query("parent", over)).wait()
    assert result(events).answer == answer


@pytest.mark.parametrize(
    ("texts", "chosen", "error"),
    [
        (["A", "B"], "[2]", "there is no document 2: they have the numbers 0 to 1"),
        ([("a.txt", "A"), ("b.txt", "B")], "'c.txt'", "there is no document 'c.txt': they have the numbers 0 to 1 and names, as 'a.txt'"),
    ],
)  # fmt: skip
async def test_a_document_that_is_not_there_is_an_exception(server, texts, chosen, error):
    """It says which there are."""
    cell = f"try:\n    rlm_query('child', documents={chosen})\nexcept ValueError as e:\n    FINAL(str(e))"
    async with server(Family(parent=[python(cell)])) as runs:
        events = await runs.start(Query("parent", runs.contexts.add_documents(texts))).wait()
    assert result(events).answer == f"rlm_query: {error}"


async def test_a_part_is_never_in_memory_as_a_whole(server, monkeypatch):
    """It goes from file to file in pieces, and is the same text."""
    monkeypatch.setattr(store, "PIECE", 4)
    call = "[rlm_query('child', start=1), rlm_query('child', documents=[0, 1]), rlm_query('child', 'äöü' * 5)]"
    model = Family(parent=[python(f"FINAL({call})")], child=[python("FINAL(repr(context))")])
    read = []
    monkeypatch.setattr(
        Context, "_decode", lambda self, *part, decode=Context._decode: read.append(part) or decode(self, *part)
    )
    async with server(model) as runs:
        over = runs.contexts.add_documents([("a", "one äöü €𝄞 two"), ("b", "three")])
        read.clear()
        events = await runs.start(Query("parent", over)).wait()
    assert json.loads(result(events).answer) == ["'ne äöü €𝄞 twothree'", "['one äöü €𝄞 two', 'three']", "'äöüäöüäöüäöüäöü'"]
    assert {(1, 5), (5, 9), (9, 13), (13, 17), (17, 19)} <= set(read)
    assert (1, 19) not in read


async def test_at_the_last_depth_no_more_is_read_than_is_asked_at_once(server):
    """A thousand prompts over a large context would be more than the memory of a host."""
    cell = "try:\n    rlm_batch(['child'] * 1000)\nexcept ValueError as e:\n    FINAL(str(e))"
    async with server(Family(parent=[python(cell)]), max_depth=0) as runs:
        events = await ask(runs, "x" * 30_000)
    assert result(events).answer == (
        "rlm_query: at the last depth each is a prompt, and these have 30005000 characters in all; 20000000 at once is the limit"
    )


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ("rlm_query('child', 'x', start=1)", "ValueError: rlm_query: a context, or start of `context`: not both"),
        ("rlm_query('child', start=13)", "ValueError: rlm_query: start and stop leave nothing of the 13 characters"),
        ("rlm_query('child', start=4, stop=4)", "ValueError: rlm_query: start and stop leave nothing of the 13 characters"),
        ("rlm_query('child', documents=[0])", "ValueError: rlm_query: documents: the context is not documents"),
        ("rlm_query('child', start='4')", "TypeError: rlm_query: start must be int, not str"),
        ("rlm_query('child', documents=[0.5])", "TypeError: rlm_query: documents must be numbers or names of documents"),
        ("rlm_batch('child')", "TypeError: rlm_batch: queries must be a list, not str"),
        ("rlm_batch(['child'], {'a': 'x'})", "TypeError: rlm_batch: contexts must be a list, not dict"),
        ("rlm_batch(['child'], 'x')", "TypeError: rlm_batch: contexts must be a list, not str"),
        ("rlm_query('child', ' ')", "ValueError: rlm_query: context: it is empty"),
        ("rlm_query(' ')", "ValueError: rlm_query: the query is empty"),
        ("rlm_query('child', max_iterations=0)", "ValueError: rlm_query: max_iterations must be at least 1, not 0"),
        ("rlm_query('child', object())", "TypeError: rlm_query: the context must be a text, a list of texts or a JSON value: "),
        ("rlm_batch(['child', 'child'], 'xy')", "TypeError: rlm_batch: contexts must be a list, not str"),
        ("rlm_query('child', model='none')", "ValueError: root_model: there is no 'none' for this role; these are configured: "),
    ],
)  # fmt: skip
async def test_what_no_child_can_be_asked_is_an_exception(server, call, error):
    """Nothing is begun."""
    model = Family(parent=[python(f"try:\n    {call}\nexcept Exception as e:\n    FINAL(f'{{type(e).__name__}}: {{e}}')")])
    async with server(model) as runs:
        events = await ask(runs)
    assert result(events).answer.startswith(error)
    assert children_of(events) == []


UPPER = [python("FINAL(context.upper())")]


@pytest.mark.parametrize(
    "cell",
    [
        "map_reduce(['x', 'y'], lambda each: rlm_query('child', each), sorted, parallel=True)",
        "map_reduce(['x', 'y'], lambda each: rlm_batch(['child'], [each])[0], sorted, parallel=True)",
        "rlm_batch(['child', 'child'], ['x', 'y'])",
    ],
)
async def test_children_of_one_call_go_on_together(server, cell):
    """Those of all items of a map_reduce, too."""
    async with server(Family(parent=[python(f"FINAL({cell})")], child=UPPER)) as runs:
        events = await ask(runs)
    assert result(events).answer == '["X", "Y"]'
    assert [each.batch for each in events if isinstance(each, ev.ChildStarted)] == [1, 1]


async def test_a_map_reduce_asks_children_and_sub_models(server):
    """Each kind together; the schema is that of both."""
    cell = "def f(each):\n    return [rlm_query('child', each), llm_query(each)]\n"
    cell += "FINAL(map_reduce(['[1]', '[2]'], f, list, parallel=True, schema=list[int]))"
    model = Family(parent=[python(cell)], child=[python("FINAL(json.loads(context))".replace("json", "__import__('json')"))])
    model.sub = lambda prompt: f'{{"value": {prompt[:3]}}}'
    async with server(model) as runs:
        events = await ask(runs)
    assert result(events).answer == "[[[1], [1]], [[2], [2]]]"
    assert [each.batch for each in events if isinstance(each, ev.ChildStarted | ev.SubcallStarted)] == [1, 1, 2, 2]


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ({"op": "map", "prompt": "child", "size": 1}, '["ONE", "TWO"]'),
        ({"op": "map", "prompt": "child of ${part}", "size": 2}, '["ONE\\nTWO"]'),
        ({"op": "reduce", "directive": "child"}, "ONE\nTWO"),
    ],
)
async def test_commands_ask_children(server, command, answer):
    """Each over its part."""
    commands = [command | {"children": True}, {"op": "final", "answer": "${last}"}]
    async with server(Family(parent=[json.dumps(commands)], child=UPPER)) as runs:
        events = await ask(runs, "one\ntwo", protocol="json")
    assert result(events).answer == answer
    assert len(children_of(events)) == len(json.loads(answer)) if answer[0] == "[" else 1


async def test_a_command_asks_a_child_for_a_value(server):
    """That fits its schema."""
    delegate = {"op": "llm_delegate", "task": "child", "schema": {"type": "array"}, "store": "found"}
    model = Family(
        parent=[json.dumps([delegate, {"op": "final", "answer": "${found.1}"}])], child=[python("FINAL(context.split())")]
    )
    async with server(model) as runs:
        assert result(await ask(runs, "one two", protocol="json")).answer == "two"


async def test_what_a_child_is_over_is_not_kept_loaded(server, engine):
    """Only its parent's context is: hundreds of parts would push out what other runs are over."""
    model = Family(parent=[python("FINAL(len(context) + len(rlm_batch(['child'] * 3, ['a', 'b', 'c'])))")], child=UPPER)
    async with server(model) as runs:
        events = await ask(runs, "a context of the parent")
    loaded = {key[0] for key in engine.templates._entries}
    over = {each.context_id for each in events if isinstance(each, ev.ChildStarted)}
    assert (len(over), over & loaded, ev.run_started(events).context_id in loaded) == (3, set(), True)


async def test_a_run_gives_its_place_to_its_children(server):
    """Where one run may go on at a time."""
    model = Family(parent=[python("FINAL(rlm_batch(['child a', 'child b'], ['x', 'y']))")], child=[python("FINAL(context)")])
    async with server(model, server=ServerSettings(max_runs=1, park_seconds=3600.0)) as runs, asyncio.timeout(20):
        assert result(await ask(runs)).answer == '["x", "y"]'


async def test_a_child_that_fails_is_an_exception_with_what_it_had(server):
    """Its parent goes on."""
    code = "try:\n    rlm_query('child', 'x', max_iterations=1)\nexcept ChildError as e:\n    FINAL([str(e), e.partial])"
    model = Family(parent=[python(code)], child=[python("answer['content'] = 'so far'"), "no block"])
    async with server(model) as runs:
        events = await ask(runs)
    [child] = children_of(events)
    reason = f"the child run {child.run_id} did not answer: max_iterations (1) was reached before an answer"
    assert json.loads(result(events).answer) == [reason, "so far"]


async def test_of_a_batch_that_fails_in_part_the_exception_has_the_answers(server):
    """They are paid for."""
    code = "try:\n    rlm_batch(['child', 'other'], ['x', 'y'], max_iterations=1)\n"
    code += "except ChildError as e:\n    FINAL([str(e), e.results])"
    model = Family(parent=[python(code)], child=["no block", "so far"], other=[python("FINAL(context)")])
    async with server(model) as runs:
        events = await ask(runs)
    failed = next(each for each in children_of(events) if each.error)
    told = (
        f"1 of 2 child runs failed ([0] {failed.error}). This exception's .results has the answers of the others; "
        'on_error="return" gives all in a list'
    )
    assert json.loads(result(events).answer) == [told, [None, "y"]]


async def test_at_the_last_depth_a_sub_model_is_asked_once(server):
    """And the cell is told."""
    model = Family(
        parent=[python("FINAL(rlm_query('child', 'abc'))")],
        child=[python("FINAL(rlm_query('grandchild', context + 'd'))")],
    )
    async with server(model, max_depth=1) as runs:
        events = await ask(runs)
        [child] = children_of(events)
        [cell] = [each for each in await runs.journals.events(child.run_id) if isinstance(each, ev.CellFinished)]
    assert cell.output == "rlm_query: max_depth (1) is reached: a sub-model was asked once\n"
    assert (result(events).answer, model.sub_prompts) == ("GRANDCHILD\n\nABCD", ["grandchild\n\nabcd"])


async def test_the_model_that_is_named_is_asked_at_the_last_depth_too(server):
    """As the sub-call that it is."""
    async with server(Family(parent=[python("FINAL(rlm_query('child', 'abc', model='fake'))")]), max_depth=0) as runs:
        [asked] = [each for each in await ask(runs) if isinstance(each, ev.SubcallStarted)]
    assert asked.manner.model == "fake"


async def test_children_share_what_is_left_of_the_sub_calls(server):
    """Those of a child count as its parent's."""
    spend = python(
        "import itertools\nfor n in itertools.count():\n    try:\n        llm_query(f'{n}')\n    except BudgetError:\n        break\nFINAL(n)"
    )
    model = Family(parent=[python("print(rlm_batch(['child a', 'child b']))"), python("FINAL('done')")], child=[spend])
    async with server(model, max_sub_calls=8) as runs:
        events = await ask(runs)
    assert [(each.answer, each.sub_calls) for each in children_of(events)] == [("3", 3), ("3", 3)]
    assert len(model.sub_prompts) == 6


class Charging(Family):
    """It charges four characters a token, and 100 of each reply; children talk on, until they are asked for the best answer."""

    charged = 0

    async def handle_async_request(self, request):
        if request.method == "GET":
            return await super().handle_async_request(request)
        messages = json.loads(await request.aread())["messages"]
        read = sum(len(each["content"]) for each in messages) // 4
        self.charged += read + 100
        asked = messages[1]["content"].split("Question: ")[1].split()[0]
        turn = sum(each["role"] == "assistant" for each in messages)
        last = messages[-1]["content"].startswith("No replies are left.")
        text = self.by_question[asked][turn] if asked in self.by_question else python(f"print({turn})")
        return streamed("The best is 7." if last else text, read, 100)


async def test_children_share_what_is_left_of_the_tokens(server):
    """Each stops before the call that would pass its part; what they spent is their parent's, and the tree is within the limit."""
    batch = "try:\n    rlm_batch(['child a', 'child b'])\nexcept ChildError as error:\n    partial = error.partial"
    cell = f"before = budget()['tokens']\n{batch}\nFINAL([partial, before, budget()['tokens']])"
    model = Charging(parent=[python(cell)])
    async with server(model, max_total_tokens=60_000) as runs:
        events = await ask(runs)
        below = [await runs.journals.events(each.run_id) for each in children_of(events)]
    partial, before, after = json.loads(result(events).answer)
    assert [(result(each).stopped, result(each).answer) for each in below] == [("max_total_tokens", "The best is 7.")] * 2
    assert [ev.run_started(each).limits.max_total_tokens for each in below] == [before // 2] * 2
    assert [sum(isinstance(each, ev.CallRefused) for each in events) for events in below] == [1, 1]
    spent = [result(each).usage.total_tokens for each in below]
    assert (partial, before - after) == ("The best is 7.", sum(spent))
    assert all(before // 4 < each <= before // 2 for each in spent)
    assert result(events).usage.total_tokens == model.charged <= 60_000


async def test_a_batch_whose_children_would_have_nothing_is_refused(server):
    """The cell can begin fewer; what was reserved for them is there again."""
    cell = "try:\n    rlm_batch(['child'] * 40)\nexcept BudgetError as error:\n    FINAL([str(error), budget()['sub_calls']])"
    async with server(Charging(parent=[python(cell)]), max_total_tokens=40_000, max_sub_calls=50) as runs:
        events = await ask(runs)
    said, calls = json.loads(result(events).answer)
    assert re.fullmatch(
        r"max_total_tokens: [0-9,]+ of 40,000 are left for 40 child runs; nothing was begun. Begin fewer, or answer", said
    )
    assert (calls, children_of(events)) == (50, [])


async def test_children_share_what_is_left_of_the_money(server, tmp_path):
    """Each stops before the call that would pass its part, and the tree costs no more than its limit."""
    batch = "try:\n    rlm_batch(['child a', 'child b'])\nexcept ChildError as error:\n    partial = error.partial"
    model = Charging(parent=[python(f"{batch}\nFINAL(partial)")])
    (tmp_path / "prices.toml").write_text('[[prices]]\nmodels = ["fake"]\ninput = 1\noutput = 1\n')
    async with server(model, prices=Prices(tmp_path / "prices.toml"), max_cost=0.06) as runs:
        events = await ask(runs)
        below = [await runs.journals.events(each.run_id) for each in children_of(events)]
    assert [(result(each).stopped, result(each).answer) for each in below] == [("max_cost", "The best is 7.")] * 2
    assert result(events).answer == "The best is 7."
    assert result(events).usage.cost == pytest.approx(model.charged / 10**6)
    assert 0.02 < result(events).usage.cost <= 0.06


async def test_a_child_that_was_paid_for_and_lost_is_not_begun_again(server):
    """The cell was rolled back; the same task gets the same answer."""
    model = Family(
        parent=[python("x = rlm_query('child', 'a')\nwhile True: pass"), python("FINAL(rlm_query('child', 'a'))")],
        child=[python("FINAL(context)")],
    )
    async with server(model) as runs:
        events = await ask(runs)
    assert (result(events).answer, len(children_of(events)), model.calls.count(("child", 0))) == ("a", 1, 1)


async def test_a_cancelled_run_cancels_its_children(server):
    """All of the tree."""
    model = Family(held=("child", 0), parent=[python("rlm_query('child', 'a')")])
    async with server(model) as runs:
        run = runs.start(Query("parent", runs.contexts.add_text("x")))
        await model.reached.wait()
        run.cancel()
        events = await run.wait()
        [started] = [each for each in events if isinstance(each, ev.ChildStarted)]
        async with asyncio.timeout(5):
            while not isinstance((below := await runs.journals.events(started.run_id))[-1], ev.RunFinished):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
    assert (result(events).stopped, result(below).stopped) == ("cancelled", "cancelled")


@pytest.mark.parametrize("changed", [{}, {"max_total_tokens": 200_000}])
async def test_a_tree_outlives_its_server(server, contexts, changed):
    """A child that has ended answers from its journal, one that goes on is gone on with; nothing is asked twice."""
    replies = {
        "parent": [python("a = rlm_query('first', 'a')"), python("b = rlm_query('second', 'b')\nFINAL(a + b)")],
        "first": [python("FINAL(context * 2)")],
        "second": [python("c = context * 3"), python("FINAL(c)")],
    }
    model = Family(held=("second", 1), **replies)
    async with server(model, **changed) as runs, asyncio.timeout(30):
        run = runs.start(Query("parent", contexts.add_text("x")), detached=True)
        await model.reached.wait()
    again = Family(**replies)
    async with server(again, **changed) as runs:
        await runs.go_on()
        async with asyncio.timeout(20):
            while not isinstance((events := await runs.journals.events(run.run_id))[-1], ev.RunFinished):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        unfinished = await runs.store.unfinished()
    assert (result(events).answer, again.calls, unfinished) == ("aabbb", [("second", 1)], [])


async def test_children_of_a_cell_that_keeps_its_guest_go_on(server, monkeypatch):
    """It has computed too long to begin again, and no other place will ever be free."""
    monkeypatch.setattr(limits, "REPEATED_SECONDS", 0.0)
    model = Family(
        parent=[python("FINAL(rlm_batch(['child a', 'child b'], ['x', 'y']))")],
        child=[python("FINAL(rlm_query('grandchild', context))")],
        grandchild=[python("FINAL(context * 2)")],
    )
    async with server(model, server=ServerSettings(max_runs=1)) as runs, asyncio.timeout(20):
        assert result(await ask(runs)).answer == '["xx", "yy"]'


async def test_no_child_is_refused_by_a_full_server(server):
    """Its parent was let in."""
    model = Family(parent=[python("FINAL(rlm_batch(['child a', 'child b'], ['x', 'y']))")], child=[python("FINAL(context)")])
    async with server(model, server=ServerSettings(max_runs=1, max_queued_runs=0)) as runs:
        assert result(await ask(runs)).answer == '["x", "y"]'


async def test_a_document_is_named_once(server):
    """Else a list of numbers could be a context of any size."""
    cell = "try:\n    rlm_query('child', documents=[0, 'b', 'a'])\nexcept ValueError as e:\n    FINAL(str(e))"
    async with server(Family(parent=[python(cell)])) as runs:
        over = runs.contexts.add_documents([("a", "A"), ("b", "B")])
        events = await runs.start(Query("parent", over)).wait()
    assert result(events).answer == "rlm_query: the document 'a' is named twice"


async def test_children_of_a_caller_s_own_models_know_no_others(server):
    """What the caller sends goes to no model of the operator's, as it does for sub-calls."""
    cell = "try:\n    rlm_query('child', 'x', model='fake')\nexcept ValueError as e:\n    FINAL(str(e))"
    model = Family(parent=[python(cell)])
    async with server(model) as runs, httpx.AsyncClient(transport=model) as client:
        provider = OpenAIProvider(msgspec.structs.replace(FAKE_MODEL, model="theirs"), client)
        theirs = msgspec.structs.replace(Pool([provider], retry_seconds=0).choose(), own=True)
        beginning = runs.beginnings.first(Query("parent", runs.contexts.add_text("x")), WantedLimits())
        events = await runs.begin(msgspec.structs.replace(beginning, models=theirs), detached=False).wait()
    assert result(events).answer == "root_model: there is no 'fake' for this role; these are configured: openai/theirs"


async def test_child_runs_are_none_of_a_token_s_runs(server):
    """A tree is one run that was asked for."""
    model = Family(held=("child", 0), parent=[python("rlm_query('child', 'a')")])
    async with server(model) as runs:
        runs.start(Query("parent", runs.contexts.add_text("x"), owner="ann"))
        await model.reached.wait()
        assert runs.underway.count("ann") == 1


async def test_who_forgets_a_run_forgets_its_children(server):
    """All below it: they hold what was asked, and nobody would find them any more."""
    model = Family(
        parent=[python("FINAL(rlm_query('child', 'a'))")],
        child=[python("FINAL(rlm_query('grandchild', 'a'))")],
        grandchild=[python("FINAL(context)")],
    )
    async with server(model) as runs:
        events = await ask(runs)
        [child] = children_of(events)
        [grandchild] = children_of(await runs.journals.events(child.run_id))
        await OwnedRuns(runs, "").delete(ev.run_started(events).run_id)
        assert [await runs.store.has_ended(each.run_id, "") for each in (child, grandchild)] == [None, None]
