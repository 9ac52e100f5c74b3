"""Answers that have to fit the JSON Schema of their question."""

import msgspec
import pytest
from fakes import FakeModel, python

from orchestrator.contexts.store import ContextStore
from orchestrator.errors import InvalidRequest, JournalError
from orchestrator.journal import events as ev
from orchestrator.journal.listing import listing
from orchestrator.journal.results import excerpt, result
from orchestrator.runs.query import Query, check
from orchestrator.runs.replay import replay

PERSON = {"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer"}}, "required": ["name", "age"]}
TYPED = {"answer_schema": PERSON}
ANN = {"name": "Ann", "age": 3}


def shown(model, turn):
    """What the root model saw before its reply `turn` (1-based)."""
    return model.root_messages[turn - 1][-1]["content"]


@pytest.mark.parametrize(
    "reply",
    [
        python("FINAL({'name': 'Ann', 'age': 3})"),
        python("import json\nFINAL(json.dumps({'name': 'Ann', 'age': 3}))"),
        python("Final = {'name': 'Ann', 'age': 3}"),
        python("from dataclasses import dataclass\n@dataclass\nclass P:\n    name: str\n    age: int\nFINAL(P('Ann', 3))"),
        '{"op": "final", "answer": {"name": "Ann", "age": 3}}',
        'FINAL({"name": "Ann", "age": 3})',
    ],
)
async def test_the_answer_is_a_value(run_query, reply):
    """However it is given; the model is told of the schema in a line with the question."""
    model = FakeModel([reply])
    journal = await run_query(model, asking=TYPED)
    assert (result(journal.events).answer, result(journal.events).success) == (ANN, True)
    assert shown(model, 1).startswith(
        "Question: What is it?\nThe answer is taken only as a value that fits this JSON Schema (not its text): "
        '{"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer"}}, "required": ["name", "age"]}\n\n'
    )


@pytest.mark.parametrize(
    ("cell", "wrong"),
    [
        ("FINAL({'name': 'Ann', 'age': 'three'})", "at $.age: 'three' is not of type 'integer'"),
        ("FINAL('Ann, 3')", "at $: 'Ann, 3' is not of type 'object'"),
        ('FINAL(\'{"name": "Ann"}\')', "at $: 'age' is a required property"),
        ("FINAL({1, 2})", "it is not valid JSON: JSON is malformed: object keys must be strings (byte 1)"),
        ("answer['content'], answer['ready'] = ['Ann'], True", "at $: ['Ann'] is not of type 'object'"),
    ],
)
async def test_an_answer_that_does_not_fit_is_an_error_that_the_model_sees(run_query, engine, cell, wrong):
    """The run goes on without it: the next cell is not taken for an answer."""
    model = FakeModel([python(cell), python("print(1)"), python("FINAL({'name': 'Ann', 'age': 3})")])
    journal = await run_query(model, asking=TYPED)
    told = f"The answer was not taken, as it does not fit the JSON Schema of the question: {wrong}. Mend it, and answer again."
    assert shown(model, 2) == f"Block 1 printed nothing.\n{told}\n(4 replies and 10 sub-calls left.)"
    assert shown(model, 3) == "Block 2 printed 2 characters:\n1\n\n(3 replies and 10 sub-calls left.)"
    assert [each.reason for each in journal.events if isinstance(each, ev.AnswerRefused)] == [told]
    assert f"# Turn 1, its answer was not taken: {told}" in listing(journal.events)
    assert (result(journal.events).answer, excerpt(journal.events).answer) == (ANN, '{"name":"Ann","age":3}')
    assert await replay(journal.events, ContextStore().add_text("the context"), engine) == 3


async def test_a_text_may_be_the_value(run_query):
    """Also one that is JSON itself."""
    journal = await run_query(FakeModel([python("FINAL('5')")]), asking={"answer_schema": {"type": "string"}})
    assert result(journal.events).answer == "5"


@pytest.mark.parametrize(
    ("last", "answer"), [('I think {"name": "Ann", "age": 3}.', ANN), ("No idea.", "No idea."), ('{"name": 1}', '{"name": 1}')]
)
async def test_a_partial_answer_is_a_value_if_it_fits(run_query, last, answer):
    """Else the text that there is."""
    model = FakeModel([python("print(1)"), last])
    found = result((await run_query(model, max_iterations=1, asking=TYPED)).events)
    assert (found.answer, found.success, found.stopped) == (answer, False, "max_iterations")


async def test_a_journal_from_elsewhere_brings_no_pattern(run_query, engine):
    """It is not executed again with a schema that no run here would have begun with."""
    journal = await run_query(FakeModel([python("FINAL({'name': 'Ann', 'age': 3})")]), asking=TYPED)
    forged = [msgspec.structs.replace(journal.events[0], answer_schema={"pattern": "(a+)+b"}), *journal.events[1:]]
    with pytest.raises(JournalError) as error:
        await replay(forged, ContextStore().add_text("the context"), engine)
    assert str(error.value).startswith("answer_schema: pattern: no pattern is run here")


def test_a_schema_that_is_not_taken_is_the_callers_mistake():
    """Before a model is paid."""
    query = Query("q", ContextStore().add_text("x"), answer_schema={"type": "string", "pattern": "a"})
    with pytest.raises(InvalidRequest) as error:
        check(query, 100)
    assert str(error.value) == (
        "answer_schema: pattern: no pattern is run here; use enum, const, minLength and maxLength, or look at the value in code"
    )
