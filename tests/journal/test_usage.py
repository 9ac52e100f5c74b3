"""What a run used and what that cost: folds over events that are written here."""

import msgspec
import pytest
from fakes import used

from orchestrator.journal.events import ModelFailed, ModelReplied, RunFinished, SubcallFinished, SubcallStarted
from orchestrator.journal.lines import from_lines
from orchestrator.journal.metrics import metrics
from orchestrator.journal.results import result
from orchestrator.journal.usage import usage
from orchestrator.providers.messages import FailedAttempt, Reply, Usage

NOTHING = Usage()


@pytest.fixture
def begun(request):
    """The first event of a run over 31 characters, with a question of 11."""
    path = request.path.parents[1] / "cases" / "journals" / "format2_cells.jsonl"
    return from_lines(path.read_bytes().splitlines(keepends=True))[0]


def reply(model, used=NOTHING, cost=None, **others):
    """Of one attempt, unless it is said."""
    return Reply(
        **{"provider": model, "text": "x", "reasoning": "", "usage": used, "attempts": 1, "seconds": 0.5}
        | {"cost": cost, "last_cost": cost}
        | others
    )


def replied(*args, **others):
    return ModelReplied(turn=1, reply=reply(*args, **others))


def sub(number, *args, **others):
    return SubcallFinished(turn=1, cell=1, subcall=number, reply=reply(*args, **others), error=None)


def test_usage_is_by_model_and_in_all():
    """Cached and reasoning tokens are parts of the others."""
    found = usage(
        [replied("root", Usage(100, 20, cached_tokens=30, reasoning_tokens=5), 0.5), sub(1, "small", Usage(7, 3), 0.25)]
    )
    assert msgspec.to_builtins(found.models["root"]) == {
        "calls": 1,
        "cache_hits": 0,
        "prompt_tokens": 100,
        "completion_tokens": 20,
        "cached_tokens": 30,
        "reasoning_tokens": 5,
        "retried_tokens": 0,
        "estimated": False,
        "cost": 0.5,
    }
    assert (found.calls, found.total_tokens, found.cached_tokens, found.reasoning_tokens, found.cost) == (2, 130, 30, 5, 0.75)


def test_a_failed_attempt_is_that_of_the_model_that_failed():
    """Its tokens are retried ones, and its cost is its own, though the whole call's is not known."""
    failed = FailedAttempt(provider="local", error="broke off", times=2, usage=Usage(20, 4))
    found = usage([replied("paid", Usage(30, 5), failed=(failed,), attempts=3, cost=None, last_cost=0.1)])
    local, paid = found.models["local"], found.models["paid"]
    assert (local.calls, local.total_tokens, local.retried_tokens, local.cost) == (2, 24, 24, None)
    assert (paid.calls, paid.total_tokens, paid.retried_tokens, paid.cost) == (1, 11, 0, 0.1)
    assert (found.total_tokens, found.retried_tokens, found.cost) == (35, 24, None)


def test_a_call_whose_attempts_all_failed_counts_once():
    """The last of them is among the failed ones."""
    failed = FailedAttempt(provider="m", error="broke off", times=2, usage=Usage(20, 4), cost=0.5)
    of_all = reply("m", Usage(20, 4), 0.5, failed=(failed,), attempts=2)
    found = usage([ModelFailed(turn=1, error="broke off", reply=of_all)])
    assert (found.calls, found.total_tokens, found.retried_tokens, found.cost) == (2, 24, 24, 0.5)


def test_a_reply_from_the_cache_is_a_hit_and_no_call():
    """Free, at whatever price."""
    hit = sub(2, "m", cost=0.0, attempts=0, cached=True)
    found = usage([sub(1, "m", Usage(7, 3)), hit])
    assert (found.calls, found.cache_hits, found.total_tokens, found.cost) == (1, 1, 10, None)
    assert usage([hit]).cost == 0.0


def test_a_run_that_used_nothing_cost_nothing():
    """No model, and a cost that is known."""
    assert (usage([]).cost, usage([]).models) == (0.0, {})


def test_savings_are_against_sending_the_whole_input_once(begun):
    """42 characters are 11 tokens; the run used 8, a failed attempt included; or 33, which is no saving."""
    failed = FailedAttempt(provider="m", error="no", usage=Usage(3, 0))
    found = result([begun, replied("m", Usage(7, 1), failed=(failed,), attempts=2)])
    assert (found.baseline_tokens, found.token_savings_pct) == (11, 27.3)
    assert result([begun, replied("m", Usage(30, 3))]).token_savings_pct == -200.0


def test_a_journal_of_before_there_were_prices_has_tokens_and_no_cost(request):
    """It did not say what anything cost: that is not known, not nothing."""
    path = request.path.parents[1] / "cases" / "journals" / "format1_cells.jsonl"
    found = result(from_lines(path.read_bytes().splitlines(keepends=True)))
    calls = found.usage.calls
    assert msgspec.to_builtins(found.usage) == used(fake=(calls, 10 * calls, 5 * calls))


def test_metrics_have_the_names_that_others_know(begun):
    """All of them, of a run with one sub-call that was made and one from the cache."""
    events = [
        begun,
        replied("root", Usage(60, 30, cached_tokens=10, reasoning_tokens=20), 0.5),
        *(SubcallStarted(turn=1, cell=1, subcall=number, prompt="p") for number in (1, 2)),
        sub(1, "small", Usage(7, 3), 0.25),
        sub(2, "small", cost=0.0, attempts=0, cached=True),
        RunFinished(at=1.5, stopped="answered", error=None),
    ]
    found = msgspec.to_builtins(metrics(events))
    assert found.pop("models") == msgspec.to_builtins(usage(events).models)
    assert found == {
        "run_id": begun.run_id,
        "success": True,
        "stopped": "answered",
        "iterations": 1,
        "sub_calls": 2,
        "sub_lm_calls": 2,
        "processing_time_seconds": 1.5,
        "model_seconds": 0.5,
        "sub_calls_seconds": 1.0,
        "cost": {"total_usd": 0.75, "by_model": {"root": 0.5, "small": 0.25}},
        "tokens": {
            "total": 100,
            "prompt": 67,
            "completion": 33,
            "cached": 10,
            "reasoning": 20,
            "retried": 0,
            "estimated": False,
            "by_model": {"root": 90, "small": 10},
        },
        "cache": {"hits": 1, "misses": 1, "hit_rate_percent": 50.0},
        "baseline_tokens": 11,
        "token_savings_pct": -809.1,
    }
