"""Replies of models in the store, for calls of later processes."""

import asyncio
import time

import msgspec
from sqlalchemy import Connection, delete, func, select, update

from orchestrator.config import CacheSettings
from orchestrator.errors import Busy
from orchestrator.providers.cache import Kept
from orchestrator.store.runs import RunStore
from orchestrator.store.tables import REPLIES

_decode = msgspec.json.Decoder(Kept).decode


class Replies:
    """A shelf of the cache. One that cannot be read is not there."""

    def __init__(self, store: RunStore, settings: CacheSettings) -> None:
        self._database = store.database
        self._writer = store.writer
        self._most = settings.cache_bytes

    async def find(self, key: bytes) -> Kept | None:
        """That of the key, if its time is not over."""
        fresh = (REPLIES.c.key == key) & (REPLIES.c.until > time.time())

        def read() -> bytes | None:
            with self._database.reading() as connection:
                return connection.scalar(select(REPLIES.c.content).where(fresh))

        try:
            content = await asyncio.to_thread(read)
        except Busy:
            return None
        if content is None:
            return None
        used = update(REPLIES).where(REPLIES.c.key == key).values(used=time.time())
        self._writer.do(lambda connection: connection.execute(used))
        try:
            return _decode(content)
        except msgspec.DecodeError:
            return None

    def keep(self, key: bytes, kept: Kept) -> None:
        """Instead of what was there."""
        content = msgspec.json.encode(kept)
        row = {"key": key, "content": content, "bytes": kept.size, "used": time.time(), "until": kept.until}

        def replace(connection: Connection) -> None:
            connection.execute(delete(REPLIES).where(REPLIES.c.key == key))
            connection.execute(REPLIES.insert().values(row))

        self._writer.do(replace)

    async def expire(self) -> None:
        """Forgets those whose time is over, and the longest unused of too many bytes."""
        await asyncio.wrap_future(self._writer.do(lambda connection: _expire(connection, self._most)))


def _expire(connection: Connection, most: int) -> None:
    connection.execute(delete(REPLIES).where(REPLIES.c.until <= time.time()))
    size = connection.scalars(select(func.coalesce(func.sum(REPLIES.c.bytes), 0))).one()
    going = []
    for key, own in connection.execute(select(REPLIES.c.key, REPLIES.c.bytes).order_by(REPLIES.c.used)):
        if size <= most:
            break
        going.append(key)
        size -= own
    for key in going:
        connection.execute(delete(REPLIES).where(REPLIES.c.key == key))
