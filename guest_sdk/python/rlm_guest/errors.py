"""The two exceptions that a cell can see beside Python's own."""


class LLMError(RuntimeError):
    """A sub-call failed. After llm_batch, `results` holds each answer, None where one failed."""

    results: list[str | None]


class BudgetError(RuntimeError):
    """The run's sub-calls would be exceeded; nothing was sent."""
