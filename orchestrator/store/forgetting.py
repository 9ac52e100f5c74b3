"""Runs that have ended, beyond what is kept."""

import time
from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, bindparam, delete, func, select

from orchestrator.config import StoreSettings
from orchestrator.store.tables import EVENTS, KEYS, RUNS

FORGOTTEN_AT_ONCE = 200  # runs, in one transaction


def forget_some(connection: Connection, kept: StoreSettings, chosen: ColumnElement[bool]) -> int:
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
    forget(connection, going)
    return len(going)


def forget(connection: Connection, run_ids: Sequence[str]) -> None:
    """With their child runs, which nobody would find any more."""
    tree = select(RUNS.c.run_id).where(RUNS.c.run_id.in_(run_ids)).cte("tree", recursive=True)
    tree = tree.union(select(RUNS.c.run_id).where(RUNS.c.parent == tree.c.run_id))
    going = [{"going": each} for each in connection.scalars(select(tree.c.run_id))]
    if not going:
        return
    # One by one: there may be more of them than a statement has room for.
    for table in (EVENTS, KEYS, RUNS):
        connection.execute(delete(table).where(table.c.run_id == bindparam("going")), going)
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("pragma incremental_vacuum")
