"""Random runs with random limits of tokens and money, against what the model server itself has counted."""

import json
import random

import httpx
import msgspec
import pytest
from fakes import FAKE_MODEL, events, python, streamed

from orchestrator.contexts.store import ContextStore
from orchestrator.journal import events as ev
from orchestrator.journal.results import result
from orchestrator.providers.messages import Message
from orchestrator.providers.prices import Prices
from orchestrator.providers.windows import prompt_tokens, tokens_of
from orchestrator.runs.replay import replay

CELL = """\
try:
    {call}
except (BudgetError, LLMError) as error:
    print(error)
"""
CALLS = [
    "print(llm_query({prompt!r}))",
    "print(llm_query({prompt!r}, max_tokens={number}))",
    "print(llm_batch([{prompt!r} + str(n) for n in range({number} % 9)], on_error='return'))",
    "print(llm_query({prompt!r}, schema=int))",
    "print(llm_batch([{prompt!r} + str(n) for n in range({number} % 5)], schema=int))",
    "print({prompt!r} * 30)",
    "print(budget())",
]


class Bank(httpx.AsyncBaseTransport):
    """Two models with other prices, which take up to what a prompt was estimated at, and all or less of a reply's limit.

    `dearest`: what one of the calls has taken; with `more` a prompt takes so many times its estimate.
    """

    def __init__(self, rng, dollars, more=1):
        self.rng = rng
        self.dollars = dollars  # per million tokens, read and written, by model
        self.more = more
        self.tokens = self.money = self.dearest = 0

    async def handle_async_request(self, request):
        if request.method == "GET":
            return httpx.Response(404)
        body = json.loads(await request.aread())
        last = body["messages"][-1]["content"].startswith("No replies are left.")
        is_root = body["messages"][0]["content"].startswith("You answer a question about an input")
        kind = "whole" if last else self.rng.choice(["whole"] * (30 if is_root else 6) + ["empty", "broken", "refused"])
        if kind == "refused":
            return httpx.Response(500, json={"error": {"message": "no"}})
        read, written = self._charge(body)
        text = "" if kind == "empty" else "best" if last else self._text(is_root=is_root)
        if kind != "broken":
            return streamed(text, read, written)
        usage = {"choices": [], "usage": {"prompt_tokens": read, "completion_tokens": written}}
        return events({"choices": [{"delta": {"content": text}, "finish_reason": None}]}, usage, done=False)

    def _charge(self, body):
        messages = tuple(Message(each["role"], each["content"]) for each in body["messages"])
        most = prompt_tokens(messages) + tokens_of(json.dumps(body.get("response_format", "")))
        read = round(self.rng.uniform(0.5, 1) * prompt_tokens(messages)) if self.more == 1 else most * self.more
        written = self.rng.choice([1, body["max_tokens"] // 2, body["max_tokens"]])
        by_read, by_written = self.dollars[body["model"]]
        self.tokens += read + written
        self.money += read * by_read + written * by_written
        self.dearest = max(self.dearest, read + written)
        return read, written

    def _text(self, *, is_root):
        if not is_root:
            return self.rng.choice(["5", '{"value": 5}', "five", "word " * self.rng.randrange(200)])
        call = self.rng.choice(CALLS).format(prompt="ask " * self.rng.randrange(1, 400), number=self.rng.randrange(1, 3000))
        return python(CELL.format(call=call))


async def spent(run_query, tmp_path, seed, **others):
    """(the journal, the bank) of a run with limits and models of that seed."""
    rng = random.Random(seed)
    dollars = {name: (rng.randrange(1, 20), rng.randrange(1, 60)) for name in ("one", "other")}
    rows = [
        f'[[prices]]\nmodels = ["{name}"]\ninput = {read}\noutput = {written}\n' for name, (read, written) in dollars.items()
    ]
    (tmp_path / "prices.toml").write_text("".join(rows))
    bank = Bank(rng, dollars, **others)
    limits = {"max_total_tokens": rng.randrange(4_000, 80_000), "max_cost": rng.randrange(20, 2000) / 1000}
    limits[rng.choice([*limits, "none"])] = None
    limits.pop("none", None)
    served = tuple(
        msgspec.structs.replace(FAKE_MODEL, model=name, max_tokens=rng.choice([300, 2000, 8192])) for name in dollars
    )
    prices = Prices(tmp_path / "prices.toml")
    return await run_query(bank, max_iterations=12, served=served, prices=prices, max_sub_calls=60, **limits), bank


@pytest.mark.parametrize("seed", range(40))
async def test_no_run_passes_its_limits(run_query, engine, tmp_path, seed):
    """Failed attempts, askings again and batches included; the best answer is there, and all of it replays."""
    journal, bank = await spent(run_query, tmp_path, seed)
    found, limits = result(journal.events), journal.events[0].limits
    assert (found.usage.total_tokens, round(found.usage.cost * 10**6)) == (bank.tokens, bank.money)
    assert limits.max_total_tokens is None or bank.tokens <= limits.max_total_tokens
    assert limits.max_cost is None or bank.money <= limits.max_cost * 10**6
    refused = [each for each in journal.events if isinstance(each, ev.CallRefused)]
    assert found.stopped in ({each.limit for each in refused if not each.best_answer} or {"max_iterations", "provider_error"})
    if found.iterations and found.stopped != "provider_error":
        assert found.answer == "best"
    await replay(journal.events, ContextStore().add_text("the context"), engine)


@pytest.mark.parametrize("seed", range(10))
async def test_where_prompts_are_underestimated_one_call_goes_beyond(run_query, tmp_path, monkeypatch, seed):
    """Not more: the next is refused."""
    monkeypatch.setattr("test_spending_at_random.CALLS", [each for each in CALLS if "batch" not in each])
    journal, bank = await spent(run_query, tmp_path, seed, more=3)
    most = journal.events[0].limits.max_total_tokens
    assert most is None or bank.tokens <= most + bank.dearest
