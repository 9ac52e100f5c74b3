"""Direct answers: one call with the whole context."""

import httpx
import pytest
from fakes import FakeModel

from orchestrator.contexts.store import ContextStore
from orchestrator.errors import TooLong
from orchestrator.journal import events as ev
from orchestrator.journal.results import result
from orchestrator.runs.replay import replay

DIRECT = {"route": "direct"}
AGE = {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}


@pytest.fixture
def model():
    """Root calls are those that begin as a direct one does."""
    return lambda *replies: FakeModel(replies)


async def test_the_model_reads_all_of_it_and_answers(run_query, engine, model):
    """In one call, which the result says; no cell is executed, then or when it is replayed."""
    fake = model("<think>Ann?</think>Ann.")
    journal = await run_query(fake, text="Ann wrote it.", asking=DIRECT)
    assert fake.root_messages == [
        [
            {"role": "system", "content": journal.events[1].texts[0]},
            {"role": "user", "content": "Question: What is it?\n\nThe input:\n-----\nAnn wrote it.\n-----"},
        ]
    ]
    found = result(journal.events)
    assert (found.answer, found.bypassed, found.iterations, found.sub_calls) == ("Ann.", True, 1, 0)
    assert await replay(journal.events, ContextStore().add_text("Ann wrote it."), engine) == 0


async def test_documents_are_told_apart(run_query, model):
    """By their numbers."""
    fake = model("both")
    await run_query(fake, text=["first", "second"], asking=DIRECT)
    assert fake.root_messages[0][1]["content"].endswith("-----\nDocument 0:\nfirst\n-----\nDocument 1:\nsecond\n-----")


async def test_a_run_with_code_is_not_bypassed(run_query, model):
    """It says so."""
    assert result((await run_query(model("FINAL(1)"))).events).bypassed is False


async def test_an_answer_has_to_fit_its_schema(run_query, engine, model):
    """One that does not is asked again, with what is wrong; the server is told the schema."""
    fake = model("Ann is three.", 'She is: {"age": 3}')
    journal = await run_query(fake, asking=DIRECT | {"answer_schema": AGE})
    told = next(each.reason for each in journal.events if isinstance(each, ev.AnswerRefused))
    assert fake.root_messages[1][-1] == {"role": "user", "content": told}
    assert fake.root_formats[0]["json_schema"]["schema"] == AGE
    assert result(journal.events).answer == {"age": 3}
    assert await replay(journal.events, ContextStore().add_text("the context"), engine) == 0


async def test_after_three_answers_that_do_not_fit_it_ends(run_query, model):
    """With the last one."""
    found = result((await run_query(model("a", "b", "c"), asking=DIRECT | {"answer_schema": AGE})).events)
    assert (found.stopped, found.answer, found.error) == ("max_iterations", "c", "no answer fits the schema, in 3 replies")


async def test_a_failed_call_is_told(run_query, model):
    """As in any run."""
    found = result((await run_query(model(httpx.Response(401, json={})), asking=DIRECT)).events)
    assert (found.stopped, found.answer) == ("provider_error", None)


@pytest.mark.parametrize(("text", "tokens"), [("word " * 600_000, "1,002,120"), ("x" * 10_000_000, "3,333,333")])
async def test_what_does_not_fit_is_refused_with_the_numbers(run_query, model, text, tokens):
    """Before anything is sent; of a window that nobody knows a million tokens are taken to fit."""
    with pytest.raises(TooLong) as error:
        await run_query(model(), text=text, asking=DIRECT)
    assert str(error.value) == (
        f"route: direct: the context has {len(text):,} characters, about {tokens} tokens with the question and a reply; "
        'the model reads 1,000,000; ask with route "rlm"'
    )
    assert error.value.status == 422
