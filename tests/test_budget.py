"""The budget of a run: what is reserved, held, charged, kept back."""

import pytest

from orchestrator.amounts import Need
from orchestrator.budget import LEAST_REPLY, Budget, RunLimits
from orchestrator.errors import BudgetExceeded, NotAfforded


def budget(tokens=None, cost=None, **others):
    limits = {"max_iterations": 5, "max_sub_calls": 9, "max_seconds": 60.0, "max_fuel": 10**12}
    return Budget(RunLimits(**limits, max_total_tokens=tokens, max_cost=cost), **others)


def need(prompt, reply, dollars=0.0):
    """Of a model whose tokens, read or written, cost so much per million."""
    return Need(
        prompt_tokens=prompt, reply_tokens=reply, prompt_price=round(dollars * 10**6), reply_price=round(dollars * 10**6)
    )


def test_what_fits_is_reserved_and_what_it_took_is_charged():
    """What is left is less by all that a call can take, and then by what it took."""
    spent = budget(10_000)
    [hold] = spent.reserve([need(1000, 2000)])
    assert (hold.begin(need(1000, 2000)), spent.tokens_left) == (2000, 7000)
    hold.release()
    spent.charge(1, 1200, None)
    assert spent.tokens_left == 8800


def test_child_runs_have_equal_parts_of_what_is_left():
    """Set aside while they go on; then what they spent is charged, and the rest is there again."""
    spent = budget(10_000, 0.01)
    share = spent.share(3)
    assert (share.max_total_tokens, share.max_cost) == (3333, 0.003333333333)
    assert (spent.tokens_left, spent.cost_left) == (1, 1e-12)
    spent.charge(1, 500, 0.002)
    spent.take_back()
    assert (spent.tokens_left, spent.cost_left) == (9500, 0.008)


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ((2999, None), "max_total_tokens: 2,999 of 2,999 are left for 3 child runs"),
        ((None, 0.0), "max_cost: $0.000000 of $0 is left for 3 child runs"),
    ],
)
def test_child_runs_that_could_not_make_a_call_are_not_begun(limits, message):
    """They would fail one by one."""
    with pytest.raises(BudgetExceeded) as error:
        budget(*limits).share(3)
    assert str(error.value) == f"{message}; nothing was begun. Begin fewer, or answer"


def test_child_runs_of_a_run_without_limits_have_none():
    """Of tokens and money."""
    share = budget().share(2)
    assert (share.max_total_tokens, share.max_cost) == (None, None)


def test_a_batch_is_reserved_as_a_whole():
    """Or nothing of it is."""
    spent = budget(10_000)
    with pytest.raises(NotAfforded) as refused:
        spent.reserve([need(2000, 8000)] * 4)
    assert str(refused.value) == (
        "max_total_tokens: 4 model calls can take 12,000 tokens, 10,000 of 10,000 are left; nothing was sent. "
        "Send fewer or shorter prompts, or answer"
    )
    assert spent.tokens_left == 10_000


def test_replies_are_limited_to_what_is_left():
    """The longest, to the same length; shorter ones stay."""
    spent = budget(10_000)
    holds = spent.reserve([need(1000, 8000), need(1000, 1500), need(1000, 8000)])
    assert [hold.begin(need(1000, 8000)) for hold in holds] == [2750, 1500, 2750]
    assert spent.tokens_left == 0


@pytest.mark.parametrize(("left", "fits"), [(500 + LEAST_REPLY, True), (500 + LEAST_REPLY - 1, False)])
def test_a_reply_of_too_few_tokens_is_not_worth_its_prompt(left, fits):
    """LEAST_REPLY, unless it could have no more anyway."""
    spent = budget(left)
    if fits:
        assert spent.reserve([need(500, 8000)])[0].begin(need(500, 8000)) == LEAST_REPLY
    else:
        with pytest.raises(NotAfforded):
            spent.reserve([need(500, 8000)])
        assert spent.reserve([need(500, 200)])[0].begin(need(500, 200)) == 200


def test_money_is_reserved_by_price():
    """Whichever limit is nearer counts."""
    spent = budget(1_000_000, cost=0.01)
    [hold] = spent.reserve([need(1000, 8000, dollars=2.0)])
    assert (hold.begin(need(1000, 8000)), spent.cost_left, spent.tokens_left) == (4000, 0.0, 995_000)
    with pytest.raises(NotAfforded) as refused:
        spent.reserve([need(1, 8000, dollars=2.0)])
    assert refused.value.limit == "max_cost"
    assert str(refused.value) == (
        "max_cost: a model call can take $0.002002, $0.000000 of $0.01 is left; nothing was sent. "
        "Send fewer or shorter prompts, or answer"
    )


def test_a_model_without_a_price_is_not_asked_for_money():
    """Its cost counts nothing, so no limit would hold."""
    with pytest.raises(NotAfforded, match=r"^max_cost: the price of m is not known; nothing was sent$"):
        budget(cost=1.0).reserve([Need(prompt_tokens=1, reply_tokens=1, unpriced="m")])


def test_sums_of_money_are_exact():
    """Ten times ten cents are a dollar."""
    spent = budget(cost=1.0)
    for _ in range(10):
        spent.charge(1, 1, 0.1)
    assert spent.cost_left == 0.0


def test_each_further_attempt_is_reserved_anew():
    """The one before has taken what it took; if another does not fit, it is not made."""
    spent = budget(5000)
    [hold] = spent.reserve([need(1000, 1500)])
    for _ in range(2):
        assert hold.begin(need(1000, 1500)) == 1500
        hold.end(2000, None)
    assert spent.tokens_left == 1000
    with pytest.raises(NotAfforded):
        hold.begin(need(1000, 1500))
    hold.release()
    assert spent.tokens_left == 5000  # until it is charged


def test_a_turn_leaves_what_the_best_answer_takes():
    """Which reads its reply too: so that is limited to half of the rest."""
    spent = budget(10_000)
    hold = spent.reserve_turn(need(2000, 8000), need(3000, 1000))
    assert (hold.begin(need(2000, 8000)), spent.tokens_left) == (2000, 0)
    hold.release()
    spent.charge(1, 2500, None)
    spent.keep_back(need(3500, 1000))
    assert spent.tokens_left == 3000
    assert spent.reserve_best(need(3500, 8000)).begin(need(3500, 8000)) == 4000


def test_what_another_run_has_paid_for_is_not_its_own():
    """The turns of a fork that it has from its origin."""
    spent = budget(1000, own_from=3)
    for turn in (1, 2, 3):
        spent.charge(turn, 100, None)
    assert spent.tokens_left == 900


def test_without_limits_nothing_is_left_or_used_up():
    """As before."""
    spent = budget()
    spent.charge(1, 10**9, 10.0**6)
    assert (spent.reserves, spent.tokens_left, spent.cost_left) == (False, None, None)
