"""Idempotency keys: a request that is sent twice is one run (draft-ietf-httpapi-idempotency-key-header)."""

import asyncio

from sqlalchemy import Connection, delete, insert, select, update

from orchestrator.errors import KeyReused
from orchestrator.store.messages import Key
from orchestrator.store.tables import KEYS, RUNS
from orchestrator.store.writer import Writer


class Keys:
    """They last as long as their runs."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self.one_by_one = asyncio.Lock()  # from the claim of one to the beginning of its run

    async def claim(self, key: Key, run_id: str) -> str:
        """The run that it stands for: that one, if there is none yet. Raises KeyReused."""
        same = (KEYS.c.owner == key.owner) & (KEYS.c.key == key.digest)
        row = {"owner": key.owner, "key": key.digest, "request": key.request, "run_id": run_id}

        def work(connection: Connection) -> tuple[str, bytes]:
            found = connection.execute(select(KEYS.c.run_id, KEYS.c.request).where(same)).one_or_none()
            if found is None:
                connection.execute(insert(KEYS).values(row))
                return run_id, key.request
            if found[1] == key.request and connection.scalar(select(RUNS.c.run_id).where(RUNS.c.run_id == found[0])) is None:
                # The process ended between the two.
                connection.execute(update(KEYS).where(same).values(run_id=run_id))
                return run_id, key.request
            return found[0], found[1]

        known, request = await asyncio.wrap_future(self._writer.do(work))
        if request != key.request:
            raise KeyReused("Idempotency-Key: it was sent with another request before")
        return known

    async def release(self, run_id: str) -> None:
        """No run has begun under it."""
        unused = delete(KEYS).where(KEYS.c.run_id == run_id)
        await asyncio.wrap_future(self._writer.do(lambda connection: connection.execute(unused)))
