"""One database, by SQLAlchemy: a file of SQLite, or a server of PostgreSQL."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, NoSuchModuleError, OperationalError

from orchestrator.errors import Busy, ConfigError, StoreFull
from orchestrator.store.tables import bring_to_version

BUSY_SECONDS = 5.0  # that a statement waits for another process; then it is tried again from without
LOG_BYTES = 64 << 20  # that SQLite's log keeps of the disk once it was longer
WRITES = "rlm_writes"


def sqlite_url(path: Path) -> str:
    """Of the file at that path."""
    return f"sqlite:///{path}"


class Database:
    """Connections to it. Its tables are those of this version."""

    def __init__(self, url: str) -> None:
        """Raises ConfigError."""
        try:
            self._engine = _open(url)
            self._path = _path(url)
            self._file = _identity(self._path)
            with self.writing() as connection:
                bring_to_version(connection)
        except ModuleNotFoundError as error:
            raise ConfigError(f"store.url: {error}; for PostgreSQL: pip install 'rlm-orchestrator[postgresql]'") from None
        except (ArgumentError, NoSuchModuleError) as error:
            raise ConfigError(f"store.url: {error}") from None
        except (DBAPIError, StoreFull, OSError) as error:
            raise ConfigError(f"store: {_place(url)}: {_words(error)}") from None

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction. Raises StoreFull, OperationalError if it may work later."""
        # SQLite would go on writing what no other process will ever find.
        if _identity(self._path) != self._file:
            raise StoreFull(f"the file of the store is gone, or another: {self._path}; start the server again")
        try:
            with self._engine.connect().execution_options(**{WRITES: True}) as connection, connection.begin():
                yield connection
        except OperationalError as error:
            if _is_full(error):
                raise StoreFull(f"the store is full: {error.orig}") from None
            raise

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """What was committed before, whatever is written meanwhile. Raises Busy."""
        try:
            with self._engine.connect() as connection, connection.begin():
                yield connection
        except (OperationalError, InterfaceError) as error:
            raise Busy(f"the store of runs is away: ask again later ({_words(error)})") from None

    def close(self) -> None:
        self._engine.dispose()


def _open(url: str) -> Engine:
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return _open_postgresql(parsed)
    if not parsed.database or parsed.database == ":memory:":
        raise ConfigError("store.url: SQLite needs a file: sqlite:////folder/runs.db")
    path = Path(parsed.database)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Nobody else may read what was asked; the files that SQLite puts beside it get the same mode.
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    engine = create_engine(parsed, connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _open_postgresql(url: URL) -> Engine:
    # A server that is switched off, or unplugged, says nothing: what was begun there fails in time, to be tried again.
    waiting = {"connect_timeout": int(BUSY_SECONDS), "tcp_user_timeout": int(BUSY_SECONDS * 2000), "keepalives_idle": 10}
    engine = create_engine(url, pool_pre_ping=True, connect_args=waiting)
    event.listen(engine, "begin", _begin_postgresql)
    return engine


def _begin_postgresql(connection: Connection) -> None:
    # Said in each transaction: what connections are lent by others, as PgBouncer does, keep nothing beyond it.
    connection.exec_driver_sql(f"set local lock_timeout = {int(BUSY_SECONDS * 1000)}")


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # The driver's own BEGIN comes too late: _begin_sqlite says it.
    connection.isolation_level = None
    for pragma in ("auto_vacuum=incremental", "journal_mode=wal", "synchronous=full", f"journal_size_limit={LOG_BYTES}"):
        connection.execute(f"pragma {pragma}").close()


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and writes then could not wait for another that has written meanwhile.
    writes = connection.get_execution_options().get(WRITES)
    connection.exec_driver_sql("begin immediate" if writes else "begin")


def _is_full(error: DBAPIError) -> bool:
    """No room for more on the disk, which is nothing to wait for with what was paid in hand."""
    if isinstance(error.orig, sqlite3.Error):
        return getattr(error.orig, "sqlite_errorcode", None) in _FULL
    return getattr(error.orig, "sqlstate", None) == "53100"  # disk_full


# A write that the disk has no room for may be told as an input/output error, too.
_FULL = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE)


def _path(url: str) -> Path | None:
    """Of SQLite's file."""
    parsed = make_url(url)
    return Path(parsed.database or "") if parsed.get_backend_name() == "sqlite" else None


def _identity(path: Path | None) -> tuple[int, int] | None:
    """Which file that is, None if there is none."""
    try:
        status = path.stat() if path else None
    except FileNotFoundError:
        return None
    return (status.st_dev, status.st_ino) if status else None


def _place(url: str) -> str:
    """Of the database, without the password that may be in its URL."""
    return make_url(url).render_as_string(hide_password=True)


def _words(error: Exception) -> str:
    return str(error.orig if isinstance(error, DBAPIError) else error).splitlines()[0]
