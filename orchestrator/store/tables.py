"""The tables, and the steps by which a database of an older version gets those of this one."""

from collections.abc import Callable

import msgspec
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    bindparam,
    func,
    insert,
    inspect,
    select,
    update,
)

from orchestrator.errors import ConfigError

METADATA = MetaData()
LOCK = 0x726C6D  # any number that others do not use

VERSIONS = Table("store_version", METADATA, Column("number", Integer, nullable=False))

# `holder`: the process that executes it, none if it waits for one; `ended_ns`: none while it is not finished.
# `attempt`: how often it was taken over; what an earlier one appends is refused. `summary`: of lists, as JSON.
# What lists are searched by: `stopped`, none while it is not finished; `words`: the beginnings of query and answer, casefolded;
# `models`: their names, one a line. `origin`: the run that it was forked from; `session`: the caller's name for a row of runs.
# `parent`: the run whose child it is, which alone goes on with it.
RUNS = Table(
    "runs",
    METADATA,
    Column("run_id", String(64), primary_key=True),
    Column("begun_ns", BigInteger, nullable=False),
    Column("owner", String(64), nullable=False),
    Column("detached", Boolean, nullable=False),
    Column("holder", String(64)),
    Column("attempt", Integer, nullable=False),
    Column("ended_ns", BigInteger),
    Column("events", Integer, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("context_id", String(64), nullable=False),
    Column("component", String(64), nullable=False),
    Column("summary", LargeBinary, nullable=False),
    Column("stopped", String(32)),
    Column("words", Text),
    Column("models", Text),
    Column("origin", String(64)),
    Column("session", String(100)),
    Column("parent", String(64)),
)
Index("runs_of_owner", RUNS.c.owner, RUNS.c.begun_ns)
Index(
    "runs_unfinished",
    RUNS.c.begun_ns,
    sqlite_where=RUNS.c.ended_ns.is_(None),
    postgresql_where=RUNS.c.ended_ns.is_(None),
)
_OF_ORIGIN = Index("runs_of_origin", RUNS.c.origin)
_OF_SESSION = Index("runs_of_session", RUNS.c.owner, RUNS.c.session, RUNS.c.begun_ns)

# `position` counts from 0; `content` is the event as JSON.
EVENTS = Table(
    "events",
    METADATA,
    Column("run_id", String(64), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("content", LargeBinary, nullable=False),
)

# Which run an Idempotency-Key stands for; `request` tells another request under the same key. Both are hashes.
KEYS = Table(
    "idempotency_keys",
    METADATA,
    Column("owner", String(64), primary_key=True),
    Column("key", LargeBinary, primary_key=True),
    Column("request", LargeBinary, nullable=False),
    Column("run_id", String(64), nullable=False, index=True),
)

# Times are seconds since 1970.
REPLIES = Table(
    "replies",
    METADATA,
    Column("key", LargeBinary, primary_key=True),
    Column("content", LargeBinary, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("used", Double, nullable=False),
    Column("until", Double, nullable=False),
)
Index("replies_by_use", REPLIES.c.used)


def _add_what_is_searched(connection: Connection) -> None:
    """Runs that are there are found by how they ended; by their words only if they end later."""
    for column in (RUNS.c.stopped, RUNS.c.words, RUNS.c.models, RUNS.c.origin, RUNS.c.session, RUNS.c.parent):
        kind = column.type.compile(connection.dialect)
        connection.exec_driver_sql(f"alter table {RUNS.name} add column {column.name} {kind}")
    for index in (_OF_ORIGIN, _OF_SESSION):
        index.create(connection)
    KEYS.create(connection)
    rows = connection.execute(select(RUNS.c.run_id, RUNS.c.summary).where(RUNS.c.ended_ns.is_not(None)))
    ended = [{"run": run_id, "how": msgspec.json.decode(summary)["stopped"]} for run_id, summary in rows]
    if ended:
        told = update(RUNS).where(RUNS.c.run_id == bindparam("run")).values(stopped=bindparam("how"))
        connection.execute(told, ended)


# What makes version n + 1 of version n, in order; the first version is 1.
STEPS: tuple[Callable[[Connection], None], ...] = (_add_what_is_searched,)
VERSION = 1 + len(STEPS)


def bring_to_version(connection: Connection) -> None:
    """Raises ConfigError for a database of a later version."""
    if connection.dialect.name == "postgresql":
        # One process at a time; SQLite's transactions are so by themselves.
        connection.execute(select(func.pg_advisory_xact_lock(LOCK)))
    if not inspect(connection).has_table(VERSIONS.name):
        METADATA.create_all(connection)
        connection.execute(insert(VERSIONS).values(number=VERSION))
        return
    found = connection.scalars(select(VERSIONS.c.number)).one()
    if found > VERSION:
        raise ConfigError(f"store: it was written by a later version of this program (version {found}, this one has {VERSION})")
    for step in STEPS[found - 1 :]:
        step(connection)
    connection.execute(update(VERSIONS).values(number=VERSION))
