"""The tables, and the steps by which a database of an older version gets those of this one."""

from collections.abc import Callable

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
)
Index("runs_of_owner", RUNS.c.owner, RUNS.c.begun_ns)
Index(
    "runs_unfinished",
    RUNS.c.begun_ns,
    sqlite_where=RUNS.c.ended_ns.is_(None),
    postgresql_where=RUNS.c.ended_ns.is_(None),
)

# `position` counts from 0; `content` is the event as JSON.
EVENTS = Table(
    "events",
    METADATA,
    Column("run_id", String(64), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("content", LargeBinary, nullable=False),
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

# What makes version n + 1 of version n, in order.
STEPS: tuple[Callable[[Connection], None], ...] = (METADATA.create_all,)


def bring_to_version(connection: Connection) -> None:
    """Raises ConfigError for a database of a later version."""
    if connection.dialect.name == "postgresql":
        # One process at a time; SQLite's transactions are so by themselves.
        connection.execute(select(func.pg_advisory_xact_lock(LOCK)))
    exists = inspect(connection).has_table(VERSIONS.name)
    found = connection.scalars(select(VERSIONS.c.number)).one() if exists else 0
    if found > len(STEPS):
        raise ConfigError(
            f"store: it was written by a later version of this program (version {found}, this one has {len(STEPS)})"
        )
    for step in STEPS[found:]:
        step(connection)
    if not exists:
        connection.execute(insert(VERSIONS).values(number=len(STEPS)))
    elif found < len(STEPS):
        connection.execute(update(VERSIONS).values(number=len(STEPS)))
