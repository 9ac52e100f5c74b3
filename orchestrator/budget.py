"""What a run may spend: reserved before, so that a limit is never passed."""

from orchestrator.errors import BudgetExceeded


class Budget:
    """The turns, sub-calls, seconds (waiting included) and fuel (of all its cells) of one run."""

    def __init__(
        self, max_iterations: int, max_sub_calls: int, max_seconds: float = 3600.0, max_fuel: int = 1_000_000_000_000
    ) -> None:
        self.max_iterations = max_iterations
        self.max_sub_calls = max_sub_calls
        self.max_seconds = max_seconds
        self.max_fuel = max_fuel
        self.fuel_left = max_fuel
        self.iterations = 0
        self.sub_calls = 0
        self.refused = False

    @property
    def turns_left(self) -> bool:
        return self.iterations < self.max_iterations

    def reserve_sub_calls(self, number: int) -> None:
        """All `number` or none. Raises BudgetExceeded."""
        if self.sub_calls + number > self.max_sub_calls:
            self.refused = True
            raise BudgetExceeded("sub-calls", self.sub_calls, number, self.max_sub_calls)
        self.sub_calls += number
