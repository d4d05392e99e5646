"""`python -m sandbox` as a process: where it listens, what it prints, and when it ends."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from sandbox import keys
from sandbox.testing import ROOT, SandboxError, SandboxServer

COMMAND = [sys.executable, "-m", "sandbox", "--port", "0"]


def start(*arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen([*COMMAND, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True)


def first_line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    url: str = json.loads(process.stdout.readline())["url"]
    return url


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_at_once_even_in_the_middle_of_an_answer(number: signal.Signals) -> None:
    with start() as process:
        url = first_line(process)
        headers = {"Content-Type": "application/json"}
        requests.post(
            f"{url}/_sandbox/behaviour",
            json={"provider": "stripe", "latency_ms": 60_000},
            headers=headers,
            timeout=10,
        )
        with pytest.raises(requests.ReadTimeout):
            requests.get(f"{url}/stripe/v1/payouts", timeout=(10, 0.2))
        begin = time.monotonic()
        process.send_signal(number)
        assert process.wait(30) == 0
        assert time.monotonic() - begin < 10


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.1", "::", "example.com"])
def test_it_listens_on_this_machine_only(host: str) -> None:
    result = subprocess.run(
        [*COMMAND, "--host", host], cwd=ROOT, capture_output=True, text=True, timeout=30, check=False
    )
    assert result.returncode == 2
    assert "must be 127.0.0.1" in result.stderr


@pytest.mark.parametrize(
    "arguments", [["--port", "99999"], ["--keep", "-1"], ["--webhook-url", "http://example.com/"]]
)
def test_options_that_cannot_be_are_refused(arguments: list[str]) -> None:
    result = subprocess.run(
        [*COMMAND, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=30, check=False
    )
    assert result.returncode == 2
    assert arguments[0] in result.stderr


def test_a_port_in_use_is_said_plainly() -> None:
    with SandboxServer() as server:
        port = server.url.rpartition(":")[2]
        result = subprocess.run(
            [*COMMAND, "--port", port], cwd=ROOT, capture_output=True, text=True, timeout=30, check=False
        )
        assert result.returncode == 1
        assert f"cannot listen on 127.0.0.1 port {port}: " in result.stderr
        assert "Traceback" not in result.stderr


def test_it_prints_the_environment_that_points_here() -> None:
    with start("--print-env", "--seed", "mine") as process:
        url = first_line(process)
        assert process.stdout is not None
        expected = keys.environment(url, "mine")
        lines = [process.stdout.readline().rstrip("\n") for _ in expected]
        process.terminate()
    assert dict(line.split("=", 1) for line in lines) == expected


def test_keys_follow_from_the_seed_and_look_like_no_real_ones() -> None:
    assert keys.environment("http://127.0.0.1:1") == keys.environment("http://127.0.0.1:1/")
    one, other = keys.environment("x", "a"), keys.environment("x", "b")
    same = {name for name in one if one[name] == other[name]}
    assert same == {"SENDGRID_API_URL", "TWILIO_API_URL", "STRIPE_API_URL", "TWILIO_FROM"}
    assert "not-a-real-key" in one["SENDGRID_API_KEY"]
    assert "sandbox" in one["STRIPE_API_KEY"]
    assert (
        bytes.fromhex(one["TWILIO_ACCOUNT_SID"][2:16])
        == bytes.fromhex(one["TWILIO_AUTH_TOKEN"][:14])
        == b"sandbox"
    )


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux")
def test_it_dies_with_a_parent_that_is_killed() -> None:
    script = (
        "import time; from sandbox.testing import SandboxServer\n"
        "with SandboxServer() as server: print(server.pid, flush=True); time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert is_running(child)
        parent.kill()
    deadline = time.monotonic() + 10
    while is_running(child):
        assert time.monotonic() < deadline, "the sandbox outlived its parent"
        time.sleep(0.02)


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux")
def test_it_does_not_start_for_a_parent_that_is_gone() -> None:
    result = subprocess.run(
        [*COMMAND, "--die-with-parent", "1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (result.returncode, result.stdout) == (0, "")


def is_running(pid: int) -> bool:
    """A zombie that nobody has waited for yet has ended, too."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def test_the_helper_says_when_the_server_does_not_run() -> None:
    server = SandboxServer()
    with pytest.raises(SandboxError, match="does not run"):
        server.stats()
    with server:
        os.kill(server.pid, signal.SIGKILL)
        with pytest.raises(SandboxError, match="does not"):
            ask_until_it_fails(server)


def ask_until_it_fails(server: SandboxServer) -> None:
    """A killed process still answers for a moment."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        server.stats()


def test_options_that_cannot_be_end_the_helper_too() -> None:
    with pytest.raises(SandboxError, match="status 2"):
        SandboxServer(host="0.0.0.0").start()
