"""What a long time leaves behind, made by the database itself: in, how many messages; out, rows of every table that pages read.

Messages, their attempts and reports, what left the queue, consents, runs and entries of the audit log grow with it; what is due
and in flight now does not. Ids are of version 7, in the order of their making, as ours are.
"""

import datetime as dt
import io
from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection

from templates_app.models import NotificationTemplate

CHUNK = 250_000
TABLES = (
    "notification_queue", "notification_history", "delivery_attempts", "provider_events", "customer_consent", "suppressions",
    "job_runs", "django_admin_log", "notifications",
)  # fmt: skip
# Per message: 93 of 100 sent, 5 failed, 2 withheld; one in 1,000 of a template that is hardly used.
_ID = """CROSS JOIN LATERAL (
    SELECT overlay(overlay(to_hex((EXTRACT(epoch FROM due) * 1000)::bigint + (1::bigint << 48)) || md5({salt} || n)
        PLACING '7' FROM 14) PLACING '8' FROM 18) AS text) AS hex
CROSS JOIN LATERAL (SELECT substr(hex.text, 2, 32)::uuid AS id) AS named"""
ENDED = f"""
INSERT INTO notification_queue (id, channel, "to", recipient_key, category, template_id, template_version, status, attempts,
    priority, created_at, scheduled_at, last_attempt_at, error, idempotency_key, metadata, payload, feedback, feedback_at)
SELECT id, (ARRAY['email', 'email', 'sms', 'push', 'inapp'])[1 + n %% 5], jsonb_build_object('customer_id', n / 20),
    'customer:' || n / 20, (ARRAY['reminder', 'transactional', 'reminder', 'marketing'])[1 + n %% 4],
    (%(templates)s::uuid[])[at], (%(versions)s::uuid[])[at], state, (state <> 'cancelled')::int, 2, due, due,
    CASE WHEN state <> 'cancelled' THEN due END,
    CASE WHEN state = 'failed' THEN (ARRAY['550: no such box', '429: slow down', 'outcome_unknown: timeout'])[1 + n %% 3] END,
    'booking_reminders:pickup:' || n,
    jsonb_build_object('origin', jsonb_build_object('job', 'booking_reminders', 'run', md5('run' || n / 500)::uuid)) ||
    CASE state WHEN 'sent' THEN jsonb_build_object('sent_at', due)
        WHEN 'cancelled' THEN jsonb_build_object('withheld', jsonb_build_object('stage', 'enqueue', 'rule', 'consent.revoked',
            'reason', 'Switched off.', 'at', due)) ELSE '{{}}' END,
    '{{"equipment": "CAT 320", "booking_number": "B-2026-0412"}}',
    CASE WHEN state = 'sent' AND n %% 4 = 0 THEN CASE WHEN n %% 400 = 0 THEN 'bounced' ELSE 'delivered' END END,
    CASE WHEN state = 'sent' AND n %% 4 = 0 THEN due END
FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n
CROSS JOIN LATERAL (SELECT %(now)s - interval '1 hour' - n * interval '1 second' AS due,
    CASE WHEN n %% 100 < 5 THEN 'failed' WHEN n %% 100 < 7 THEN 'cancelled' ELSE 'sent' END AS state,
    CASE WHEN n %% 1000 = 7 THEN 1 ELSE 2 + n %% 3 END AS at) AS made
{_ID.format(salt="'q'")}
"""
PAST = f"""
INSERT INTO notification_history (id, channel, category, priority, template_name, status, attempts, error, idempotency_key,
    recipient_index, provider_reference, facts, tries, scheduled_at, last_attempt_at, created_at, finished_at)
SELECT id, (ARRAY['email', 'sms', 'push', 'inapp'])[1 + n %% 4], 'reminder', 2, 'booking.pickup_today', state,
    1, CASE WHEN state = 'failed' THEN '550: no such box' END, 'past:' || n, md5('index' || n / 20), 'past-' || n,
    CASE WHEN state = 'cancelled' THEN '{{"withheld": {{"rule": "expired", "reason": "Too late.", "stage": "delivery", "at": "2026-01-01T00:00:00+00:00"}}}}' ELSE '{{}}' END::jsonb,
    '[]', due, due, due, due
FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n
CROSS JOIN LATERAL (SELECT now() - interval '60 days' - n * interval '1 second' AS due,
    CASE WHEN n %% 100 < 5 THEN 'failed' WHEN n %% 100 < 7 THEN 'cancelled' ELSE 'sent' END AS state) AS made
{_ID.format(salt="'h'")}
"""
ATTEMPTS = f"""
INSERT INTO delivery_attempts (notification_id, number, provider, outcome, provider_code, provider_reference, started_at,
    finished_at, error)
SELECT id, 1, 'sendgrid', CASE WHEN n %% 100 < 5 THEN 'permanent' ELSE 'sent' END, '', 'ref-' || n, due,
    due + interval '80 ms', ''
FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n
CROSS JOIN LATERAL (SELECT %(now)s - interval '1 hour' - n * interval '1 second' AS due) AS made
{_ID.format(salt="'q'")}
WHERE n %% 100 NOT BETWEEN 5 AND 6
"""
EVENTS = f"""
INSERT INTO provider_events (provider, event_id, event_type, notification_id, occurred_at, received_at, applied_at, outcome)
SELECT 'sendgrid', 'event-' || n, CASE WHEN n %% 400 = 0 THEN 'bounced' ELSE 'delivered' END, id, due, due, due, 'noted'
FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n
CROSS JOIN LATERAL (SELECT %(now)s - interval '1 hour' - n * interval '1 second' AS due) AS made
{_ID.format(salt="'q'")}
WHERE n %% 4 = 0
"""
CONSENTS = """
INSERT INTO customer_consent (id, customer_id, channel, category, enabled, granted_at, source)
SELECT gen_random_uuid(), n::text, 'email', 'marketing', true, now(), 'admin'
FROM generate_series(%(first)s::bigint / 20, %(last)s::bigint / 20) AS n ON CONFLICT DO NOTHING
"""
SUPPRESSIONS = """
INSERT INTO suppressions (id, address_hmac, address_hint, channel, scope, reason, note, lifted_by, lift_reason)
SELECT gen_random_uuid(), md5('address' || n), 'm•••', 'email', 'all', 'hard_bounce', '', '', ''
FROM generate_series(%(first)s::bigint / 50, %(last)s::bigint / 50) AS n ON CONFLICT DO NOTHING
"""
RUNS = """
INSERT INTO job_runs (id, job_name, started_at, finished_at, status, moment, trigger, actor, summary, lease_until)
SELECT md5('run' || n)::uuid, (ARRAY['booking_reminders', 'sla_monitor', 'installment_reminders'])[1 + n %% 3], at - interval '500 seconds', at, 'success', at, 'command', '', '{}', at
FROM generate_series(%(first)s::bigint / 500, %(last)s::bigint / 500) AS n
CROSS JOIN LATERAL (SELECT now() - interval '1 hour' - n * interval '500 seconds' AS at) AS made ON CONFLICT DO NOTHING
"""
ENTRIES = """
INSERT INTO django_admin_log (action_time, user_id, content_type_id, object_id, object_repr, action_flag, change_message)
SELECT now() - n * interval '10 seconds', %(user)s, t.id, n::text, 'email ' || n, 2, 'replay (1 of 1): The provider is up'
FROM generate_series(%(first)s::bigint / 10, %(last)s::bigint / 10) AS n
CROSS JOIN (SELECT id FROM django_content_type WHERE app_label = 'notifications' AND model = 'notification') AS t
"""
INBOX = """
INSERT INTO notifications (user_id, category, priority, title, message, action_url, cta_label, created_at)
SELECT 'customer:' || n / 20, 'reminder', 2, 'A', 'B', '', '', now() - n * interval '1 second'
FROM generate_series(%(first)s::bigint / 10, %(last)s::bigint / 10) AS n
"""
NOW = """
INSERT INTO notification_queue (channel, "to", recipient_key, category, status, attempts, priority, created_at, scheduled_at,
    last_attempt_at, lease_token, lease_until, idempotency_key)
SELECT CASE WHEN n %% 2 = 0 THEN 'email' ELSE 'sms' END, jsonb_build_object('customer_id', n), 'customer:' || n, 'marketing',
    state, (state <> 'queued')::int, n %% 4, now() - n * interval '1 second',
    now() + CASE WHEN n > 2000 AND n <= 3000 THEN interval '1 day' ELSE '-10 minutes' END,
    CASE WHEN state <> 'queued' THEN now() END, CASE WHEN state <> 'queued' THEN gen_random_uuid() END,
    CASE WHEN state <> 'queued' THEN now() + interval '1 hour' END, 'now:' || n
FROM generate_series(1, 3060) AS n
CROSS JOIN LATERAL (SELECT CASE WHEN n <= 3000 THEN 'queued' ELSE 'processing' END AS state) AS made
"""


def begin() -> None:
    """The templates, and what is going on now."""
    call_command("load_templates", verbosity=0, stdout=io.StringIO())
    _run(NOW, {})


def grow(first: int, last: int, *, user: User, now: dt.datetime) -> None:
    """Messages number `first` to `last`, the higher the older, with all indexes in place; statistics as autovacuum leaves them."""
    known = NotificationTemplate.objects.filter(name__startswith="booking.").order_by("name")
    pairs = list(known.values_list("pk", "published_version_id")[:4])
    for start in range(first, last + 1, CHUNK):
        given = {
            "first": start,
            "last": min(start + CHUNK - 1, last),
            "user": user.pk,
            "now": now,
            "templates": [str(pk) for pk, _ in pairs],
            "versions": [str(version) for _, version in pairs],
        }
        for sql in (ENDED, PAST, ATTEMPTS, EVENTS, CONSENTS, SUPPRESSIONS, RUNS, ENTRIES, INBOX):
            _run(sql, given)
    with connection.cursor() as cursor:
        cursor.execute(f"VACUUM (ANALYZE) {', '.join(TABLES)}")


def _run(sql: str, given: Mapping[str, Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, given)
