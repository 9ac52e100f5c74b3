"""The exceptions that a cell can see beside Python's own."""

from typing import Any


class LLMError(RuntimeError):
    """A sub-call failed. After llm_batch, `results` holds each answer, None for one that failed."""

    # A traceback then shows the name that a cell uses, without a module.
    __module__ = "builtins"
    results: list[Any]


class ChildError(LLMError):
    """A child run did not answer. `partial`: what it had of an answer, if anything."""

    __module__ = "builtins"
    partial: str | None = None


class BudgetError(RuntimeError):
    """The run's sub-calls would be exceeded; nothing was sent."""

    __module__ = "builtins"


class ModuleError(RuntimeError):
    """A module has no result; the message says what to do instead."""

    __module__ = "builtins"


class CommandError(Exception):
    """What is wrong with a JSON command, for the model."""

    __module__ = "builtins"
