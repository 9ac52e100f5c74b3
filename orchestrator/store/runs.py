"""Runs in the store: begun, appended to, taken over, ended, read, forgotten."""

import asyncio
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
from sqlalchemy import ColumnElement, Connection, delete, func, insert, select, update
from sqlalchemy.engine import make_url

from orchestrator.config import StoreSettings, data_folder
from orchestrator.errors import ConfigError, NoRoom, Superseded
from orchestrator.journal.events import AnyEvent, RunStarted
from orchestrator.journal.history import RunSummary
from orchestrator.store.database import Database, sqlite_url
from orchestrator.store.holders import Holder
from orchestrator.store.messages import Wanted
from orchestrator.store.searching import those, words_of
from orchestrator.store.tables import EVENTS, KEYS, RUNS
from orchestrator.store.writer import Record, Writer

FORGOTTEN_AT_ONCE = 200  # runs, in one transaction
READ_BYTES = 1 << 18  # of events, at once; one may have more
MOST_FORKS = 100  # of one run, in a list
_FINISHED = RUNS.c.ended_ns.is_not(None)
_decode = msgspec.json.Decoder(AnyEvent).decode
_decode_summary = msgspec.json.Decoder(RunSummary).decode


class Listed(msgspec.Struct, frozen=True):
    """One of a list; `begun_ns` tells its place. `held`: by a process."""

    run_id: str
    begun_ns: int
    summary: RunSummary
    held: bool


class Unfinished(msgspec.Struct, frozen=True):
    """A run without its end; `detached`: it is to be gone on with, its caller does not wait."""

    run_id: str
    attempt: int
    holder: str | None
    detached: bool


class RunStore:
    """All runs of one database."""

    def __init__(self, settings: StoreSettings | None = None) -> None:
        """Without settings, a file of its own that ends with it. Raises ConfigError."""
        self._own = None if settings else tempfile.TemporaryDirectory(prefix="rlm-store-")
        folder = Path(self._own.name) if self._own else data_folder()
        url = (settings.address if settings else "") or sqlite_url(folder / "runs.db")
        self.database = Database(url)
        try:
            self.holder = Holder(_holders(url, folder))
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
        """Those that no living process holds, the oldest first."""

        def read() -> list[Unfinished]:
            columns = (RUNS.c.run_id, RUNS.c.attempt, RUNS.c.holder, RUNS.c.detached)
            with self.database.reading() as connection:
                rows = connection.execute(select(*columns).where(~_FINISHED).order_by(RUNS.c.begun_ns))
                found = [Unfinished(*row) for row in rows]
            dead = {each for each in {row.holder for row in found} if each is None or not self.holder.lives(each)}
            return [each for each in found if each.holder in dead]

        return await asyncio.to_thread(read)

    async def take_over(self, found: Unfinished) -> tuple[Record, list[AnyEvent]] | None:
        """It is this process's from now on, with the events so far; None if another was faster."""
        same = (RUNS.c.run_id == found.run_id) & (RUNS.c.attempt == found.attempt) & (~_FINISHED)
        same &= RUNS.c.holder.is_(None) if found.holder is None else RUNS.c.holder == found.holder
        values = {"attempt": found.attempt + 1, "holder": self.holder.id}

        def take(connection: Connection) -> bool:
            return connection.execute(update(RUNS).where(same).values(values)).rowcount == 1

        if not await asyncio.wrap_future(self.writer.do(take)):
            return None
        events = await asyncio.to_thread(self._read, found.run_id)
        return Record(found.run_id, found.attempt + 1, len(events)), events

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
                return [Listed(row[0], row[1], _decode_summary(row[2]), row[3]) for row in connection.execute(rows)]

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
            _delete(connection, [run_id])
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
        while count := await asyncio.wrap_future(self.writer.do(lambda connection: _forget(connection, kept, chosen))):
            forgotten += count
        return forgotten

    def _read(self, run_id: str) -> list[AnyEvent]:
        rows = select(EVENTS.c.content).where(EVENTS.c.run_id == run_id).order_by(EVENTS.c.position)
        with self.database.reading() as connection:
            return [_decode(content) for content in connection.scalars(rows)]


def _holders(url: str, folder: Path) -> Path:
    """Where the processes that use that database on this machine are known to each other."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return Path(f"{parsed.database}.holders")
    return folder / "holders"


def _forget(connection: Connection, kept: StoreSettings, chosen: ColumnElement[bool]) -> int:
    """Some of them."""
    count, size = connection.execute(select(func.count(), func.coalesce(func.sum(RUNS.c.bytes), 0)).where(chosen)).one()
    oldest = time.time_ns() - int(kept.kept_seconds * 1e9)
    rows = select(RUNS.c.run_id, RUNS.c.ended_ns, RUNS.c.bytes).where(chosen).order_by(RUNS.c.ended_ns)
    going: list[str] = []
    for run_id, ended_ns, own in connection.execute(rows.limit(FORGOTTEN_AT_ONCE)):
        if ended_ns >= oldest and count <= kept.kept_runs and size <= kept.kept_bytes:
            break
        going.append(run_id)
        count, size = count - 1, size - own
    _delete(connection, going)
    return len(going)


def _delete(connection: Connection, run_ids: Sequence[str]) -> None:
    for table in (EVENTS, KEYS, RUNS):
        column: ColumnElement[str] = table.c.run_id
        connection.execute(delete(table).where(column.in_(run_ids)))
    if run_ids and connection.dialect.name == "sqlite":
        connection.exec_driver_sql("pragma incremental_vacuum")
