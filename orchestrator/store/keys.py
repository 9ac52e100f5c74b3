"""Idempotency keys: a request that is sent twice is one run (draft-ietf-httpapi-idempotency-key-header)."""

import asyncio
import functools
from weakref import WeakValueDictionary

import msgspec
from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from orchestrator.errors import KeyReused
from orchestrator.store.messages import Key
from orchestrator.store.tables import KEYS, RUNS
from orchestrator.store.writer import Writer

LOOK_SECONDS = 0.1  # between two looks for the run of another process, which claims a key first and begins it then
LOOKS = 20


class _Claimed(msgspec.Struct, frozen=True):
    """For which run, by which request; `begun`: that run is there."""

    run_id: str
    request: bytes
    begun: bool


class Keys:
    """They last as long as their runs."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._locks: WeakValueDictionary[Key, asyncio.Lock] = WeakValueDictionary()

    def one_by_one(self, key: Key) -> asyncio.Lock:
        """From the look for one to the beginning of its run."""
        return self._locks.setdefault(key, asyncio.Lock())

    async def find(self, key: Key) -> str | None:
        """The run that it stands for, if that has begun. Raises KeyReused."""
        found = _of_request(key, await asyncio.wrap_future(self._writer.do(functools.partial(_find, key))))
        return found.run_id if found and found.begun else None

    async def claim(self, key: Key, run_id: str) -> str:
        """The run that it stands for: that one, if there is none yet. Raises KeyReused."""
        awaited, looks = "", 0
        while True:
            # The process that has claimed it may have ended before it began the run.
            work = functools.partial(_claim, key, run_id, looks >= LOOKS)
            found = _of_request(key, await asyncio.wrap_future(self._writer.do(work)))
            if found is None:
                return run_id
            if found.begun:
                return found.run_id
            awaited, looks = found.run_id, looks + 1 if found.run_id == awaited else 0
            await asyncio.sleep(LOOK_SECONDS)

    async def release(self, run_id: str) -> None:
        """No run has begun under it."""
        unused = delete(KEYS).where(KEYS.c.run_id == run_id)
        await asyncio.wrap_future(self._writer.do(lambda connection: connection.execute(unused)))


def _of_request(key: Key, found: _Claimed | None) -> _Claimed | None:
    """Raises KeyReused."""
    if found is not None and found.request != key.request:
        raise KeyReused("Idempotency-Key: it was sent with another request before")
    return found


def _find(key: Key, connection: Connection) -> _Claimed | None:
    row = connection.execute(select(KEYS.c.run_id, KEYS.c.request).where(_is(key))).one_or_none()
    if row is None:
        return None
    begun = connection.scalar(select(RUNS.c.run_id).where(RUNS.c.run_id == row[0])) is not None
    return _Claimed(row[0], row[1], begun)


def _claim(key: Key, run_id: str, anew: bool, connection: Connection) -> _Claimed | None:  # noqa: FBT001  (given by place)
    """None if it is now; `anew`: also if the run that it was claimed for has not begun."""
    found = _find(key, connection)
    if found is None:
        connection.execute(insert(KEYS).values(owner=key.owner, key=key.digest, request=key.request, run_id=run_id))
    elif anew and found.request == key.request and not found.begun:
        connection.execute(update(KEYS).where(_is(key)).values(run_id=run_id))
        return None
    return found


def _is(key: Key) -> ColumnElement[bool]:
    return (KEYS.c.owner == key.owner) & (KEYS.c.key == key.digest)
