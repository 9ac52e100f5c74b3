"""A server of PostgreSQL for the tests: on a socket in a folder of its own, which ends with it."""

import contextlib
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg

USER = "nobody"  # who runs it if root tests: the server refuses to be root's


def binaries():
    """The folder that has them, None if none does."""
    found = shutil.which("initdb")
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return Path(found).parent if found else debian[-1].parent if debian else None


class Postgres:
    """One process and its children."""

    def __init__(self, folder):
        self._folder = Path(folder)
        self._data = self._folder / "data"
        self._names = (f"store{number}" for number in itertools.count())
        self._as_user = {"user": USER, "cwd": "/"} if os.geteuid() == 0 else {}
        if self._as_user:
            os.chown(folder, pwd.getpwnam(USER).pw_uid, -1)
        self._call("initdb", "-D", self._data, "-U", "rlm", "-A", "trust", "-E", "UTF8", "--no-sync")
        self.start()

    def start(self):
        with open(self._folder / "log", "ab") as log:
            self._process = subprocess.Popen(
                [binaries() / "postgres", "-D", self._data, "-k", self._folder, "-c", "listen_addresses=", "-c", "fsync=off"],
                stdout=log, stderr=log, **self._as_user,
            )  # fmt: skip
        until = time.monotonic() + 30
        while True:
            try:
                self._execute("select 1")
            except psycopg.OperationalError:
                if time.monotonic() > until or self._process.poll() is not None:
                    raise RuntimeError((self._folder / "log").read_text()) from None
                time.sleep(0.05)
            else:
                return

    def stop(self, how=signal.SIGINT):
        """Those who are connected lose it."""
        self._process.send_signal(how)
        self._process.wait()

    def new_database(self):
        """Its URL."""
        name = next(self._names)
        self._execute(f"create database {name}")
        return f"postgresql+psycopg://rlm@/{name}?host={self._folder}"

    def _execute(self, command):
        with contextlib.closing(
            psycopg.connect(f"host={self._folder} user=rlm dbname=postgres", autocommit=True)
        ) as connection:
            connection.execute(command)

    def _call(self, name, *arguments):
        subprocess.run([binaries() / name, *arguments], check=True, capture_output=True, **self._as_user)


@contextlib.contextmanager
def running():
    with tempfile.TemporaryDirectory(prefix="rlm-postgres-", ignore_cleanup_errors=True) as folder:
        server = Postgres(folder)
        try:
            yield server
        finally:
            server.stop(signal.SIGQUIT)  # at once, as nobody will start it again
