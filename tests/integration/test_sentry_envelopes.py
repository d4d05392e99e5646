"""What really leaves for Sentry: our own processes, the real sdk, and a server that takes its envelopes."""

import gzip
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.conf import settings
from sentry_sdk.envelope import Envelope

from benchmarks.stage import database_url
from jobs.models import JobRun
from sandbox.testing import SandboxServer
from tests.factories import CustomerFactory
from tests.messages import fresh, queued

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("templates")]

SECRET = "quokka"


@dataclass
class Taken:
    """What a server that speaks Sentry's ingestion took: each item with its type, and all of it as text."""

    url: str
    items: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    text: str = ""

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [item for found, item in self.items if found == kind]


@pytest.fixture
def sentry() -> Iterator[Taken]:
    class Ingest(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            taken.text += body.decode()
            taken.items += [
                (str(item.type), json.loads(item.get_bytes())) for item in Envelope.deserialize(body).items
            ]
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Ingest)
    taken = Taken(f"http://key@127.0.0.1:{server.server_port}/1")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield taken
    server.shutdown()
    thread.join()
    server.server_close()


def ours(sentry: Taken, code: str, sandbox: SandboxServer, **environment: str) -> None:
    """A process of ours that runs this and leaves."""
    env = {
        **os.environ,
        **sandbox.environment(),
        "EMAIL_BACKEND": "anymail.backends.sendgrid.EmailBackend",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATABASE_URL": database_url(),
        "SENTRY_DSN": sentry.url,
        "RELEASE": "v7",
        **environment,
    }
    script = f"import django; django.setup()\n{code}\nimport sentry_sdk; sentry_sdk.flush(20)"
    subprocess.run([sys.executable, "-c", script], cwd=settings.BASE_DIR, env=env, check=True)


RUN = (
    "import datetime as dt\nfrom django.utils import timezone\nfrom jobs.runner import run\n"
    "slot = dt.datetime(2026, 11, 28, 15, tzinfo=dt.UTC)\n"
    "run({job!r}, now=timezone.now(), trigger='schedule', slot=slot)"
)


def test_a_run_is_a_transaction_whose_sql_holds_no_values(sentry: Taken, sandbox: SandboxServer) -> None:
    CustomerFactory.create(last_name=SECRET, email=f"{SECRET}@example.com")
    wrapped = (
        "from jobs import catalog\nfrom dataclasses import replace\n"
        "spec = catalog.CATALOG['segment_refresh']\n"
        f"def work(**given):\n    from django.db import connection\n"
        f"    connection.cursor().execute(\"SELECT '{SECRET}', 77123\")\n    return spec.run(**given)\n"
        "catalog.CATALOG = {'segment_refresh': replace(spec, run=work)}\n"
    )
    ours(sentry, wrapped + RUN.format(job="segment_refresh"), sandbox, SENTRY_TRACES_SAMPLE_RATE="1")
    [transaction] = sentry.of("transaction")
    run_id = str(JobRun.objects.get().pk)
    assert (transaction["transaction"], transaction["contexts"]["trace"]["op"]) == ("segment_refresh", "task")
    assert transaction["contexts"]["trace"]["status"] == "ok"
    assert transaction["tags"] == {
        "job": "segment_refresh", "run": run_id, "slot": "2026-11-28T15:00:00+00:00", "dry_run": "false",
    }  # fmt: skip
    assert transaction["release"] == "v7"
    statements = [span["description"] for span in transaction["spans"] if span["op"].startswith("db")]
    assert "SELECT ?, ?" in statements
    assert len(statements) > 3
    assert not {key for span in transaction["spans"] for key in span} & {"data", "tags"}
    assert SECRET not in sentry.text
    assert "77123" not in sentry.text


def test_a_drain_is_a_transaction_and_its_calls_name_no_address(
    sentry: Taken, sandbox: SandboxServer
) -> None:
    row = queued(CustomerFactory.create(last_name=SECRET, email=f"{SECRET}@example.com"))
    code = (
        "import jobs.tasks, datetime as dt\nfrom notifications import worker\nreal = worker.drain\n"
        "worker.drain = lambda **given: real(budget=dt.timedelta(seconds=3))\njobs.tasks.drain()"
    )
    ours(sentry, code, sandbox, SENTRY_TRACES_SAMPLE_RATE="1")
    assert fresh(row).status == "sent"
    [transaction] = sentry.of("transaction")
    assert (transaction["transaction"], transaction["contexts"]["trace"]["op"]) == (
        "process_notifications",
        "task",
    )
    assert SECRET not in sentry.text


def test_a_failed_run_is_an_error_with_job_run_and_slot(sentry: Taken, sandbox: SandboxServer) -> None:
    """And without a share of traces, nothing else leaves."""
    code = (
        "from jobs import catalog\nfrom dataclasses import replace\n"
        "def work(**given):\n    secret = ''.join(['quok', 'ka'])\n"
        "    raise ValueError(f'no {secret}@example.com')\n"
        "catalog.CATALOG = {'segment_refresh': replace(catalog.CATALOG['segment_refresh'], run=work)}\n"
    )
    ours(sentry, code + RUN.format(job="segment_refresh"), sandbox)
    [event] = sentry.of("event")
    run = JobRun.objects.get()
    assert event["transaction"] == "segment_refresh"
    assert event["exception"]["values"][-1]["value"] == "no [e-mail]"
    expected = {
        "job": "segment_refresh",
        "run": str(run.pk),
        "slot": "2026-11-28T15:00:00+00:00",
        "trigger": "schedule",
    }
    assert event["tags"] == expected
    assert [kind for kind, _ in sentry.items if kind != "event"] == []
    assert SECRET not in sentry.text


@pytest.mark.parametrize(
    ("switch", "expected"), [("True", ["in_progress", "ok"]), ("", [])], ids=["on", "off"]
)
def test_check_ins_tell_of_a_slots_run_if_wanted(
    sentry: Taken, sandbox: SandboxServer, switch: str, expected: list[str]
) -> None:
    ours(sentry, RUN.format(job="segment_refresh"), sandbox, **({"SENTRY_CRONS": switch} if switch else {}))
    found = sentry.of("check_in")
    assert [one["status"] for one in found] == expected
    assert {one["monitor_slug"] for one in found} <= {"segment-refresh"}
    assert all(one["monitor_config"]["schedule"]["type"] == "crontab" for one in found)
