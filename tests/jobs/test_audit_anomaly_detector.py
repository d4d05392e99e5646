"""audit_anomaly_detector at its edges: what it opens, once, whichever windows see it, and whom it tells."""

import datetime as dt
import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction

from jobs.catalog import CATALOG, audit_anomaly_detector
from jobs.models import JobRun
from jobs.runner import run
from jobs.spec import JobResult, silent
from notifications.models import Notification
from rentals.anomalies import sessions
from rentals.models import AuditEvent, SecurityIncident
from templates_app.lookup import compiled
from templates_app.samples import sample_context
from tests.business_factories import AuditEventFactory
from tests.factories import StaffFactory
from tests.plan_reader import explained

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("swept", "templates")]

# 11:05 on a Friday in Moncton.
NOW = dt.datetime(2026, 11, 20, 15, 5, tzinfo=dt.UTC)
MINUTE, HOUR, DAY = dt.timedelta(minutes=1), dt.timedelta(hours=1), dt.timedelta(days=1)
RULES = audit_anomaly_detector.RULES
FACTS = ("incidents", "count", "minutes", "network", "changes", "rows", "usual", "networks")


@pytest.fixture(autouse=True)
def centre() -> Any:
    return StaffFactory.create(groups=("security_centre",))


def detect(now: dt.datetime = NOW) -> JobResult:
    return CATALOG["audit_anomaly_detector"].run(now=now, progress=silent)


def detect_and_succeed(now: dt.datetime = NOW) -> JobResult:
    """As the runner does: the run of the next hour reads on from here."""
    result = detect(now)
    JobRun.objects.create(
        job_name="audit_anomaly_detector",
        moment=now,
        started_at=now,
        finished_at=now,
        status="success",
        trigger="schedule",
        lease_until=now,
    )
    return result


def opened(rule: str = "") -> list[str]:
    rows = SecurityIncident.objects.order_by("evidence_key")
    return list((rows.filter(incident_type=rule) if rule else rows).values_list("evidence_key", flat=True))


def refusals(number: int, *, at: dt.datetime = NOW - 30 * MINUTE, apart: float = 10, **fields: Any) -> None:
    for turn in range(number):
        AuditEventFactory.create(
            **{
                "event_type": "auth.login_failed",
                "occurred_at": at + dt.timedelta(seconds=apart * turn),
                "ip_address": f"203.0.{turn}.1",
                "session_id": "",
                **fields,
            }
        )


def address_burst() -> None:
    refusals(20, ip_address="203.0.113.7", actor_id="")


def account_burst() -> None:
    refusals(10, actor_id="staff:8")


def night_change() -> None:
    AuditEventFactory.create(event_type="access.privilege_changed", occurred_at=NOW - 12 * HOUR)


def export(rows: Any = 10_000, *, at: dt.datetime = NOW - 40 * MINUTE, **fields: Any) -> AuditEvent:
    made: AuditEvent = AuditEventFactory.create(
        **{"event_type": "data.export", "occurred_at": at, "metadata": {"rows": rows}, **fields}
    )
    return made


def moved_session() -> None:
    AuditEventFactory.create(session_id="cookie-1", occurred_at=NOW - 20 * MINUTE)
    AuditEventFactory.create(session_id="cookie-1", occurred_at=NOW - 19 * MINUTE, ip_address="198.51.100.1")


def secret_read(**fields: Any) -> AuditEvent:
    made: AuditEvent = AuditEventFactory.create(
        **{"event_type": "secret.read", "occurred_at": NOW - 10 * MINUTE, "resource_id": "secret:3", **fields}
    )
    return made


MAKE: dict[str, Callable[[], object]] = dict(
    zip(RULES, (address_burst, account_burst, night_change, export, moved_session, secret_read), strict=True)
)
each_rule = pytest.mark.parametrize("rule", RULES)


# ── Nothing, once, twice ────────────────────────────────────────────────────────────────────────────────
def test_ordinary_events_open_nothing() -> None:
    refusals(9, actor_id="staff:8", ip_address="203.0.113.7")
    secret_read(occurred_at=NOW - 40 * DAY)
    secret_read()
    export(9999)
    AuditEventFactory.create(event_type="access.privilege_changed", occurred_at=NOW - HOUR)
    AuditEventFactory.create_batch(30, occurred_at=NOW - 5 * MINUTE)
    assert detect() == JobResult(found=dict.fromkeys(RULES, 0))
    assert not Notification.objects.exists()


@each_rule
def test_each_rule_opens_one_incident_and_tells_the_security_centre(rule: str, centre: Any) -> None:
    MAKE[rule]()
    result = detect()
    assert result.found == {**dict.fromkeys(RULES, 0), rule: 1}
    assert result.changed == {"incidents opened": 1}
    incident = SecurityIncident.objects.get()
    assert (incident.incident_type, incident.detected_at, incident.resolved_at) == (rule, NOW, None)
    assert incident.evidence["count"] >= 1
    ids = set(incident.evidence["events"])
    assert ids <= {str(pk) for pk in AuditEvent.objects.values_list("pk", flat=True)}
    rows = {row.channel: row for row in Notification.objects.filter(status="queued")}
    assert set(rows) == {"email", "inapp"}
    for row in rows.values():
        assert row.to == {"staff_id": str(centre.pk)}
        assert row.category == "security"
        assert {name for name in RULES if row.payload[name]} == {rule}
        assert row.payload["detail_url"].endswith(f"/admin/rentals/securityincident/{incident.pk}/change/")


@each_rule
def test_no_address_and_no_session_leaves_the_audit_trail(rule: str) -> None:
    MAKE[rule]()
    detect()
    incident = SecurityIncident.objects.get()
    rows = Notification.objects.values_list("payload", "metadata", "idempotency_key")
    text = json.dumps([incident.description, incident.evidence, incident.evidence_key, list(rows)])
    for secret in ("203.0.113.7", "198.51.100.1", "203.0.1.1", "cookie-1"):
        assert secret not in text


@each_rule
def test_the_same_evidence_never_opens_a_second(rule: str) -> None:
    MAKE[rule]()
    detect_and_succeed()
    keys = opened()
    messages = Notification.objects.count()
    # Repeated, overlapping, the next one, and one for a past slot.
    for now in (NOW, NOW + 3 * MINUTE, NOW + HOUR, NOW - MINUTE):
        assert detect(now).changed == {}
    JobRun.objects.all().delete()
    assert detect(NOW + 2 * HOUR).changed == {}, "all of a day is read again"
    assert opened() == keys
    assert Notification.objects.count() == messages


def test_all_rules_are_found_in_one_run() -> None:
    for make in MAKE.values():
        make()
    assert detect().changed == {"incidents opened": 6}
    assert SecurityIncident.objects.values("incident_type").distinct().count() == 6


# ── Windows ─────────────────────────────────────────────────────────────────────────────────────────────
def test_a_burst_across_two_runs_is_found_by_the_second() -> None:
    detect_and_succeed(NOW - HOUR)
    refusals(10, at=NOW - MINUTE, actor_id="staff:8", apart=15)
    assert detect_and_succeed().changed == {}
    assert detect(NOW + HOUR).changed == {"incidents opened": 1}


def test_a_burst_may_have_begun_before_the_window(settings: Any) -> None:
    settings.AUDIT_ANOMALIES = {"LATE": dt.timedelta(seconds=1)}
    detect_and_succeed()
    refusals(10, at=NOW - 2 * MINUTE, actor_id="staff:8", apart=15)
    assert detect(NOW + HOUR).changed == {"incidents opened": 1}


def test_a_burst_that_a_run_cuts_in_two_is_one_incident() -> None:
    refusals(16, at=NOW - 3 * MINUTE, actor_id="staff:8", apart=15)  # the last one 45 s after the run
    assert detect_and_succeed().changed == {"incidents opened": 1}
    assert detect(NOW + HOUR).changed == {}


def test_an_attack_that_goes_on_is_told_again_with_new_evidence() -> None:
    refusals(90, at=NOW - 10 * MINUTE, actor_id="staff:8", apart=60)
    detect_and_succeed()
    detect(NOW + HOUR)
    first, second = SecurityIncident.objects.order_by("detected_at")
    assert not set(first.evidence["events"]) & set(second.evidence["events"])
    assert first.evidence["last_at"] < second.evidence["first_at"]


def test_a_late_run_reads_from_the_last_success_and_a_day_at_most() -> None:
    detect_and_succeed(NOW - 6 * HOUR)
    secret_read(actor_id="in-between", occurred_at=NOW - 5 * HOUR)
    secret_read(actor_id="came-late", occurred_at=NOW - 6 * HOUR - 14 * MINUTE)
    secret_read(actor_id="long-ago", occurred_at=NOW - 7 * HOUR)
    detect()
    assert {key.split(":")[1] for key in opened()} == {"in-between", "came-late"}
    JobRun.objects.update(moment=NOW - 30 * DAY)
    secret_read(actor_id="yesterday", occurred_at=NOW - 23 * HOUR)
    secret_read(actor_id="before", occurred_at=NOW - 25 * HOUR)
    detect()
    assert {key.split(":")[1] for key in opened()} == {"in-between", "came-late", "long-ago", "yesterday"}


def test_a_failed_run_is_made_up_for() -> None:
    detect_and_succeed(NOW - 3 * HOUR)
    JobRun.objects.create(
        job_name="audit_anomaly_detector",
        moment=NOW - HOUR,
        started_at=NOW - HOUR,
        finished_at=NOW - HOUR,
        status="failed",
        error_message="x",
        trigger="schedule",
        lease_until=NOW,
    )
    secret_read(occurred_at=NOW - 2 * HOUR)
    assert detect().changed == {"incidents opened": 1}


def test_what_happens_after_now_is_the_next_runs() -> None:
    secret_read(occurred_at=NOW + dt.timedelta(seconds=1))
    assert detect().changed == {}


@pytest.mark.parametrize(("hour", "count"), [(5, 2), (4, 1)])
def test_an_hour_that_the_clock_shows_twice_is_two_hours(hour: int, count: int) -> None:
    # 2026-11-01: 01:30 comes at 04:30Z and again at 05:30Z in Moncton. The keys are in UTC.
    night = dt.datetime(2026, 11, 1, hour, 30, tzinfo=dt.UTC)
    for at in (dt.datetime(2026, 11, 1, 4, 30, tzinfo=dt.UTC), night):
        AuditEventFactory.create(event_type="access.privilege_changed", occurred_at=at)
    detect(night + HOUR)
    assert len(opened()) == count


def test_the_spring_night_without_its_hour_loses_no_event() -> None:
    # 2026-03-08: 02:00 becomes 03:00 at 06:00Z in Moncton.
    for minute in (-30, 30):
        at = dt.datetime(2026, 3, 8, 6, tzinfo=dt.UTC) + minute * MINUTE
        AuditEventFactory.create(event_type="access.privilege_changed", occurred_at=at)
    detect(dt.datetime(2026, 3, 8, 7, 5, tzinfo=dt.UTC))
    assert len(opened()) == 2


# ── Baselines ───────────────────────────────────────────────────────────────────────────────────────────
def test_exports_are_compared_with_the_actors_own_thirty_days() -> None:
    for actor, usual in (("staff:small", 400), ("staff:big", 50_000)):
        for day in range(3, 8):
            export(usual, at=NOW - day * DAY, actor_id=actor)
        export(1, at=NOW - 32 * DAY, actor_id=actor)
        export(9000, actor_id=actor)
    detect()
    incident = SecurityIncident.objects.get()
    assert incident.evidence["actor"] == "staff:small"
    assert (incident.evidence["usual"], incident.evidence["limit"], incident.evidence["baseline_hours"]) == (
        400,
        2000,
        5,
    )
    assert incident.description == "9,000 rows were exported within an hour, where 400 are usual"


def test_one_large_export_in_small_pieces_is_one_large_export() -> None:
    for turn in range(20):
        export(600, at=NOW - 40 * MINUTE + turn * MINUTE)
    detect()
    incident = SecurityIncident.objects.get()
    assert (incident.evidence["rows"], incident.evidence["count"]) == (12_000, 20)


@pytest.mark.parametrize("rows", ["10000", None, True, [1], {"n": 1}, -50_000, 1e-9])
def test_what_is_no_number_of_rows_counts_as_none(rows: Any) -> None:
    export(rows)
    assert detect().found[RULES[3]] == 0


def test_an_absurd_number_is_suspicious_and_breaks_nothing() -> None:
    with connection.cursor() as cursor:
        pk = export().pk
        cursor.execute(
            "UPDATE audit_events SET metadata = %s WHERE id = %s", [f'{{"rows": 1{"0" * 900}}}', pk]
        )
    detect()
    assert SecurityIncident.objects.get().evidence["rows"] == 10**12


def test_systems_use_their_own_words(settings: Any) -> None:
    settings.AUDIT_ANOMALIES = {"SECRET_READ": frozenset({"vault.opened"})}
    secret_read()
    secret_read(event_type="vault.opened")
    assert detect().found["first_secret_read"] == 1


# ── Telling ─────────────────────────────────────────────────────────────────────────────────────────────
def test_many_incidents_of_a_rule_are_one_message_that_leads_to_all() -> None:
    for number in range(5):
        secret_read(actor_id=f"staff:{number}")
    result = detect()
    assert result.changed == {"incidents opened": 5}
    row = Notification.objects.get(channel="email")
    assert row.payload["incidents"] == 5
    assert (
        words(row, "en")
        == "5 incidents of the same kind, such as: a secret was read by somebody who never read one before"
    )
    assert words(row, "fr") == (
        "5 incidents du même genre, par exemple : un secret a été lu par une personne qui n’en avait jamais lu"
    )
    assert row.payload["detail_url"].endswith("/admin/rentals/securityincident/?q=first_secret_read")


def exported_with_a_past() -> None:
    for day in range(3, 8):
        export(400, at=NOW - day * DAY)
    export(1, at=NOW - 32 * DAY)
    export(12_000)


def changed_twice() -> None:
    night_change()
    night_change()


@pytest.mark.parametrize(
    ("make", "english", "french"),
    [
        (
            address_burst,
            "20 failed logins from one address of the network 203.0.113.0/24 within 4 min",
            "20 connexions refusées depuis une même adresse du réseau 203.0.113.0/24 en 4 min",
        ),
        (
            account_burst,
            "10 failed logins of one account within 2 min",
            "10 connexions refusées à un même compte en 2 min",
        ),
        (
            night_change,
            "rights were changed outside working hours",
            "des droits ont été modifiés en dehors des heures de travail",
        ),
        (
            changed_twice,
            "rights were changed 2 times outside working hours",
            "des droits ont été modifiés 2 fois en dehors des heures de travail",
        ),
        (
            export,
            "10 000 rows were exported within an hour, where there is no usual number yet",
            "10 000 lignes ont été exportées en une heure, sans habitude connue à ce jour",
        ),
        (
            exported_with_a_past,
            "12 000 rows were exported within an hour, where 400 are usual",
            "12 000 lignes ont été exportées en une heure, contre 400 d’habitude",
        ),
        (
            moved_session,
            "one session was used from 2 networks within minutes",
            "une même session a servi depuis 2 réseaux en quelques minutes",
        ),
        (
            secret_read,
            "a secret was read by somebody who never read one before",
            "un secret a été lu par une personne qui n’en avait jamais lu",
        ),
    ],
)
def test_what_happened_is_worded_in_the_readers_language(
    make: Callable[[], object], english: str, french: str
) -> None:
    make()
    detect()
    row = Notification.objects.get(channel="email")
    assert (words(row, "en"), words(row, "fr")) == (english, french)


def words(row: Notification, locale: str) -> str:
    """What the e-mail's subject says has happened."""
    context = sample_context([], category=row.category) | row.payload
    context |= {name: None for name in FACTS if name not in context}
    _, parts = compiled(row.template_version_id).render(channel="email", locale=locale, context=context)
    return parts["subject"].partition({"en": "alert: ", "fr": "sécurité : "}[locale])[2]


def test_a_critical_one_goes_out_on_every_channel() -> None:
    moved_session()
    detect()
    assert SecurityIncident.objects.get().severity == "critical"
    assert {row.channel for row in Notification.objects.all()} == {"email", "sms", "push", "inapp"}


def test_an_empty_centre_costs_no_evidence(centre: Any, caplog: pytest.LogCaptureFixture) -> None:
    centre.groups.clear()
    secret_read()
    assert detect().changed == {"incidents opened": 1}
    assert "security.nobody_told rule=first_secret_read" in caplog.text


# ── Half-way, at once, rehearsed ────────────────────────────────────────────────────────────────────────
def test_a_failure_half_way_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for make in MAKE.values():
        make()

    def fail(*_args: Any) -> Any:
        raise RuntimeError("no more")

    monkeypatch.setattr(sessions, "in_two_networks", fail)
    assert CATALOG["audit_anomaly_detector"].atomic
    with pytest.raises(RuntimeError), transaction.atomic():
        detect()
    assert not SecurityIncident.objects.exists()
    monkeypatch.undo()
    assert detect().changed == {"incidents opened": 6}


@pytest.mark.django_db(transaction=True)
def test_two_runs_at_once_open_and_tell_once() -> None:
    secret_read()
    moved_session()
    start, results = threading.Barrier(2), []

    def one() -> None:
        try:
            with transaction.atomic():
                start.wait(timeout=10)
                results.append(detect())
        finally:
            connection.close()

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert sorted(sum(result.changed.values()) for result in results) == [0, 2]
    assert Notification.objects.filter(channel="email").count() == 2


@pytest.mark.django_db(transaction=True)
def test_a_dry_run_shows_its_rows_and_leaves_none() -> None:
    secret_read()
    report = run("audit_anomaly_detector", now=NOW, trigger="command", dry_run=True)
    assert report.status == "success", report.error
    assert report.row_counts == {"security_incidents": {"insert": 1}}
    assert report.message_count == 2
    assert not SecurityIncident.objects.exists()
    assert not Notification.objects.exists()


# ── Cost ────────────────────────────────────────────────────────────────────────────────────────────────
TRAIL = """
INSERT INTO audit_events (event_type, actor_id, actor_role, resource_type, resource_id, action, severity, metadata,
        user_agent, session_id, occurred_at, ip_address)
    SELECT (ARRAY['auth.login', 'auth.login_failed', 'data.export', 'secret.read', 'access.privilege_changed'])[1 + n %% 5],
        'staff:' || n %% 211, '', '', '', '', 'low', '{"rows": 10}', '', 'session-' || n / 7,
        %s::timestamptz - n * interval '20 seconds', '203.0.113.7'::inet + n %% 40
    FROM generate_series(1, 120000) AS n;
"""


def test_a_run_reads_its_window_and_no_more_of_a_long_trail() -> None:
    with connection.cursor() as cursor:
        cursor.execute(TRAIL, [NOW])
        cursor.execute("ANALYZE audit_events")
    detect_and_succeed(NOW - HOUR)
    for make in MAKE.values():
        make()
    with explained("audit_events") as plans:
        assert sum(detect().changed.values()) == 4
    assert len(plans) == 7  # a rule each, and the baseline of the exports
    faults = [str(plan) for plan in plans if plan.whole_tables or plan.blocks > 1500]
    assert faults == [], "\n".join(faults)
    read = {index for plan in plans for index in plan.indexes}
    assert read == {"audit_events_latest", "audit_events_of_actor"}


def test_the_number_of_statements_does_not_grow_with_the_findings(django_assert_max_num_queries: Any) -> None:
    for number in range(30):
        secret_read(actor_id=f"staff:{number}")
    with django_assert_max_num_queries(40):
        assert detect().changed == {"incidents opened": 30}
