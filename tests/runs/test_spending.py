"""Runs with a limit of tokens or money: they stop before the call that could pass it."""

import json

import msgspec
import pytest
from fakes import FAKE_MODEL, FakeModel, FakeProvider, live, python, streamed
from ledgers import TALK, Ledger

from orchestrator.amounts import Amount
from orchestrator.budget import Budget, RunLimits
from orchestrator.config import CacheSettings
from orchestrator.contexts.store import ContextStore
from orchestrator.errors import AboveCap, ProviderError, Unpriced
from orchestrator.journal import events as ev
from orchestrator.journal.journal import Journal
from orchestrator.journal.results import result
from orchestrator.providers.cache import Cache
from orchestrator.providers.pool import Pool
from orchestrator.providers.prices import Prices
from orchestrator.runs.live import Live
from orchestrator.runs.query import WantedLimits
from orchestrator.runs.replay import replay
from orchestrator.runs.subcalls import SubCalls
from orchestrator.sandbox.messages import Manner, Prompt, SubReply


@pytest.fixture
def prices(tmp_path):
    """A million tokens of the fake, read or written, cost a dollar."""
    (tmp_path / "prices.toml").write_text('[[prices]]\nmodels = ["fake"]\ninput = 1\noutput = 1\n')
    return Prices(tmp_path / "prices.toml")


def limited(tokens):
    """A budget of so many."""
    return Budget(RunLimits(max_iterations=5, max_sub_calls=9, max_seconds=60.0, max_fuel=10**12, max_total_tokens=tokens))


def kinds(journal):
    return [type(each).__name__ for each in journal.events]


async def test_a_run_stops_before_the_call_that_would_pass_its_tokens(run_query):
    """With the best answer, paid from what was kept back for it."""
    model = Ledger()
    journal = await run_query(model, max_iterations=20, max_total_tokens=22_000)
    found = result(journal.events)
    assert (found.stopped, found.error) == ("max_total_tokens", "max_total_tokens (22000) was reached before an answer")
    assert (2 < found.iterations < 20, found.answer) == (True, "The best is 7.")
    assert kinds(journal)[-5:] == ["CallRefused", "ModelCalled", "ModelReplied", "Answer", "RunFinished"]
    assert 12_000 < found.usage.total_tokens == model.charged <= 22_000


async def test_a_run_stops_before_the_call_that_would_pass_its_cost(run_query, prices):
    """The same by the price of its models."""
    model = Ledger()
    journal = await run_query(model, max_iterations=20, max_cost=0.022, prices=prices)
    found = result(journal.events)
    assert (found.stopped, found.error) == ("max_cost", "max_cost (0.022) was reached before an answer")
    assert (2 < found.iterations < 20, found.answer) == (True, "The best is 7.")
    assert 0.012 < found.usage.cost == model.charged / 10**6 <= 0.022


async def test_without_room_for_any_answer_nothing_is_sent(run_query):
    """Not even the last call."""
    model = Ledger()
    journal = await run_query(model, max_total_tokens=1500)
    found = result(journal.events)
    assert (found.stopped, found.answer, model.charged) == ("max_total_tokens", None, 0)
    assert found.error == "max_total_tokens (1500) was reached before a first turn could be paid: it is too little"
    assert kinds(journal)[1:] == ["CallRefused", "CallRefused", "RunFinished"]


async def test_a_draft_needs_no_last_call(run_query):
    """What `answer` holds is the partial answer."""
    model = Ledger(python("answer['content'] = 'half'"))
    journal = await run_query(model, max_iterations=20, max_total_tokens=16_000)
    assert (result(journal.events).stopped, result(journal.events).answer) == ("max_total_tokens", "half")
    assert kinds(journal)[-3:] == ["CallRefused", "Answer", "RunFinished"]


async def test_a_sub_call_that_would_pass_it_is_not_sent(run_query):
    """The cell is told, and the run goes on."""
    cell = python("try:\n    llm_query('x' * 60_000)\nexcept BudgetError as error:\n    FINAL(str(error).partition(',')[0])")
    model = Ledger(cell)
    journal = await run_query(model, max_total_tokens=20_000)
    assert result(journal.events).answer == "max_total_tokens: a model call can take 21"
    assert (model.sub_prompts, result(journal.events).sub_calls) == ([], 0)


async def test_a_batch_is_refused_as_a_whole(run_query):
    """Though some of it would fit; fewer are sent."""
    cell = "try:\n    llm_batch(['x'] * {})\n    print('sent')\nexcept BudgetError:\n    print('refused')"
    model = Ledger(python(cell.format(10)), python(cell.format(3)), python("FINAL('done')"))
    journal = await run_query(model, max_total_tokens=14_000)
    outputs = [each.output.strip() for each in journal.events if isinstance(each, ev.CellFinished)]
    assert (outputs[:2], len(model.sub_prompts)) == (["refused", "sent"], 3)
    assert model.charged <= 14_000


async def test_replies_are_limited_to_what_is_left(run_query):
    """The server is told, so that it holds."""
    model = Ledger(python("FINAL(llm_query('q'))"))
    journal = await run_query(model, max_total_tokens=9_000)
    assert result(journal.events).success
    assert model.limits[0] < 8192
    assert model.limits[1] < 8192
    assert model.charged <= 9_000


async def test_a_limit_of_the_reply_is_sent_without_a_budget_too(run_query):
    """As it is configured."""
    model = Ledger(python("FINAL(1)"))
    await run_query(model)
    assert model.limits == [8192]


async def test_an_empty_reply_is_not_asked_for_again_if_that_could_pass_it(run_query):
    """What it took has been spent."""
    cell = python("try:\n    llm_query('q')\nexcept LLMError as error:\n    FINAL(str(error))")
    sub_replies = [streamed("", 10, 5000), streamed("unused")]
    journal = await run_query(FakeModel([cell], sub=lambda prompt: sub_replies.pop(0)), max_total_tokens=9_000)
    assert (result(journal.events).answer, len(sub_replies)) == ("fake: the reply is empty", 1)


async def test_the_model_sees_what_is_left(run_query, prices):
    """In the prompt, and in a line each turn."""
    model = FakeModel([TALK, python("FINAL(1)")])
    await run_query(model, max_total_tokens=100_000, max_cost=0.5, prices=prices)
    first, second = model.root_messages[0][0]["content"], model.root_messages[1][-1]["content"]
    assert "5 replies, 10 sub-calls, 100,000 tokens of prompts and replies, $0.5 in all;" in first
    last = second.splitlines()[-1]
    assert last.startswith("(4 replies, 10 sub-calls, 9")
    assert last.endswith(" left.)")
    assert " tokens and $0.49" in last


async def test_without_limits_the_line_says_nothing_of_them(run_query):
    """As before."""
    model = FakeModel([TALK, python("FINAL(1)")])
    await run_query(model)
    assert model.root_messages[1][-1]["content"].splitlines()[-1] == "(4 replies and 10 sub-calls left.)"


async def test_a_cell_sees_what_is_left(run_query, engine):
    """And sees the same when it is executed again."""
    model = FakeModel([python("before = budget()\nllm_query('q')\nFINAL([before, budget()])")])
    journal = await run_query(model, max_total_tokens=100_000)
    before, after = json.loads(result(journal.events).answer)
    assert (before["turns"], before["sub_calls"], before["cost"]) == (4, 10, None)
    assert (after["sub_calls"], before["tokens"] - after["tokens"]) == (9, 15)
    assert 3590 < after["seconds"] <= 3600
    assert [each.call.name for each in journal.events if isinstance(each, ev.HostCalled)] == ["budget", "llm_query", "budget"]
    assert await replay(journal.events, ContextStore().add_text("the context"), engine) == 1


@pytest.mark.parametrize("tokens", [1500, 9_000, 22_000])
async def test_a_run_that_it_stopped_is_replayed(run_query, engine, tokens):
    """Nothing of prices or limits of replies is needed: what was refused is in the journal."""
    journal = await run_query(Ledger(), max_iterations=20, max_total_tokens=tokens)
    assert result(journal.events).stopped == "max_total_tokens"
    await replay(journal.events, ContextStore().add_text("the context"), engine)


async def test_a_direct_answer_that_could_pass_it_is_not_asked_for(run_query):
    """No best answer is kept back for: the question is one call."""
    model = Ledger()
    journal = await run_query(model, asking={"route": "direct"}, max_total_tokens=1000)
    assert (result(journal.events).stopped, model.charged) == ("max_total_tokens", 0)


async def test_a_request_may_lower_the_limits(run_query, prices):
    """Also those that are not configured."""
    journal = await run_query(Ledger(), wanted=WantedLimits(max_total_tokens=1500))
    assert result(journal.events).stopped == "max_total_tokens"
    journal = await run_query(Ledger(), wanted=WantedLimits(max_cost=0.001), max_cost=1.0, prices=prices)
    assert result(journal.events).stopped == "max_cost"


async def test_a_request_never_raises_them(run_query):
    """As any other limit."""
    with pytest.raises(AboveCap, match=r"^max_total_tokens: 5001 is above this server's 5000$"):
        await run_query(Ledger(), wanted=WantedLimits(max_total_tokens=5001), max_total_tokens=5000)


async def test_money_needs_a_price(run_query):
    """Before anything is paid."""
    with pytest.raises(Unpriced) as refused:
        await run_query(Ledger(), wanted=WantedLimits(max_cost=1.0))
    assert str(refused.value) == (
        "max_cost: the price of fake is not known; the operator can write it into a file (`prices` in config.toml)"
    )
    assert refused.value.status == 422


async def test_a_cell_may_not_ask_a_model_without_a_price(run_query, prices):
    """Of those that it can name: nothing is sent."""
    cell = python("try:\n    llm_query('q', model='other')\nexcept BudgetError as error:\n    FINAL(str(error))")
    model = Ledger(cell)
    served = (FAKE_MODEL, msgspec.structs.replace(FAKE_MODEL, model="other"))
    asking = {"root_model": "fake", "sub_model": "fake"}
    journal = await run_query(model, served=served, asking=asking, max_cost=1.0, prices=prices)
    assert result(journal.events).answer == "max_cost: the price of other is not known; nothing was sent"
    assert model.sub_prompts == []


async def test_what_the_cache_has_is_not_reserved():
    """It comes though nothing could be sent, and takes nothing."""
    pool = Pool([FakeProvider("m", "1", cache=True)], retry_seconds=0, cache=Cache(CacheSettings()))
    for tokens in (10_000, 1):
        journal = Journal("r")
        budget = limited(tokens)
        calls = SubCalls(Live(pool, pool.choose(), journal, max_seconds=60), budget, journal)
        assert await calls.ask([Prompt("a")]) == (SubReply(text="1"),)
    assert (budget.spent, budget.held) == (Amount(), Amount())


async def test_what_ended_otherwise_is_held_no_longer():
    """A failure, an empty reply, a reply that fits no schema."""
    journal, budget = Journal("r"), limited(100_000)
    model = FakeProvider("m", ProviderError("no"), "", "", "1", "2", "3")
    calls = SubCalls(live(model, journal), budget, journal)
    for prompt in (Prompt("a"), Prompt("b"), Prompt("c", Manner(schema={"type": "string", "minLength": 9}))):
        [reply] = await calls.ask([prompt])
        assert reply.error is not None
    assert (budget.spent, budget.held) == (Amount(5 * 4), Amount())
