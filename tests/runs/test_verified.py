"""Answers that a sub-model is asked about before they stand."""

import json

import httpx
import pytest
from fakes import FakeModel, python

from orchestrator.contexts.store import ContextStore
from orchestrator.errors import InvalidRequest
from orchestrator.journal import events as ev
from orchestrator.journal.results import result
from orchestrator.runs.query import Query, check
from orchestrator.runs.replay import replay

VERIFY = {"verify": True}
AGREES = json.dumps({"why": "It is there.", "agrees": True})
DISAGREES = json.dumps({"why": "The list has two.", "agrees": False})
TOLD = (
    "Before it stands, your answer was checked by another model, which disagrees: The list has two.\nLook again. Then answer, with "
    "the same or another answer: it is not checked once more."
)


async def test_an_answer_that_is_agreed_to_stands(run_query, engine):
    """The sub-model has the question, the answer and what the run was shown; the call is of no cell, and is replayed."""
    model = FakeModel([python("print('one, two')"), python("llm_query('x')\nFINAL(2)")], sub=lambda prompt: AGREES)
    journal = await run_query(model, asking=VERIFY)
    assert (result(journal.events).answer, result(journal.events).sub_calls) == ("2", 2)
    asked = model.sub_prompts[1]
    assert (
        "Question: What is it?\n\nAnswer: 2\n\nWhat it was shown:\n-----\nQuestion: What is it?\n\n`context` is a str of 11 characters.\n"
        "This is all of it:\n-----\nthe context\n-----\n\nBlock 1 printed 9 characters:\none, two\n" in asked
    )
    assert [each.cell for each in journal.events if isinstance(each, ev.SubcallStarted)] == [2, 0]
    assert await replay(journal.events, ContextStore().add_text("the context"), engine) == 2


async def test_a_disagreement_goes_back_once(run_query, engine):
    """The next answer stands, whatever it is."""
    model = FakeModel([python("FINAL(1)"), python("FINAL(1)")], sub=lambda prompt: DISAGREES)
    journal = await run_query(model, asking=VERIFY)
    assert model.root_messages[1][-1]["content"] == f"Block 1 printed nothing.\n{TOLD}\n(4 replies and 9 sub-calls left.)"
    assert (result(journal.events).answer, len(model.sub_prompts)) == ("1", 1)
    assert await replay(journal.events, ContextStore().add_text("the context"), engine) == 2


async def test_what_cannot_go_back_is_not_asked_about(run_query):
    """In the last reply."""
    model = FakeModel([python("FINAL(1)")])
    assert result((await run_query(model, max_iterations=1, asking=VERIFY)).events).answer == "1"
    assert model.sub_prompts == []


@pytest.mark.parametrize("limit", [0, 5])
async def test_if_nobody_can_say_the_answer_stands(run_query, limit):
    """No sub-calls are left, or they fail."""
    model = FakeModel([python("FINAL(1)")], sub=lambda prompt: httpx.Response(401, json={}))
    assert result((await run_query(model, max_sub_calls=limit, asking=VERIFY)).events).answer == "1"


async def test_a_value_has_to_fit_before_it_is_asked_about(run_query):
    """What does not is no answer yet."""
    model = FakeModel([python("FINAL('x')"), python("FINAL(5)")], sub=lambda prompt: AGREES)
    journal = await run_query(model, asking=VERIFY | {"answer_schema": {"type": "integer"}})
    assert (result(journal.events).answer, len(model.sub_prompts)) == (5, 1)


def test_a_direct_answer_is_not_verified():
    """It is the caller's mistake."""
    with pytest.raises(InvalidRequest) as error:
        check(Query("q", ContextStore().add_text("x"), route="direct", verify=True), 100)
    assert str(error.value) == 'verify: a direct answer has no evidence but the input itself; ask with route "rlm"'
