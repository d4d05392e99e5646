"""The demo's headless twin: in, a fixed seed and moment; out, what each job did, and what the providers received.

It runs in a database of its own that is dropped at the end, so that its figures are the same every time.
"""

import datetime as dt
import io
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.test.utils import override_settings

from config.sample_payouts import pay_out
from jobs.catalog import in_order
from jobs.report import RunReport
from jobs.runner import run
from jobs.spec import JobResult
from notifications.models import InboxItem, Notification
from notifications.worker import drain
from sandbox.testing import SandboxServer

# A Friday, 13:30 in Moncton and 09:30 in Vancouver: every kind of booking reminder is due, and nobody has quiet hours.
MOMENT = dt.datetime(2026, 11, 20, 17, 30, tzinfo=dt.UTC)
SEED = 20


@dataclass(frozen=True, slots=True)
class Did:
    """One run: what its rule found, how many messages it queued, and what it changed in the business."""

    job: str
    status: str
    found: Mapping[str, int]
    queued: int
    withheld: int
    changed: Mapping[str, int]
    seconds: float


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the table: a job's messages on a channel, and how many recipients' copies the provider has."""

    job: str
    channel: str
    queued: int
    withheld: int
    sent: int
    received: int
    duplicates: int

    def is_right(self) -> bool:
        """Everything queued was sent, and each was received exactly once."""
        return self.queued == self.sent == self.received and self.duplicates == 0


def smoke() -> tuple[list[Did], list[Line], list[str]]:
    """Seed, run the jobs, drain, compare. Answers what each did, what arrived, and what is wrong (nothing: all is well)."""
    with own_database(), SandboxServer() as server, override_settings(**_pointing_at(server)):
        call_command("load_templates", stdout=io.StringIO())
        call_command("seed_rentals", verbosity=0, seed=SEED, at=MOMENT.isoformat(), push_url=server.url)
        pay_out(server.url, now=MOMENT)
        reports = [run(name, now=MOMENT, trigger="command", actor="smoke") for name in in_order()]
        drain(now=MOMENT, budget=dt.timedelta(minutes=5))
        lines = _compare(server)
    problems = [f"{report.job}: {report.error}" for report in reports if report.status != "success"]
    problems += [
        f"{line.job} on {line.channel}: sent and received differ" for line in lines if not line.is_right()
    ]
    if not lines:
        problems.append("No job queued a message: the sample business holds nothing that is due.")
    return [_did(report) for report in reports], lines, problems


@contextmanager
def own_database(*, prefix: str = "smoke") -> Iterator[None]:
    """A migrated database beside the configured one, made now and dropped at the end."""
    name = connection.settings_dict["NAME"]
    connection.settings_dict["TEST"] = {
        **connection.settings_dict.get("TEST", {}),
        "NAME": f"{prefix}_{name}",
    }
    # Its only login made it, and would see nothing: row level security is for databases that others reach.
    with override_settings(NOTIFICATIONS={**settings.NOTIFICATIONS, "ROW_SECURITY": False}):
        connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    try:
        yield
    finally:
        connection.creation.destroy_test_db(name, verbosity=0)


def _pointing_at(server: SandboxServer) -> dict[str, Any]:
    return {
        "ANYMAIL": {**settings.ANYMAIL, "SENDGRID_API_URL": f"{server.url}/sendgrid/v3/"},
        "TWILIO_API_URL": f"{server.url}/twilio",
        "STRIPE_API_URL": f"{server.url}/stripe",
        # No workers are running: nobody would answer.
        "NOTIFICATIONS": {**settings.NOTIFICATIONS, "KICK": ""},
    }


def _did(report: RunReport) -> Did:
    result = report.result or JobResult()
    return Did(
        job=report.job,
        status=report.status.value,
        found={kind: count for kind, count in result.found.items() if count},
        queued=result.queued,
        withheld=result.withheld,
        changed={what: count for what, count in result.changed.items() if count},
        seconds=round(report.duration.total_seconds(), 2),
    )


def _compare(server: SandboxServer) -> list[Line]:
    copies: Counter[uuid.UUID] = Counter(
        uuid.UUID(message["notification_id"]) for message in server.messages() if not message["duplicate"]
    )
    doubled = Counter(uuid.UUID(m["notification_id"]) for m in server.messages(duplicate=True))
    copies.update(InboxItem.objects.values_list("notification_id", flat=True))
    rows: dict[tuple[str, str], list[Notification]] = {}
    for row in Notification.objects.order_by("id"):
        rows.setdefault((row.metadata["origin"]["job"], row.channel), []).append(row)
    return [_line(job, channel, rows[job, channel], copies, doubled) for job, channel in sorted(rows)]


def _line(
    job: str, channel: str, rows: list[Notification], copies: Counter[uuid.UUID], doubled: Counter[uuid.UUID]
) -> Line:
    meant = [row for row in rows if row.status != "cancelled"]
    return Line(
        job=job,
        channel=channel,
        queued=len(meant),
        withheld=len(rows) - len(meant),
        sent=sum(row.status == "sent" for row in meant),
        # A push goes to each of a person's browsers: it counts once, however many there are.
        received=sum(copies[row.id] > 0 for row in rows),
        duplicates=sum(doubled[row.id] for row in rows),
    )
