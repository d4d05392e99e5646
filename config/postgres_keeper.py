"""The keeper of one embedded PostgreSQL server: in, a data directory; out, a running server and its log.

It stops the server and leaves when no process holds `holders.lock` any more. `keeper.lock` is inherited by the server
and all its processes, so that a free lock proves that nothing of a predecessor lives, even of one that was killed.
"""

import fcntl
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import FrameType

from config.parent_death import die_with_parent
from config.postgres_cluster import (
    Account,
    clear_stale_record,
    find_binaries,
    initialise,
    private_socket_dir,
    server_account,
    server_command,
)
from config.postgres_root import note_link


def open_lock(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


def try_lock(lock: int) -> bool:
    """Take the lock alone, if nobody has it."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_kept(data_dir: Path) -> bool:
    """Whether a keeper or any process of its server lives."""
    lock = open_lock(data_dir / "keeper.lock")
    try:
        return not try_lock(lock)
    finally:
        os.close(lock)


def keep(data_dir: Path, *, durable: bool) -> None:
    """Keep the server in a process of its own; returns in the caller once `keeper.lock` is ours or another keeper's."""
    lock = open_lock(data_dir / "keeper.lock")
    for _ in range(20):  # someone may be looking at it just now
        if try_lock(lock):
            break
        time.sleep(0.01)
    else:
        return
    _redirect_output(data_dir / "server.log")
    if os.fork():
        return
    signal.signal(signal.SIGTERM, _leave)
    os.umask(0o077)
    cluster = data_dir / "cluster"
    account = server_account(cluster)
    run = partial(_run, account=account, lock=lock)
    binaries = find_binaries()
    initialise(cluster, binaries, account, run)
    clear_stale_record(cluster)
    if cluster.is_symlink():
        note_link(cluster)
    socket_dir = private_socket_dir(lock, account)
    server = run(server_command(cluster, binaries, socket_dir, durable=durable))
    try:
        holders = open_lock(data_dir / "holders.lock")
        while server.poll() is None and not try_lock(holders):
            time.sleep(0.3)
    finally:
        _stop(server)
        with suppress(OSError):
            socket_dir.rmdir()


def _leave(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


def _redirect_output(log: Path) -> None:
    if log.exists():
        log.replace(log.with_suffix(".log.old"))  # it tells what a predecessor died of
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)


def _run(argv: list[str], *, account: Account, lock: int) -> "subprocess.Popen[bytes]":
    """Start initdb or the server as `account`. If the keeper is killed, the kernel asks for a fast shutdown (SIGINT)."""
    is_root = os.geteuid() == 0
    return subprocess.Popen(
        argv,
        user=account.pw_uid if is_root else None,
        group=account.pw_gid if is_root else None,
        extra_groups=[] if is_root else None,
        preexec_fn=partial(die_with_parent, signal.SIGINT),  # safe: this process has one thread
        pass_fds=(lock,),
        stdin=subprocess.DEVNULL,
        cwd="/",
        env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
    )


def _stop(server: "subprocess.Popen[bytes]") -> None:
    """Fast shutdown, which ends every connection; then ever harder."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    for how, patience in ((signal.SIGINT, 20.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, None)):
        if server.poll() is None:
            server.send_signal(how)
        with suppress(subprocess.TimeoutExpired):
            server.wait(patience)
            return


if __name__ == "__main__":
    keep(Path(sys.argv[1]), durable=sys.argv[2] == "durable")
