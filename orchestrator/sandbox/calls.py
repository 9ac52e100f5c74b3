"""The calls of one cell, in their order. What it was given once it is given again, if it begins again."""

from collections.abc import Callable
from typing import Protocol

from orchestrator.errors import JournalError, SandboxError
from orchestrator.sandbox.messages import CallRecord, HostCall, HostResult


class GivenUp(Exception):
    """The cell ends where it waits for its run, and begins again once the answer is there."""


class Ask(Protocol):
    """Waits for the run's answer. Raises GivenUp, if the cell can begin again."""

    def __call__(self, call: HostCall, *, repeatable: bool) -> HostResult: ...


class Calls:
    """Where the calls of a cell go, and what they came to so far. On a guest's thread, but for `begin_again`."""

    def __init__(self, ask: Ask, report: Callable[[CallRecord], None], recorded: tuple[CallRecord, ...] | None = None) -> None:
        """`report` does not wait; `recorded`: all of them, of an execution that went to its end."""
        self._ask = ask
        self._report = report
        self._recorded = recorded
        self._given: list[CallRecord] = []
        self._asked: HostCall | None = None  # the cell was given up in this one,
        self._answer: HostResult | None = None  # and this came
        self.made = 0
        self.result_bytes = 0  # of all their results

    def begin_again(self, answer: HostResult) -> None:
        """The cell is given what it was given before, and then this."""
        self.made = 0
        self._answer = answer

    def recall(self, name: str, digest: str) -> CallRecord | None:
        """What the next call came to, if it was made before.

        Raises JournalError, SandboxError if that was no such call.
        """
        self.made += 1
        if self.made <= len(self._given):
            if self._given[self.made - 1].arguments_sha256 != digest:
                raise SandboxError(f"a cell that began again did not make its call {self.made} again")
            return self._given[self.made - 1]
        if self._recorded is None:
            return None
        if self.made > len(self._recorded):
            raise JournalError(f"call {self.made}: {name}: in the journal there is none")
        record = self._recorded[self.made - 1]
        if digest != record.arguments_sha256:
            raise JournalError(f"call {self.made}: {name}: its arguments are not those of the journal")
        return record

    def awaited(self, call: HostCall) -> HostResult | None:
        """The answer that the cell was given up for, if it is there. Raises SandboxError if it asks something else now."""
        answer, self._answer = self._answer, None
        if answer is not None and call != self._asked:
            raise SandboxError(f"a cell that began again asked something else in its call {self.made}")
        return answer

    def ask(self, call: HostCall, *, repeatable: bool) -> HostResult:
        """The run's answer. Raises GivenUp, only if it is `repeatable`."""
        self._asked = call if repeatable else None
        return self._ask(call, repeatable=repeatable)

    def report(self, record: CallRecord) -> None:
        """The run is told of each once."""
        if record.number > len(self._given):
            self._given.append(record)
            self._report(record)
