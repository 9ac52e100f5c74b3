"""The one thread that writes: what waits is committed together, so that many wait for the disk as long as one."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from typing import TypeVar

import msgspec
from sqlalchemy import Connection, bindparam, insert, select, update
from sqlalchemy.exc import InterfaceError, OperationalError

from orchestrator import logs
from orchestrator.errors import StoreFull
from orchestrator.store.database import Database
from orchestrator.store.tables import EVENTS, RUNS

LATEST_SECONDS = 0.05  # after which an event that nobody waits for is committed
MOST_AT_ONCE = 10_000  # in one transaction
PAUSES = (0.05, 0.2, 1.0)  # seconds between attempts, while the database is away
LAST_SECONDS = 10.0  # that a process which ends waits for it

T = TypeVar("T")


class Record:
    """What one attempt at a run appends. `refused`: another has begun since, and nothing of this one is written any more."""

    def __init__(self, run_id: str, attempt: int, events: int) -> None:
        """`events`: how many there are already."""
        self.run_id = run_id
        self.attempt = attempt
        self.events = events
        self.refused = False


class _Append(msgspec.Struct, frozen=True):
    record: Record
    position: int
    content: bytes


class _Work(msgspec.Struct, frozen=True):
    """`lasting`: done when there is room again, though who waits for it was told that there is none. `do`: None for nothing."""

    do: Callable[[Connection], object] | None
    lasting: bool
    done: "Future[object]"


class Writer:
    """Begin, then append; `do` is done in the order of both."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: deque[_Append | _Work] = deque()
        self._changed = threading.Condition()
        self._hurried = False
        self._closing: float | None = None  # since when
        self.full: StoreFull | None = None  # what the last attempt failed by
        self._thread = threading.Thread(target=self._run, name="store", daemon=True)
        self._thread.start()

    def append(self, record: Record, content: bytes) -> None:
        """One event, soon."""
        with self._changed:
            self._waiting.append(_Append(record, record.events, content))
            record.events += 1
            self._changed.notify()

    def settle(self) -> "Future[object]":
        """Committed is all that came before."""
        return self._add(_Work(None, lasting=False, done=Future()))

    def do(self, work: Callable[[Connection], T], *, lasting: bool = False) -> "Future[T]":
        """Done and committed with all that came before. May fail with StoreFull, which takes back nothing that was appended."""
        return self._add(_Work(work, lasting, Future()))  # type: ignore[return-value]

    def _add(self, work: _Work) -> "Future[object]":
        with self._changed:
            if self._closing is not None:
                work.done.set_exception(StoreFull("the store is closed"))
                return work.done
            self._waiting.append(work)
            self._hurried = True
            self._changed.notify()
        return work.done

    def close(self) -> None:
        """Once all is written, or cannot be."""
        with self._changed:
            self._closing = time.monotonic()
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        batch: list[_Append | _Work] = []
        failures = 0
        while True:
            self._wait(begun=bool(batch), pause=PAUSES[min(failures, len(PAUSES)) - 1] if failures else 0.0)
            batch += self._take(MOST_AT_ONCE - len(batch))
            if not batch:
                return
            failure = self._try(batch)
            if failure is None:
                failures, batch = 0, []
                continue
            if failures == 0:
                logs.store_waits(str(failure))
            failures += 1
            if self.full:
                batch = _tell(batch, self.full)
            if self._closing is not None and time.monotonic() - self._closing > LAST_SECONDS:
                logs.store_lost(len(batch) + len(self._waiting))
                return

    def _try(self, batch: Sequence[_Append | _Work]) -> Exception | None:
        """None if it is committed, or never can be; else why it is to be tried again."""
        try:
            results = self._commit(batch)
        except StoreFull as error:
            self.full = error
            return error
        except (OperationalError, InterfaceError) as error:
            return error
        except Exception as error:  # noqa: BLE001  (one that is broken must not hold up all others for ever)
            if len(batch) == 1:
                _fail(batch[0], error)
                return None
            failures = [failure for each in batch if (failure := self._try([each]))]
            return failures[0] if failures else None
        self.full = None
        for done, result in results:
            if done.set_running_or_notify_cancel():
                done.set_result(result)
        return None

    def _wait(self, *, begun: bool, pause: float) -> None:
        """Until there is something to do: at once if somebody waits for it."""
        with self._changed:
            if begun:
                self._changed.wait(pause)
                return
            while not self._waiting and self._closing is None:
                self._changed.wait()
            until = time.monotonic() + LATEST_SECONDS
            while not self._hurried and self._closing is None and (left := until - time.monotonic()) > 0:
                self._changed.wait(left)

    def _take(self, most: int) -> list[_Append | _Work]:
        with self._changed:
            taken = [self._waiting.popleft() for _ in range(min(most, len(self._waiting)))]
            self._hurried = any(isinstance(each, _Work) for each in self._waiting)
            return taken

    def _commit(self, batch: Sequence[_Append | _Work]) -> list[tuple["Future[object]", object]]:
        results: list[tuple[Future[object], object]] = []
        with self._database.writing() as connection:
            appends: list[_Append] = []
            for each in batch:
                if isinstance(each, _Append):
                    appends.append(each)
                elif each.do is None:
                    results.append((each.done, None))
                else:
                    _insert(connection, appends)
                    appends = []
                    results.append((each.done, each.do(connection)))
            _insert(connection, appends)
        return results


def _insert(connection: Connection, appends: Sequence[_Append]) -> None:
    """Those of attempts that are still the last of their run."""
    sizes: dict[Record, list[int]] = {}
    for each in appends:
        if not each.record.refused:
            sizes.setdefault(each.record, []).append(len(each.content))
    if not sizes:
        return
    counted = [
        {"run": record.run_id, "of": record.attempt, "more": len(own), "size": sum(own)} for record, own in sizes.items()
    ]
    # It holds the rows to the end of the transaction: nobody takes a run over between this and its events.
    if connection.execute(_COUNT, counted).rowcount != len(counted):
        _refuse(connection, sizes)
    rows = [
        {"run_id": each.record.run_id, "position": each.position, "content": each.content}
        for each in appends
        if not each.record.refused
    ]
    if rows:
        connection.execute(insert(EVENTS), rows)


_COUNT = (
    update(RUNS)
    .where(RUNS.c.run_id == bindparam("run"), RUNS.c.attempt == bindparam("of"))
    .values(events=RUNS.c.events + bindparam("more"), bytes=RUNS.c.bytes + bindparam("size"))
)


def _refuse(connection: Connection, records: Iterable[Record]) -> None:
    """Those that are not the last attempt at their run."""
    for record in records:
        last = connection.scalar(select(RUNS.c.attempt).where(RUNS.c.run_id == record.run_id))
        record.refused = last != record.attempt


def _fail(one: _Append | _Work, error: Exception) -> None:
    logs.internal_error("the store", error)
    if isinstance(one, _Append):
        one.record.refused = True  # what follows would have a gap before it
    elif one.done.set_running_or_notify_cancel():
        one.done.set_exception(error)


def _tell(batch: Sequence[_Append | _Work], error: StoreFull) -> list[_Append | _Work]:
    """Who waits is told; returns what is kept to be written when there is room."""
    kept: list[_Append | _Work] = []
    for each in batch:
        if isinstance(each, _Append):
            kept.append(each)
            continue
        if each.done.set_running_or_notify_cancel():
            each.done.set_exception(error)
        if each.lasting:
            kept.append(_Work(each.do, lasting=True, done=Future()))
    return kept
