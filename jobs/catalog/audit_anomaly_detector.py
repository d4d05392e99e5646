"""What is suspicious in the audit trail: in, `now`; out, one incident for each finding, and word to the security centre.

A run reads from the last successful one (`late` before it, for events that came late; `look_back` at most) to `now`. What two
windows share is found twice and opened once: a finding's key names rule, subject and hour (of a burst, ten minutes), and the refused logins that are
evidence of one burst are not counted for another.
"""

import datetime as dt
import logging
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from django.utils.http import urlencode

from jobs.links import admin_page
from jobs.models import JobRun
from jobs.spec import JobResult, Progress
from jobs.telling import Telling, once
from notifications.errors import EnqueueError
from notifications.message import Group, NotifyRequest
from rentals.anomalies import exports, failed_logins, privileges, secret_reads, sessions
from rentals.anomalies.facts import facts
from rentals.anomalies.finding import Finding, bucket_of
from rentals.anomalies.thresholds import Thresholds, thresholds
from rentals.incidents import open_incidents, told_until
from rentals.models import AuditEvent, SecurityIncident
from rentals.querysets.exports import export_hours, usual_exports

NAME = "audit_anomaly_detector"
CENTRE = Group("security_centre")
CHANNELS = ("email", "inapp")
AT_ONCE = ("email", "sms", "push", "inapp")
RULES = (
    failed_logins.BY_ADDRESS,
    failed_logins.BY_ACCOUNT,
    privileges.TYPE,
    exports.TYPE,
    sessions.TYPE,
    secret_reads.TYPE,
)
logger = logging.getLogger(__name__)


def run(*, now: dt.datetime, progress: Progress) -> JobResult:
    """Open what is new since the last successful run."""
    limits = thresholds()
    since = _since(now, limits)
    telling = Telling(now=now, progress=progress)
    opened: list[SecurityIncident] = []
    for rule, findings in _findings(since, now, limits):
        found = list(findings)
        telling.found(rule, len(found))
        opened += open_incidents(found, now=now)
    telling.changed("incidents opened", len(opened))
    for rule, incidents in groupby(opened, key=lambda incident: incident.incident_type):
        _tell(telling, rule, list(incidents))
    return telling.result(RULES)


def _since(now: dt.datetime, limits: Thresholds) -> dt.datetime:
    runs = JobRun.objects.filter(job_name=NAME, status=JobRun.Status.SUCCESS, moment__lt=now)
    last = runs.order_by("-started_at").values_list("moment", flat=True).first()
    earliest = now - limits.look_back
    return max(earliest, last - limits.late) if last else earliest


def _findings(
    since: dt.datetime, now: dt.datetime, limits: Thresholds
) -> Iterator[tuple[str, Iterator[Finding]]]:
    window = AuditEvent.objects.between(since, now)
    # A burst, and a move, may have begun before the window.
    refused = AuditEvent.objects.between(since - limits.login_window, now).of_types(limits.login_failed)
    visits = AuditEvent.objects.between(since - limits.session_window, now).of_moving_sessions()

    def told(rule: str) -> Mapping[str, dt.datetime]:
        return told_until(rule, since=since - limits.login_window)

    from_address = refused.in_numbers("ip_address", least=limits.logins_per_address).events()
    yield (
        failed_logins.BY_ADDRESS,
        failed_logins.by_address(from_address, limits, told=told(failed_logins.BY_ADDRESS)),
    )
    of_account = refused.in_numbers("actor_id", least=limits.logins_per_account).events()
    yield (
        failed_logins.BY_ACCOUNT,
        failed_logins.by_account(of_account, limits, told=told(failed_logins.BY_ACCOUNT)),
    )
    changes = window.of_types(limits.privilege_changed).events()
    yield privileges.TYPE, privileges.after_hours(changes, limits)
    yield exports.TYPE, _exports(since, now, limits)
    yield sessions.TYPE, sessions.in_two_networks(visits.events(), limits)
    first_reads = window.first_of_actors(limits.secret_read).events()
    yield secret_reads.TYPE, secret_reads.by_first_timers(first_reads)


def _exports(since: dt.datetime, now: dt.datetime, limits: Thresholds) -> Iterator[Finding]:
    begin = bucket_of(since)  # whole hours, so that each window weighs an hour alike
    least = min(limits.export_least, limits.export_unknown)
    hours = export_hours(limits.export, since=begin, now=now, least=least)
    actors = {hour.actor_id for hour in hours}
    usual = usual_exports(actors, limits.export, since=begin - limits.export_baseline, until=begin)
    return exports.far_above_usual(hours, usual, limits)


def _tell(telling: Telling, rule: str, incidents: Sequence[SecurityIncident]) -> None:
    """One message a rule, however many there are: an attack from a thousand addresses is one attack."""
    first = incidents[0]
    is_critical = first.severity == AuditEvent.Severity.CRITICAL
    request = NotifyRequest(
        template="security.incident",
        to=CENTRE,
        channel=AT_ONCE if is_critical else CHANNELS,
        payload=_words(rule, incidents),
        idempotency_key=once(NAME, rule, first.pk, first.detected_at.date().isoformat()),
        metadata={"job": NAME, "rule": rule, "incidents": len(incidents), "first_incident": str(first.pk)},
    )
    try:
        telling.tell([request])
    except EnqueueError as error:
        # An empty centre must not cost the evidence; a system check and the admin's home say that it is empty.
        if error.code not in ("empty_group", "unknown_group"):
            raise
        logger.error("security.nobody_told rule=%s incident=%s reason=%s", rule, first.pk, error.code)


def _words(rule: str, incidents: Sequence[SecurityIncident]) -> dict[str, Any]:
    first = incidents[0]
    told = facts(rule, first.evidence, incidents=len(incidents), rules=RULES)
    if len(incidents) == 1:
        return {**told, "detail_url": admin_page("rentals_securityincident_change", first.pk)}
    page = admin_page("rentals_securityincident_changelist")
    return {**told, "detail_url": f"{page}?{urlencode({'q': rule})}"}
