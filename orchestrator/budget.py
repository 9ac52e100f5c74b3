"""What a run may spend: the one place that takes turns, charges fuel and reserves sub-calls, tokens and money, so that no
limit is passed.
"""

import bisect
import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import msgspec

from orchestrator.amounts import PICO, Amount, Need, SpentLimit, picodollars
from orchestrator.errors import BudgetExceeded, NotAfforded

LEAST_REPLY = 1000  # tokens: a call whose reply would have room for fewer, and could have more, is not sent


class RunLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Of one run: root replies, sub-calls, seconds (waiting included), fuel of all its cells.

    `max_total_tokens`: prompts and replies of all its calls; `max_cost`: of these, in US dollars. None: no limit.
    """

    max_iterations: int
    max_sub_calls: int
    max_seconds: float
    max_fuel: int
    max_depth: int = 0
    max_total_tokens: int | None = None
    max_cost: float | None = None


class Hold:
    """What a call that is under way may take: it is asked before each attempt, and told what that took."""

    def __init__(self, budget: "Budget", need: Need) -> None:
        self._budget = budget
        self._ready: Need | None = need  # reserved for an attempt that has not begun
        self._held = need.amount()

    def begin(self, need: Need) -> int:
        """How many tokens the reply of the next attempt may have. Raises BudgetExceeded: it must not be made."""
        ready, self._ready = self._ready, None
        if ready is None:
            ready = self._budget.allow(need)
            self._change(self._held + ready.amount())
        self._attempt = ready.amount()
        return ready.reply_tokens

    def end(self, tokens: int, cost: float | None) -> None:
        """The attempt took this."""
        self._change(self._held - self._attempt + Amount(tokens, picodollars(cost)))

    def release(self) -> None:
        """The call is over: what it took is charged."""
        self._change(Amount())

    def _change(self, held: Amount) -> None:
        self._budget.held += held - self._held
        self._held = held


NONE_LEFT = "the sub-calls of this run are used up; nothing was sent"


class Budget:
    """What one run has spent of its limits. `refused`: it asked for sub-calls when none were left."""

    def __init__(self, limits: RunLimits, own_from: int = 0) -> None:
        """`own_from`: what calls of turns before that took, another run has paid for."""
        self.limits = limits
        self.iterations = 0
        self.sub_calls = 0
        self.fuel = 0
        self.delegated = 0  # sub-calls of child runs
        self.refused = False
        self.spent = Amount()
        self.held = Amount()  # by calls that are under way
        self._kept = Amount()  # for the best answer
        self._shared = Amount()  # among child runs that go on
        self._own_from = own_from
        self._until = math.inf  # by time.monotonic()

    def begin(self, seconds: float | None) -> None:
        """It has so many from now on; None: no end."""
        self._until = math.inf if seconds is None else time.monotonic() + seconds

    @property
    def seconds_left(self) -> float:
        return max(0.0, self._until - time.monotonic())

    @property
    def iterations_left(self) -> int:
        return self.limits.max_iterations - self.iterations

    @property
    def sub_calls_left(self) -> int:
        return self.limits.max_sub_calls - self.sub_calls - self.delegated

    @property
    def fuel_left(self) -> int:
        return self.limits.max_fuel - self.fuel

    @property
    def tokens_left(self) -> int | None:
        """Beside what is kept for the best answer; None without a limit."""
        most = self.limits.max_total_tokens
        return None if most is None else max(0, most - self._taken.tokens)

    @property
    def cost_left(self) -> float | None:
        """The same, in US dollars."""
        return None if self.limits.max_cost is None else self._money_left / PICO

    @property
    def reserves(self) -> bool:
        """Whether calls are reserved in tokens or money."""
        return self.limits.max_total_tokens is not None or self.limits.max_cost is not None

    def take_turn(self) -> int:
        """A root reply is acted on; returns its number, from 1."""
        self.iterations += 1
        return self.iterations

    def charge_fuel(self, fuel: int) -> None:
        """A cell used it; a cell is given no more than what is left."""
        self.fuel += fuel

    def share(self, children: int) -> RunLimits:
        """What each of so many child runs that go on at once may spend of what is left; of tokens and money it is set aside
        for them, until `take_back`. Raises BudgetExceeded if a child could not make one call with it.
        """
        tokens = None if self.tokens_left is None else self.tokens_left // children
        money = None if self.limits.max_cost is None else self._money_left // children
        if tokens is not None and tokens < LEAST_REPLY:
            left = f"{self.tokens_left:,} of {self.limits.max_total_tokens:,} are left for {children} child runs"
            raise NotAfforded(f"max_total_tokens: {left}; nothing was begun. Begin fewer, or answer", "max_total_tokens")
        if money == 0:
            left = f"${self.cost_left:.6f} of ${self.limits.max_cost:g} is left for {children} child runs"
            raise NotAfforded(f"max_cost: {left}; nothing was begun. Begin fewer, or answer", "max_cost")
        self._shared = Amount(children * (tokens or 0), children * (money or 0))
        return RunLimits(
            max_iterations=self.limits.max_iterations,
            max_sub_calls=max(0, self.sub_calls_left) // children,
            max_seconds=self.limits.max_seconds,
            max_fuel=max(1, self.fuel_left // children),
            max_depth=self.limits.max_depth,
            max_total_tokens=tokens,
            max_cost=None if money is None else money / PICO,
        )

    def take_back(self) -> None:
        """The child runs have ended: what they spent is charged."""
        self._shared = Amount()

    def charge_child(self, sub_calls: int, fuel: int) -> None:
        """A child run has ended, and has spent them."""
        self.delegated += sub_calls
        self.fuel += fuel

    def charge(self, turn: int, tokens: int, cost: float | None) -> None:
        """A call of that turn, or of a child run that was begun in it, took it."""
        if turn >= self._own_from:
            self.spent += Amount(tokens, picodollars(cost))

    def reserve_sub_calls(self, number: int) -> int:
        """All `number` or none; returns the first one's number, from 1. Raises BudgetExceeded."""
        left = self.sub_calls_left
        if number and not left:
            self.refused = True
            raise BudgetExceeded(NONE_LEFT)
        if number > left:
            raise BudgetExceeded(
                f"{number} sub-calls were asked for, {left} of {self.limits.max_sub_calls} are left; nothing was sent. "
                f"Put several items into one prompt: {-(-number // left)} or more each"
            )
        first = self.sub_calls + 1
        self.sub_calls += number
        return first

    @contextmanager
    def reserving_sub_calls(self, number: int) -> Iterator[int]:
        """The same, given back if what else they take is refused within: nothing was sent."""
        first = self.reserve_sub_calls(number)
        try:
            yield first
        except BudgetExceeded:
            self.sub_calls -= number
            raise

    def reserve(self, needs: Sequence[Need]) -> list[Hold]:
        """All or none. If not all fit, the longest of their replies are limited to what does. Raises BudgetExceeded."""
        if not needs:
            return []
        longest = self._longest_reply(needs)
        return [self._hold(_lowered(each, longest)) for each in needs]

    def allow(self, need: Need) -> Need:
        """What one more attempt may take. Raises BudgetExceeded."""
        return _lowered(need, self._longest_reply([need]))

    def reserve_turn(self, turn: Need, best: Need) -> Hold:
        """A root call, if afterwards `best` can still be paid, which reads its reply. Raises BudgetExceeded."""
        self._kept = Amount()
        read_again = msgspec.structs.replace(turn, reply_price=turn.reply_price + turn.prompt_price)
        longest = self._longest_reply([read_again, best], replies_read=1)
        need = _lowered(turn, longest)
        self.keep_back(msgspec.structs.replace(best, prompt_tokens=best.prompt_tokens + need.reply_tokens))
        return self._hold(need)

    def keep_back(self, best: Need) -> None:
        """From now on so much is left for the best answer."""
        self._kept = best.amount()

    def reserve_best(self, best: Need) -> Hold:
        """From what was kept for it, and what is left. Raises BudgetExceeded."""
        self._kept = Amount()
        return self.reserve([best])[0]

    @property
    def _taken(self) -> Amount:
        return self.spent + self.held + self._kept + self._shared

    @property
    def _money_left(self) -> int:
        """With a limit of it."""
        return max(0, picodollars(self.limits.max_cost) - self._taken.money)

    def _hold(self, need: Need) -> Hold:
        self.held += need.amount()
        return Hold(self, need)

    def _longest_reply(self, needs: Sequence[Need], replies_read: int = 0) -> int:
        """So long may the replies be at most; `replies_read`: so many of the calls' replies another call reads.

        Raises BudgetExceeded if they could not have LEAST_REPLY tokens each.
        """
        self._check_prices(needs)

        def over(longest: int) -> SpentLimit | None:
            read = sum(min(longest, each.reply_tokens) for each in needs[:replies_read])
            return self._passed(sum((each.amount(longest) for each in needs), Amount(read)))

        most = max((each.reply_tokens for each in needs), default=0)
        if not over(most):
            return most
        if limit := over(LEAST_REPLY):
            raise NotAfforded(self._too_little(limit, needs), limit)
        return LEAST_REPLY - 1 + bisect.bisect_left(range(LEAST_REPLY, most), 1, key=lambda each: int(over(each) is not None))

    def _passed(self, more: Amount) -> SpentLimit | None:
        """The limit that so much more would pass."""
        total, limits = self._taken + more, self.limits
        if limits.max_total_tokens is not None and total.tokens > limits.max_total_tokens:
            return "max_total_tokens"
        if limits.max_cost is not None and total.money > picodollars(limits.max_cost):
            return "max_cost"
        return None

    def _check_prices(self, needs: Sequence[Need]) -> None:
        """Raises BudgetExceeded."""
        if self.limits.max_cost is not None and (model := next((each.unpriced for each in needs if each.unpriced), None)):
            raise NotAfforded(f"max_cost: the price of {model} is not known; nothing was sent", "max_cost")

    def _too_little(self, limit: SpentLimit, needs: Sequence[Need]) -> str:
        least = sum((each.amount(LEAST_REPLY) for each in needs), Amount())
        calls = "a model call" if len(needs) == 1 else f"{len(needs)} model calls"
        if limit == "max_cost":
            wanted, left = f"${least.money / PICO:.6f}", f"${self.cost_left:.6f} of ${self.limits.max_cost:g} is"
        else:
            wanted, left = f"{least.tokens:,} tokens", f"{self.tokens_left:,} of {self.limits.max_total_tokens:,} are"
        return f"{limit}: {calls} can take {wanted}, {left} left; nothing was sent. Send fewer or shorter prompts, or answer"


def _lowered(need: Need, longest: int) -> Need:
    return msgspec.structs.replace(need, reply_tokens=min(longest, need.reply_tokens))
