"""Runs in the store: begun, appended to, taken over, ended, read, forgotten."""

import asyncio
import tempfile
import time
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, insert, select, update
from sqlalchemy.engine import make_url

from orchestrator.config import StoreSettings, data_folder
from orchestrator.errors import Busy, ConfigError, JournalError, NoRoom, Superseded
from orchestrator.journal.events import AnyEvent, RunStarted, run_started
from orchestrator.journal.results import RunSummary
from orchestrator.store.database import Database, sqlite_url
from orchestrator.store.forgetting import forget, forget_some
from orchestrator.store.holders import Holder
from orchestrator.store.messages import Listed, Unfinished, Wanted
from orchestrator.store.searching import those, words_of
from orchestrator.store.tables import EVENTS, RUNS
from orchestrator.store.writer import Record, Writer

READ_BYTES = 1 << 18  # of events, at once; one may have more
MOST_FORKS = 100  # of one run, in a list
_FINISHED = RUNS.c.ended_ns.is_not(None)
_UNFINISHED = select(RUNS.c.run_id, RUNS.c.attempt, RUNS.c.holder, RUNS.c.detached, RUNS.c.parent).where(~_FINISHED)
_decode = msgspec.json.Decoder(AnyEvent).decode
_decode_summary = msgspec.json.Decoder(RunSummary).decode


class RunStore:
    """All runs of one database."""

    def __init__(self, settings: StoreSettings | None = None) -> None:
        """Without settings, a file of its own that ends with it. Raises ConfigError."""
        self._own = None if settings else tempfile.TemporaryDirectory(prefix="rlm-store-")
        folder = Path(self._own.name) if self._own else data_folder()
        url = (settings.address if settings else "") or sqlite_url(folder / "runs.db")
        self.database = Database(url)
        try:
            self.holder = _hold(url, folder)
            self.holder.tidy()
        except OSError as error:
            raise ConfigError(f"store: the folder of its holders cannot be used: {error.strerror}") from None
        self.writer = Writer(self.database)
        self._last_ns = 0

    def close(self) -> None:
        """Once all is written."""
        self.writer.close()
        self.database.close()
        self.holder.close()
        if self._own:
            self._own.cleanup()

    def begin(self, started: RunStarted, summary: RunSummary, *, detached: bool, held: bool = True) -> Record:
        """A new run; `held`: by this process, else by whichever takes it."""
        # The order of runs, and the place in a list: no two of one process are the same.
        self._last_ns = max(started.began_ns, self._last_ns + 1)
        row = words_of(summary) | {
            "run_id": started.run_id,
            "begun_ns": self._last_ns,
            "owner": started.owner,
            "detached": detached,
            "holder": self.holder.id if held else None,
            "attempt": 1,
            "events": 0,
            "bytes": 0,
            "context_id": started.context_id,
            "component": started.component_sha256,
            "summary": msgspec.json.encode(summary),
            "origin": started.forked_from.run_id if started.forked_from else None,
            "session": started.session_id,
            "parent": started.parent,
        }
        self.writer.do(lambda connection: connection.execute(insert(RUNS).values(row)), lasting=True)
        return Record(started.run_id, attempt=1, events=0)

    def check_room(self) -> None:
        """Raises NoRoom while nothing can be written."""
        if self.writer.full:
            raise NoRoom(f"no run can begin: {self.writer.full}")

    async def settle(self, record: Record) -> None:
        """All that was appended is committed. Raises StoreFull, Superseded."""
        await asyncio.wrap_future(self.writer.settle())
        if record.refused:
            raise Superseded("another process has taken the run over")

    async def end(self, record: Record, summary: RunSummary) -> None:
        """It has ended, and all of it is committed. Raises StoreFull."""
        last = (RUNS.c.run_id == record.run_id) & (RUNS.c.attempt == record.attempt)
        values = words_of(summary) | {"ended_ns": time.time_ns(), "holder": None, "summary": msgspec.json.encode(summary)}
        await asyncio.wrap_future(
            self.writer.do(lambda connection: connection.execute(update(RUNS).where(last).values(values)), lasting=True)
        )

    async def unfinished(self) -> list[Unfinished]:
        """Those that no living process holds, the oldest first; no child whose parent will go on with it."""

        def read() -> list[Unfinished]:
            with self.database.reading() as connection:
                rows = connection.execute(_UNFINISHED.order_by(RUNS.c.begun_ns))
                found = [Unfinished(*row) for row in rows]
            going = {each.run_id for each in found}
            dead = {each for each in {row.holder for row in found} if each is None or not self.holder.lives(each)}
            return [each for each in found if each.holder in dead and each.parent not in going]

        return await asyncio.to_thread(read)

    async def find_unfinished(self, run_id: str) -> Unfinished | None:
        """That run, if it has not ended and no living process holds it."""

        def read() -> Unfinished | None:
            with self.database.reading() as connection:
                row = connection.execute(_UNFINISHED.where(RUNS.c.run_id == run_id)).one_or_none()
            found = None if row is None else Unfinished(*row)
            return None if found is None or (found.holder and self.holder.lives(found.holder)) else found

        return await asyncio.to_thread(read)

    async def take_over(self, found: Unfinished) -> tuple[Record, list[AnyEvent]] | None:
        """It is this process's from now on, with the events so far; None if another was faster, or they cannot be read."""
        same = (RUNS.c.run_id == found.run_id) & (RUNS.c.attempt == found.attempt) & (~_FINISHED)
        same &= RUNS.c.holder.is_(None) if found.holder is None else RUNS.c.holder == found.holder
        values = {"attempt": found.attempt + 1, "holder": self.holder.id}

        def take(connection: Connection) -> bool:
            return connection.execute(update(RUNS).where(same).values(values)).rowcount == 1

        if not await asyncio.wrap_future(self.writer.do(take)):
            return None
        try:
            events = await asyncio.to_thread(self._read, found.run_id)
        except JournalError as error:
            await self._give_up(found.run_id, str(error))
            return None
        except Busy:
            await self.give_back(Record(found.run_id, found.attempt + 1, 0))
            return None
        if not events:
            await self._give_up(found.run_id, "its process ended before its first event was written")
            return None
        return Record(found.run_id, found.attempt + 1, len(events)), events

    async def _give_up(self, run_id: str, why: str) -> None:
        """Nobody can go on with it."""

        def work(connection: Connection) -> None:
            values: dict[str, Any] = {"ended_ns": time.time_ns(), "holder": None, "stopped": "not_resumable"}
            summary = _summary(connection.scalars(select(RUNS.c.summary).where(RUNS.c.run_id == run_id)).one())
            if summary is not None:
                ended = msgspec.structs.replace(summary, stopped="not_resumable", status="not_resumable", error=why)
                values["summary"] = msgspec.json.encode(ended)
            connection.execute(update(RUNS).where(RUNS.c.run_id == run_id).values(values))

        await asyncio.wrap_future(self.writer.do(work))

    async def give_back(self, record: Record) -> None:
        """It is nobody's, and not finished: whoever asks next takes it over."""
        mine = (RUNS.c.run_id == record.run_id) & (RUNS.c.attempt == record.attempt)
        await asyncio.wrap_future(
            self.writer.do(lambda connection: connection.execute(update(RUNS).where(mine).values(holder=None)))
        )

    async def has_ended(self, run_id: str, owner: str) -> bool | None:
        """None if there is no such run of that owner."""
        rows = select(_FINISHED).where((RUNS.c.run_id == run_id) & (RUNS.c.owner == owner))

        def read() -> bool | None:
            with self.database.reading() as connection:
                return connection.scalar(rows)

        return await asyncio.to_thread(read)

    async def events(self, run_id: str, owner: str) -> list[AnyEvent]:
        """Those that are committed, in their order; none if there is no such run of that owner."""
        known = await self.has_ended(run_id, owner) is not None
        return await asyncio.to_thread(self._read, run_id) if known else []

    async def contents(self, run_id: str, position: int, most: int) -> list[bytes]:
        """Events that are committed, from that position on, as JSON: no more than `most`, and not much above READ_BYTES."""
        chosen = (EVENTS.c.run_id == run_id) & (EVENTS.c.position >= position)
        rows = select(EVENTS.c.content).where(chosen).order_by(EVENTS.c.position).limit(most)

        def read() -> list[bytes]:
            found: list[bytes] = []
            left = READ_BYTES
            with self.database.reading() as connection:
                for content in connection.scalars(rows):
                    found.append(content)
                    left -= len(content)
                    if left <= 0:
                        break
            return found

        return await asyncio.to_thread(read)

    async def newest_first(self, owner: str, wanted: Wanted, most: int) -> list[Listed]:
        """Of that owner."""
        columns = (RUNS.c.run_id, RUNS.c.begun_ns, RUNS.c.summary, RUNS.c.holder.is_not(None))
        rows = select(*columns).where(those(owner, wanted)).order_by(RUNS.c.begun_ns.desc()).limit(most)

        def read() -> list[Listed]:
            with self.database.reading() as connection:
                found = [(row, _summary(row[2])) for row in connection.execute(rows)]
            return [Listed(row[0], row[1], summary, row[3]) for row, summary in found if summary is not None]

        return await asyncio.to_thread(read)

    async def forks(self, run_id: str, owner: str) -> list[str]:
        """The newest of the runs that were begun from that one."""
        rows = select(RUNS.c.run_id).where((RUNS.c.origin == run_id) & (RUNS.c.owner == owner))
        rows = rows.order_by(RUNS.c.begun_ns.desc()).limit(MOST_FORKS)

        def read() -> list[str]:
            with self.database.reading() as connection:
                return list(connection.scalars(rows))

        return await asyncio.to_thread(read)

    async def last_of_session(self, session_id: str, owner: str) -> str | None:
        """The run that was begun last under that name, by that owner."""
        rows = select(RUNS.c.run_id).where((RUNS.c.owner == owner) & (RUNS.c.session == session_id))
        last = rows.order_by(RUNS.c.begun_ns.desc()).limit(1)

        def work(connection: Connection) -> str | None:
            return connection.scalar(last)

        # By the thread that writes: a run that has begun a moment ago is in its queue.
        return await asyncio.wrap_future(self.writer.do(work))

    async def delete(self, run_id: str, owner: str) -> bool:
        """Forgets it; False if there is no such run of that owner that has ended."""
        own = (RUNS.c.run_id == run_id) & (RUNS.c.owner == owner) & _FINISHED

        def work(connection: Connection) -> bool:
            if connection.scalar(select(RUNS.c.run_id).where(own)) is None:
                return False
            forget(connection, [run_id])
            return True

        return await asyncio.wrap_future(self.writer.do(work))

    async def needed_contexts(self) -> set[str]:
        """Of runs that are not finished."""

        def read() -> set[str]:
            with self.database.reading() as connection:
                return set(connection.scalars(select(RUNS.c.context_id).where(~_FINISHED).distinct()))

        return await asyncio.to_thread(read)

    async def forget(self, kept: StoreSettings, owner: str | None = None) -> int:
        """Runs that have ended, beyond what is kept: the old, and the oldest of too many or too much. Returns how many.

        `owner`: of that one alone.
        """
        chosen = _FINISHED if owner is None else _FINISHED & (RUNS.c.owner == owner)
        forgotten = 0
        while count := await asyncio.wrap_future(self.writer.do(lambda connection: forget_some(connection, kept, chosen))):
            forgotten += count
        return forgotten

    def _read(self, run_id: str) -> list[AnyEvent]:
        """Raises Busy, JournalError."""
        rows = select(EVENTS.c.position, EVENTS.c.content).where(EVENTS.c.run_id == run_id).order_by(EVENTS.c.position)
        with self.database.reading() as connection:
            found = connection.execute(rows).all()
        try:
            events = [_decode(content) for _, content in found]
            whole = [position for position, _ in found] == list(range(len(found)))
            if whole and (not events or run_started(events).run_id == run_id):
                return events
        except ValueError:
            pass
        raise JournalError(f"run {run_id}: its journal is damaged in the store")


def _summary(content: bytes) -> RunSummary | None:
    """None if it cannot be read."""
    try:
        return _decode_summary(content)
    except msgspec.DecodeError:
        return None


def _hold(url: str, folder: Path) -> Holder:
    """This process, where those that use that database on this machine are known to each other. Raises OSError."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return Holder(Path(f"{parsed.database}.holders"))
    return Holder(folder / "holders", named=True)
