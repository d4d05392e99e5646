"""The supervisor leaves no process behind, whoever dies and however: real processes, real signals."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from config.supervisor import Supervisor, SupervisorError

PROJECT_DIR = Path(__file__).resolve().parents[2]
needs_adoption = pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process adopt orphans")

# A main process, two forked workers, a child of a worker, and one that left for a session of its own. Only the main
# process heeds SIGTERM, and then it leaves its workers behind: as rude as a server killed with -9.
TREE = """
    import os, pathlib, signal, sys, time
    pids = pathlib.Path(sys.argv[1])
    def work():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        (pids / str(os.getpid())).touch()
        time.sleep(600)
    for number in range(2):
        if os.fork() == 0:
            if os.fork() == 0:
                if number:
                    os.setsid()
                work()
            work()
    (pids / str(os.getpid())).touch()
    print("tree is up")
    time.sleep(600)
"""
TREE_SIZE = 5

STUBBORN = """
    import os, pathlib, signal, sys, time
    pids = pathlib.Path(sys.argv[1])
    signal.signal(signal.SIGTERM, lambda *_: (pids / "told").touch())
    (pids / str(os.getpid())).touch()
    while True:
        time.sleep(1)
"""


@pytest.fixture
def pids(tmp_path: Path) -> Iterator[Path]:
    """Where the processes of a test leave their pids; whatever a failing test leaves running is ended."""
    directory = tmp_path / "pids"
    directory.mkdir()
    yield directory
    for pid in _alive(directory):
        os.kill(pid, signal.SIGKILL)


@pytest.fixture
def tree(tmp_path: Path, pids: Path) -> list[str]:
    return _python(tmp_path / "tree.py", TREE, pids)


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    with Supervisor(tmp_path / "log") as supervisor:
        yield supervisor


def test_output_goes_to_the_log_and_the_last_started_stops_first(
    tmp_path: Path, supervisor: Supervisor
) -> None:
    farewell = """
        import pathlib, signal, sys
        def leave(*_):
            with pathlib.Path(sys.argv[1]).open("a") as order:
                order.write(sys.argv[2] + " ")
            sys.exit(0)
        signal.signal(signal.SIGTERM, leave)
        print(sys.argv[2], "is up")
        signal.pause()
    """
    for name in ("database", "web"):
        supervisor.start(name, _python(tmp_path / "farewell.py", farewell, tmp_path / "order", name))
        supervisor.wait_until(name, _has_text(tmp_path / f"log/{name}.log"), 10)
    supervisor.stop()
    assert (tmp_path / "order").read_text() == "web database "
    assert (tmp_path / "log/web.log").read_text() == "web is up\n"


def test_env_is_added_to_ours(tmp_path: Path, supervisor: Supervisor) -> None:
    show = "import os, time; print(os.environ['TOLD'], os.environ['PATH']); time.sleep(60)"
    supervisor.start("show", _python(tmp_path / "show.py", show), env={"TOLD": "something"})
    supervisor.wait_until("show", _has_text(tmp_path / "log/show.log"), 10)
    assert (tmp_path / "log/show.log").read_text() == f"something {os.environ['PATH']}\n"


def test_what_a_stopped_process_leaves_behind_is_ended(
    supervisor: Supervisor, tree: list[str], pids: Path
) -> None:
    _start_tree(supervisor, tree, pids)
    supervisor.stop()
    assert _alive(pids) == []


def test_who_does_not_heed_is_killed_after_the_grace(tmp_path: Path, pids: Path) -> None:
    with Supervisor(tmp_path / "log", grace=0.5) as supervisor:
        supervisor.start("stubborn", _python(tmp_path / "stubborn.py", STUBBORN, pids))
        supervisor.wait_until("stubborn", lambda: len(_alive(pids)) == 1, 10)
        asked_at = time.monotonic()
    assert 0.5 <= time.monotonic() - asked_at < 4
    assert _alive(pids) == []


def test_a_process_that_ends_by_itself_is_named_with_its_last_words(
    tmp_path: Path, supervisor: Supervisor
) -> None:
    supervisor.start(
        "worker", _python(tmp_path / "dies.py", "import sys; print('no such table'); sys.exit(3)")
    )
    with pytest.raises(
        SupervisorError, match=r"(?s)worker ended by itself, with exit code 3\..*no such table"
    ):
        supervisor.run_until_interrupted()


def test_a_command_that_does_not_exist_is_named(supervisor: Supervisor) -> None:
    supervisor.start("web", ["/no/such/program"])
    with pytest.raises(SupervisorError, match=r"(?s)web ended by itself.*/no/such/program"):
        supervisor.run_until_interrupted()


def test_a_process_that_is_not_ready_in_time_is_named_with_its_log(
    supervisor: Supervisor, tree: list[str], pids: Path
) -> None:
    _start_tree(supervisor, tree, pids)
    with pytest.raises(SupervisorError, match=r"(?s)tree was not ready within 1 s.*tree is up"):
        supervisor.wait_until("tree", lambda: False, 1)


def test_waiting_for_one_notices_the_death_of_another(
    tmp_path: Path, supervisor: Supervisor, tree: list[str], pids: Path
) -> None:
    _start_tree(supervisor, tree, pids)
    supervisor.start("other", _python(tmp_path / "ends.py", ""))
    with pytest.raises(SupervisorError, match="other ended by itself, with exit code 0"):
        supervisor.wait_until("tree", lambda: False, 10)


@needs_adoption
def test_killing_the_main_process_ends_its_workers(
    supervisor: Supervisor, tree: list[str], pids: Path
) -> None:
    _start_tree(supervisor, tree, pids)
    os.kill(_main(pids), signal.SIGKILL)
    with pytest.raises(SupervisorError, match="tree ended by itself, with exit code 137"):
        supervisor.run_until_interrupted()
    assert _alive(pids) == []


@needs_adoption
def test_killing_the_guardian_ends_all_but_those_who_left_its_session(
    supervisor: Supervisor, tree: list[str], pids: Path
) -> None:
    _start_tree(supervisor, tree, pids)
    os.kill(_parent(_main(pids)), signal.SIGKILL)
    with pytest.raises(SupervisorError, match="tree ended by itself, with exit code -9"):
        supervisor.run_until_interrupted()
    supervisor.stop()
    assert _alive(pids) == [_own_session(pids)]


@needs_adoption
def test_killing_gunicorns_master_leaves_none_of_its_workers(
    tmp_path: Path, supervisor: Supervisor, pids: Path
) -> None:
    (tmp_path / "app.py").write_text(
        "import os, pathlib\n"
        f"pathlib.Path({str(pids)!r}, str(os.getpid())).touch()\n"
        "def application(environ, start_response): ...\n"
    )
    options = ["--workers=2", "--bind=127.0.0.1:0", f"--chdir={tmp_path}", "--no-control-socket"]
    supervisor.start("web", [sys.executable, "-m", "gunicorn", *options, "app"])
    supervisor.wait_until("web", lambda: len(_alive(pids)) == 2, 20)
    os.kill(_parent(_alive(pids)[0]), signal.SIGKILL)
    with pytest.raises(SupervisorError, match="web ended by itself"):
        supervisor.run_until_interrupted()
    assert _alive(pids) == []


@pytest.fixture
def supervisor_process(tmp_path: Path, tree: list[str], pids: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A supervisor in a process of its own, with the tree under it."""
    with subprocess.Popen(
        _supervises(tmp_path, *tree),
        stdout=subprocess.PIPE,
        # Under nohup, as CI may run us, SIGHUP is ignored, and children inherit that.
        preexec_fn=_heeds_hangups,
    ) as process:
        _until(lambda: len(_alive(pids)) == TREE_SIZE)
        yield process
        process.kill()


@needs_adoption
def test_kill_9_of_the_supervisor_leaves_no_process(
    supervisor_process: "subprocess.Popen[bytes]", pids: Path
) -> None:
    supervisor_process.kill()
    _until(lambda: _alive(pids) == [], within=5)


@needs_adoption
def test_killing_guardian_and_supervisor_at_once_still_ends_the_main_process(
    supervisor_process: "subprocess.Popen[bytes]", pids: Path
) -> None:
    main = _main(pids)
    os.kill(_parent(main), signal.SIGKILL)
    supervisor_process.kill()
    _until(lambda: not _is_alive(main), within=5)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_everything_in_order(
    supervisor_process: "subprocess.Popen[bytes]", pids: Path, number: signal.Signals
) -> None:
    supervisor_process.send_signal(number)
    output, _ = supervisor_process.communicate(timeout=10)
    assert (output, supervisor_process.returncode) == (b"left in order\n", 0)
    assert _alive(pids) == []


def test_a_second_signal_does_not_wait_for_the_grace(tmp_path: Path, pids: Path) -> None:
    stubborn = _python(tmp_path / "stubborn.py", STUBBORN, pids)
    with subprocess.Popen(_supervises(tmp_path, *stubborn), stdout=subprocess.PIPE) as process:
        _until(lambda: len(_alive(pids)) == 1)
        process.send_signal(signal.SIGINT)
        _until((pids / "told").exists)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=5)
    assert (output, process.returncode) == (b"left in order\n", 0)
    assert _alive(pids) == []


@needs_adoption
def test_a_supervisor_that_follows_its_parent_stops_with_it(
    tmp_path: Path, tree: list[str], pids: Path
) -> None:
    parent_script = "import subprocess, sys; subprocess.run(sys.argv[1:])"
    argv = _python(tmp_path / "parent.py", parent_script, *_supervises(tmp_path, *tree))
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as parent:
        _until(lambda: len(_alive(pids)) == TREE_SIZE)
        parent.kill()
        output, _ = parent.communicate(timeout=5)  # until the supervisor too has closed it
    assert output == b"left in order\n"
    assert _alive(pids) == []


def _heeds_hangups() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def _python(script: Path, source: str, *arguments: object) -> list[str]:
    script.write_text(textwrap.dedent(source))
    return [sys.executable, str(script), *map(str, arguments)]


def _supervises(tmp_path: Path, *argv: str) -> list[str]:
    script = f"""
        import pathlib, sys
        sys.path.insert(0, {str(PROJECT_DIR)!r})
        from config.supervisor import Supervisor
        with Supervisor(pathlib.Path(sys.argv[1]), grace=8, follow_parent=True) as supervisor:
            supervisor.start("command", sys.argv[2:])
            supervisor.run_until_interrupted()
        print("left in order", flush=True)
    """
    return _python(tmp_path / "supervises.py", script, tmp_path / "log", *argv)


def _start_tree(supervisor: Supervisor, tree: list[str], pids: Path) -> None:
    supervisor.start("tree", tree)
    supervisor.wait_until("tree", lambda: len(_alive(pids)) == TREE_SIZE, 10)


def _has_text(log: Path) -> Callable[[], bool]:
    return lambda: log.read_text().endswith("\n")


def _alive(pids: Path) -> list[int]:
    return sorted(
        int(path.name) for path in pids.iterdir() if path.name.isdigit() and _is_alive(int(path.name))
    )


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return sys.platform != "linux" or _state_and_parent(pid)[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def _state_and_parent(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:2]


def _parent(pid: int) -> int:
    return int(_state_and_parent(pid)[1])


def _own_session(pids: Path) -> int:
    """The process of the tree that left for a session of its own."""
    return next(pid for pid in _alive(pids) if os.getsid(pid) == pid)


def _main(pids: Path) -> int:
    """The tree's main process, the grandparent of the one that left."""
    return _parent(_parent(_own_session(pids)))


def _until(condition: Callable[[], bool], within: float = 10) -> None:
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, "still not so"
        time.sleep(0.05)
