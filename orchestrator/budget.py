"""What a run may spend: the one place that takes turns, charges fuel and reserves sub-calls, so that no limit is passed."""

import msgspec

from orchestrator.errors import BudgetExceeded


class RunLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Of one run: root replies, sub-calls, seconds (waiting included), fuel of all its cells."""

    max_iterations: int
    max_sub_calls: int
    max_seconds: float
    max_fuel: int
    max_depth: int = 0


NONE_LEFT = "the sub-calls of this run are used up; nothing was sent"


class Budget:
    """What one run has spent of its limits. `refused`: it asked for sub-calls when none were left."""

    def __init__(self, limits: RunLimits) -> None:
        self.limits = limits
        self.iterations = 0
        self.sub_calls = 0
        self.fuel = 0
        self.delegated = 0  # sub-calls of child runs
        self.refused = False

    @property
    def iterations_left(self) -> int:
        return self.limits.max_iterations - self.iterations

    @property
    def sub_calls_left(self) -> int:
        return self.limits.max_sub_calls - self.sub_calls - self.delegated

    @property
    def fuel_left(self) -> int:
        return self.limits.max_fuel - self.fuel

    def take_turn(self) -> int:
        """A root reply is acted on; returns its number, from 1."""
        self.iterations += 1
        return self.iterations

    def charge_fuel(self, fuel: int) -> None:
        """A cell used it; a cell is given no more than what is left."""
        self.fuel += fuel

    def share(self, children: int, max_iterations: int | None) -> RunLimits:
        """What each of so many child runs that go on at once may spend of what is left."""
        return RunLimits(
            max_iterations=min(self.limits.max_iterations, max_iterations or self.limits.max_iterations),
            max_sub_calls=max(0, self.sub_calls_left) // children,
            max_seconds=self.limits.max_seconds,
            max_fuel=max(1, self.fuel_left // children),
            max_depth=self.limits.max_depth,
        )

    def charge_child(self, sub_calls: int, fuel: int) -> None:
        """A child run has ended, and has spent them."""
        self.delegated += sub_calls
        self.fuel += fuel

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
