"""The journals of all runs: of those that go on in this process, in memory; of all others, in the store."""

from collections.abc import Sequence

import msgspec

from orchestrator.errors import AboveCap, NotFound
from orchestrator.journal.events import AnyEvent, RunStarted, run_started
from orchestrator.journal.journal import Journal, Observer, nobody
from orchestrator.journal.results import excerpt
from orchestrator.store.messages import Listed, Unfinished, Wanted
from orchestrator.store.runs import RunStore
from orchestrator.store.writer import Record


class _Keeping:
    """Where one attempt's events go: into the store, a moment later."""

    def __init__(self, store: RunStore, record: Record) -> None:
        self.record = record
        self._store = store
        self._settled = record.events

    def append(self, content: bytes) -> None:
        self._store.writer.append(self.record, content)

    async def settle(self) -> None:
        """Raises StoreFull, Superseded."""
        events = self.record.events
        if self._settled < events:
            await self._store.settle(self.record)
            self._settled = events


class _Live(msgspec.Struct, frozen=True):
    journal: Journal
    record: Record
    owner: str


def not_found(run_id: str) -> NotFound:
    return NotFound(f"there is no run {run_id[:100]!r}; it may have been forgotten ([store] in config.toml)")


class Journals:
    """Those of one store."""

    def __init__(self, store: RunStore, run_bytes: int) -> None:
        """`run_bytes`: of each."""
        self._store = store
        self._run_bytes = run_bytes
        self._live: dict[str, _Live] = {}

    def begin(
        self, started: RunStarted, observe: Observer = nobody, *, copied: Sequence[AnyEvent] = (), detached: bool = False
    ) -> Journal:
        """That of a new run, with its first event and those that it has from another. Raises AboveCap: they are too large."""
        self._check_size(copied)
        record = self._store.begin(started, excerpt((started,)), detached=detached)
        journal = self._open(record, observe, started)
        journal.write(started)
        journal.copy(copied)
        return journal

    def _check_size(self, copied: Sequence[AnyEvent]) -> None:
        """Raises AboveCap."""
        if sum(len(msgspec.json.encode(each)) for each in copied) > self._run_bytes:
            raise AboveCap(f"the journal to begin with has more than {self._run_bytes} bytes (server.run_journal_bytes)")

    def live(self, run_id: str, owner: str) -> Journal | None:
        """That of a run which goes on in this process, if it is that owner's."""
        live = self._live.get(run_id)
        return live.journal if live is not None and live.owner == owner else None

    async def leave_for_others(self, started: RunStarted, copied: Sequence[AnyEvent] = ()) -> None:
        """A detached run that whichever server takes it begins. Raises StoreFull, AboveCap."""
        self._check_size(copied)
        record = self._store.begin(started, excerpt((started,)), detached=True, held=False)
        journal = Journal(started.run_id, sink=_Keeping(self._store, record))
        journal.write(started)
        journal.copy(copied)
        await journal.settle()

    async def take_over(self, found: Unfinished, observe: Observer = nobody) -> Journal | None:
        """What is there of a run that nobody holds, to be gone on with; None if another process was faster."""
        taken = await self._store.take_over(found)
        if taken is None:
            return None
        record, events = taken
        return self._open(record, observe, run_started(events), events)

    async def end(self, journal: Journal) -> None:
        """Its run has ended, and all of it is in the store. Raises StoreFull: it is there once there is room."""
        live = self._live.pop(journal.run_id)
        await self._store.end(live.record, excerpt(journal.events))

    async def leave(self, journal: Journal) -> None:
        """Its run is not ended: another process, or this one at its next start, goes on with it."""
        live = self._live.pop(journal.run_id)
        await self._store.give_back(live.record)

    async def events(self, run_id: str, owner: str = "") -> Sequence[AnyEvent]:
        """So far. Raises NotFound, also if it is another owner's."""
        live = self.live(run_id, owner)
        if live is not None:
            return tuple(live.events)
        found = await self._store.events(run_id, owner)
        if not found:
            raise not_found(run_id)
        return found

    async def contents(self, run_id: str, position: int, most: int) -> list[bytes]:
        """Events that last, from that position on, as JSON."""
        return await self._store.contents(run_id, position, most)

    async def newest_first(self, owner: str, wanted: Wanted, most: int) -> list[Listed]:
        """Of that owner, as they are now."""
        found = await self._store.newest_first(owner, wanted, most)
        return [self._as_it_is(each) for each in found]

    def _as_it_is(self, listed: Listed) -> Listed:
        live = self._live.get(listed.run_id)
        if live is not None:
            return msgspec.structs.replace(listed, summary=excerpt(tuple(live.journal.events)))
        if listed.summary.stopped == "running" and not listed.held:
            return msgspec.structs.replace(listed, summary=msgspec.structs.replace(listed.summary, status="queued"))
        return listed

    def _open(self, record: Record, observe: Observer, started: RunStarted, events: Sequence[AnyEvent] = ()) -> Journal:
        keeping = _Keeping(self._store, record)
        journal = Journal(record.run_id, observe, sink=keeping, max_bytes=self._run_bytes, events=events)
        self._live[record.run_id] = _Live(journal, record, started.owner)
        return journal
