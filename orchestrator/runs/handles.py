"""What a run begins with, and the handle of one that goes on."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from functools import cached_property

import msgspec

from orchestrator.contexts.context import Context
from orchestrator.errors import Stopping
from orchestrator.journal import results
from orchestrator.journal.events import AnyEvent, run_started
from orchestrator.journal.journal import Journal
from orchestrator.journal.results import Status
from orchestrator.providers.pool import Models
from orchestrator.runs.admission import Turn
from orchestrator.runs.following import Following


class Starting(msgspec.Struct, frozen=True):
    """What a run begins with, or goes on with: its journal has what was executed of it. `turn`: its place among the others."""

    journal: Journal
    context: Context
    models: Models
    turn: Turn
    detached: bool


class RunHandle:
    """A run that goes on by itself, whoever waits for it."""

    def __init__(self, starting: Starting, task: "asyncio.Task[int]") -> None:
        self._journal = starting.journal
        self._turn = starting.turn
        self.detached = starting.detached
        self.task = task

    @property
    def run_id(self) -> str:
        return self._journal.run_id

    @property
    def owner(self) -> str:
        return run_started(self._journal.events).owner

    @property
    def is_child(self) -> bool:
        return run_started(self._journal.events).parent is not None

    @property
    def parked(self) -> bool:
        """It waits for models without a guest, or for its place among those that go on."""
        return self._turn.parked

    @property
    def events(self) -> Sequence[AnyEvent]:
        """So far."""
        return self._journal.events

    @property
    def status(self) -> Status:
        """What it does at the moment."""
        if self.parked:
            return "parked"
        if not self._turn.come.done():
            return "queued"
        return "waiting" if results.waits_for_models(self._journal.events) else "running"

    @cached_property
    def following(self) -> Following:
        """For any number of readers."""
        return Following(self._journal, self.task)

    def follow(self, from_event: int = 0) -> AsyncIterator[AnyEvent]:
        """Its events from that one on, also those to come."""
        return self._journal.follow(from_event)

    async def settle(self) -> None:
        """It is in the store: it outlives this process if it is detached. Raises StoreFull."""
        await self._journal.settle()

    async def wait(self) -> Sequence[AnyEvent]:
        """All its events, at its end, also if it was cancelled. Who stops waiting does not stop it.

        Raises SandboxError; Stopping if it is to be gone on with elsewhere.
        """
        await asyncio.wait([self.task])
        if not self.task.cancelled():
            self.task.result()
        if not self._journal.finished:
            raise Stopping("the server is stopping; the run goes on when it is started again")
        return self._journal.events

    def cancel(self) -> None:
        """Ends it: its cell, its model calls. Nothing happens to one that has ended."""
        self.task.cancel()

    def leave(self) -> None:
        """Stops it without an end, to be gone on with."""
        self._journal.leave()
        self.task.cancel()
