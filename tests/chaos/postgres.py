"""A PostgreSQL server to be crashed: in, an empty directory; out, its URL, and restarts as `pg_ctl restart` does them.

The embedded server's binaries and account, as durable as in production, but without a keeper, who would leave with it.
"""

import os
import pwd
import signal
import subprocess
import time
from contextlib import AbstractContextManager, suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import quote

import psycopg

from config.parent_death import die_with_parent
from config.postgres_cluster import (
    PORT,
    SUPERUSER,
    discard,
    find_binaries,
    initialise,
    private_socket_dir,
    server_account,
    server_command,
)

DATABASE: Final = "chaos"
PATIENCE: Final = 60.0
# pg_ctl(1): fast ends every session and writes a checkpoint; immediate leaves as in a crash, with recovery to do.
STOP_SIGNALS: Final = {"fast": signal.SIGINT, "immediate": signal.SIGQUIT}


class CrashableServer(AbstractContextManager["CrashableServer"]):
    """Runs within the block; the kernel stops it when the thread that started it ends, however that ends."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._cluster = directory / "cluster"
        self._account = server_account(self._cluster)
        self._process: subprocess.Popen[bytes] | None = None
        self.url = ""

    def __enter__(self) -> Self:
        lock = os.open(self._directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        self._log = os.open(self._directory / "server.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            binaries = find_binaries()
            initialise(self._cluster, binaries, self._account, self._run)
            self._socket_dir = private_socket_dir(lock, self._account)
        finally:
            os.close(lock)
        self._command = server_command(self._cluster, binaries, self._socket_dir, durable=True)
        owner = quote(self._account.pw_name)
        place = f"host={quote(str(self._socket_dir))}&port={PORT}&requirepeer={owner}"
        self.url = f"postgresql://{SUPERUSER}@/{DATABASE}?{place}"
        self.start()
        with self.connect("postgres") as connection:
            connection.execute(f"CREATE DATABASE {DATABASE}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._process is not None and self._process.poll() is None:
            self.stop("fast")
        os.close(self._log)
        discard(self._cluster)
        with suppress(OSError):
            self._socket_dir.rmdir()

    def start(self) -> None:
        """Start it; returns once it takes connections, which after a crash is once it has recovered."""
        self._process = self._run(self._command)
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self._process.poll() is None:
            with suppress(psycopg.OperationalError), self.connect("postgres"):
                return
            time.sleep(0.02)
        raise RuntimeError(
            f"PostgreSQL did not start:\n{(self._directory / 'server.log').read_text()[-2000:]}"
        )

    def stop(self, how: str) -> None:
        assert self._process is not None
        self._process.send_signal(STOP_SIGNALS[how])
        self._process.wait(PATIENCE)

    def restart(self, how: str) -> None:
        """`pg_ctl restart -m how`."""
        self.stop(how)
        self.start()

    def connect(self, database: str = DATABASE) -> "psycopg.Connection[tuple[object, ...]]":
        return psycopg.connect(
            host=str(self._socket_dir),
            port=PORT,
            user=SUPERUSER,
            dbname=database,
            requirepeer=pwd.getpwuid(self._account.pw_uid).pw_name,
            connect_timeout=5,
            autocommit=True,
        )

    def _run(self, argv: list[str]) -> "subprocess.Popen[bytes]":
        """initdb or the server. Root drops to an account that PostgreSQL accepts."""
        is_root = os.geteuid() == 0
        return subprocess.Popen(
            argv,
            user=self._account.pw_uid if is_root else None,
            group=self._account.pw_gid if is_root else None,
            extra_groups=[] if is_root else None,
            preexec_fn=partial(die_with_parent, signal.SIGINT),
            start_new_session=True,  # a Ctrl-C in the terminal is for us, who stop it
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            cwd="/",
            env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
        )
