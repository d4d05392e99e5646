"""`manage.py work`: a cluster whose drain stays, is woken by a commit, and leaves at the first SIGTERM."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from benchmarks.stage import database_url
from notifications.models import DrainWatch
from sandbox.testing import SandboxServer
from tests.messages import fresh, queued
from tests.waiting import eventually

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("templates")]


@pytest.fixture
def cluster(sandbox: SandboxServer, tmp_path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    env = {
        **os.environ,
        "DATABASE_URL": database_url(),
        "EMAIL_BACKEND": "anymail.backends.sendgrid.EmailBackend",
        **sandbox.environment(),
    }
    command = [sys.executable, "manage.py", "work", "notify"]
    with (tmp_path / "work.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=settings.BASE_DIR, env=env, stdout=log, stderr=log, start_new_session=True
        )
    yield process
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_it_sends_what_waited_and_what_is_committed_and_leaves_when_told(cluster: Any) -> None:
    waited = queued()
    eventually(lambda: fresh(waited).status == "sent", seconds=60)
    eventually(lambda: DrainWatch.objects.filter(listening_until__gt=timezone.now()).exists())
    committed = queued()
    eventually(lambda: fresh(committed).status == "sent")
    began = time.monotonic()
    cluster.send_signal(signal.SIGTERM)
    cluster.wait(timeout=60)
    # A stock cluster would have waited until the drain's 100 seconds are over.
    assert time.monotonic() - began < 60
    assert not DrainWatch.objects.filter(alive_until__gt=timezone.now()).exists()


@pytest.mark.parametrize("arguments", [[], ["nothing"]])
def test_a_cluster_must_be_named(arguments: list[str]) -> None:
    command = [sys.executable, "manage.py", "work", *arguments]
    done = subprocess.run(command, cwd=settings.BASE_DIR, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "notify" in done.stderr
