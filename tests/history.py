"""Years of finished messages, made by the database itself: in, how many; out, tables as long use leaves them.

Recipients, days and failures grow with the history; what is queued, in flight and new today does not.
"""

import hashlib
import uuid
from typing import Any

from django.core.management import call_command
from django.db import connection

from templates_app.models import NotificationTemplate

TABLES = (
    "notification_queue", "delivery_attempts", "notification_history", "customer_consent", "suppressions", "provider_events",
    "unsubscribe_tokens", "api_requests", "notifications",
)  # fmt: skip
MESSAGES_A_RECIPIENT = 20
# The last of these has few messages, and all other templates have none.
TEMPLATES = (
    "booking.delivery_tomorrow",
    "booking.deposit_due",
    "booking.pickup_today",
    "booking.return_today",
)
FINISHED = """
INSERT INTO notification_queue (id, channel, "to", recipient_key, category, template_id, template_version, status, attempts,
    priority, created_at, scheduled_at, last_attempt_at, error, idempotency_key, metadata, payload, feedback, feedback_at)
SELECT md5('message' || n)::uuid, (ARRAY['email', 'sms', 'push', 'inapp'])[1 + n %% 4],
    jsonb_build_object('customer_id', md5('person' || n / %(each)s)::uuid), 'customer:' || md5('person' || n / %(each)s)::uuid,
    CASE WHEN n %% 5 = 0 THEN 'marketing' ELSE 'reminder' END, t.ids[at], t.versions[at], state,
    CASE WHEN state = 'cancelled' THEN 0 ELSE 1 END, 2, due, due, CASE WHEN state <> 'cancelled' THEN due END,
    CASE WHEN state = 'failed' THEN (ARRAY['550: no such box', '429: slow down', 'outcome_unknown: timeout'])[1 + n %% 3] END,
    'history:' || n,
    CASE state WHEN 'sent' THEN jsonb_build_object('sent_at', due)
        WHEN 'cancelled' THEN jsonb_build_object('withheld', jsonb_build_object('stage', 'enqueue',
            'rule', 'consent.revoked', 'reason', 'Switched off.', 'at', due)) ELSE '{}' END, '{"equipment": "CAT 320"}',
    CASE WHEN n %% 4 = 0 AND state = 'sent' THEN CASE WHEN n %% 400 = 0 AND n <= 10000 THEN 'bounced' ELSE 'delivered' END END,
    CASE WHEN n %% 4 = 0 AND state = 'sent' THEN due END
FROM generate_series(%(first)s, %(last)s) AS n
CROSS JOIN LATERAL (SELECT CASE WHEN n %% 20 = 1 THEN 'failed' WHEN n %% 20 = 2 THEN 'cancelled' ELSE 'sent' END AS state,
    now() - interval '2 days' - n * interval '30 seconds' AS due,
    CASE WHEN n %% 2000 = 7 AND n < 10000 THEN 4 ELSE 1 + n %% 3 END AS at) AS made
CROSS JOIN (SELECT %(templates)s::uuid[] AS ids, %(versions)s::uuid[] AS versions) AS t
"""
ATTEMPTS = """
INSERT INTO delivery_attempts (notification_id, number, provider, outcome, provider_code, provider_reference, started_at,
    finished_at, error)
SELECT md5('message' || n)::uuid, 1, 'sendgrid', CASE WHEN n %% 20 = 1 THEN 'permanent' ELSE 'sent' END, '', 'ref-' || n,
    now(), now(), ''
FROM generate_series(%(first)s, %(last)s) AS n WHERE n %% 20 <> 2
"""
# What has left the queue already: of the same people, and of more.
PAST = """
INSERT INTO notification_history (id, channel, category, priority, template_name, status, attempts, idempotency_key,
    recipient_index, provider_reference, facts, tries, scheduled_at, last_attempt_at, created_at, finished_at)
SELECT md5('past' || n)::uuid, (ARRAY['email', 'sms', 'push', 'inapp'])[1 + n %% 4],
    CASE WHEN n %% 5 = 0 THEN 'marketing' ELSE 'reminder' END, 2, 'booking.pickup_today', 'sent', 1, 'past:' || n,
    md5('index' || n / %(each)s), 'past-ref-' || n, '{}', '[]', due, due, due, due
FROM generate_series(%(first)s, %(last)s) AS n
CROSS JOIN LATERAL (SELECT now() - interval '9 days' - n * interval '30 seconds' AS due) AS made
"""
# Links, stored answers and inboxes, of which none is old enough to go.
KEPT = (
    """
    INSERT INTO unsubscribe_tokens (token_sha256, customer_id, channel, category, locale, expires_at)
    SELECT md5('token' || n), '7', 'email', 'reminder', 'en', now() + n * interval '1 minute'
    FROM generate_series(%(first)s, %(last)s) AS n
    """,
    """
    INSERT INTO api_requests (digest, caller, operation, body_digest, status, answer, expires_at)
    SELECT md5('digest' || n), 'x', 'y', 'z', 200, '{}', now() + interval '1 day'
    FROM generate_series(%(first)s, %(last)s) AS n
    """,
    """
    INSERT INTO notifications (user_id, category, priority, title, message, action_url, cta_label, created_at)
    SELECT 'customer:' || n / 20, 'reminder', 2, 'A', 'B', '', '', now() - n * interval '1 second'
    FROM generate_series(%(first)s, %(last)s) AS n
    """,
)
EVENTS = """
INSERT INTO provider_events (provider, event_id, event_type, notification_id, occurred_at, applied_at, outcome)
SELECT 'sendgrid', 'event-' || n, CASE WHEN n %% 400 = 0 AND n <= 10000 THEN 'bounced' WHEN n %% 400 = 4 THEN 'inbound' ELSE 'delivered' END,
    md5('message' || n)::uuid,
    now(), now(), 'noted'
FROM generate_series(%(first)s, %(last)s) AS n WHERE n %% 4 = 0
"""
CONSENT = """
INSERT INTO customer_consent (id, customer_id, channel, category, enabled, granted_at, source)
SELECT gen_random_uuid(), md5('person' || n)::uuid::text, 'email', 'marketing', true, now(), 'admin'
FROM generate_series(%(first)s / 2, %(last)s / 2) AS n ON CONFLICT DO NOTHING
"""
SUPPRESSED = """
INSERT INTO suppressions (id, address_hmac, address_hint, channel, scope, reason, note, lifted_by, lift_reason)
SELECT gen_random_uuid(), md5('address' || n), 'm•••', 'email', 'all', 'hard_bounce', '', '', ''
FROM generate_series(%(first)s / 2, %(last)s / 2) AS n ON CONFLICT DO NOTHING
"""
# 400 that are due, 100 for later, 60 in the hands of workers (20 of those dead), 200 sent today.
LIVE = """
INSERT INTO notification_queue (channel, "to", recipient_key, category, status, attempts, priority, created_at, scheduled_at,
    last_attempt_at, lease_token, lease_until, dispatched_at, idempotency_key, metadata)
SELECT CASE WHEN n %% 2 = 0 THEN 'email' ELSE 'sms' END, '{}', 'customer:' || md5('person' || n)::uuid, 'marketing', state,
    (state <> 'queued')::int, n %% 4, now() - n * interval '1 minute',
    now() + CASE WHEN n > 400 AND n <= 500 THEN interval '1 day' ELSE '-1 hour' END,
    CASE WHEN state <> 'queued' THEN now() END, CASE WHEN state = 'processing' THEN gen_random_uuid() END,
    CASE WHEN state = 'processing' THEN now() + CASE WHEN n > 540 THEN interval '-1 minute' ELSE '1 hour' END END,
    CASE WHEN state = 'processing' AND n > 550 THEN now() END, 'live:' || n,
    CASE WHEN state = 'sent' THEN '{"sent_at": "today"}' ELSE '{}' END::jsonb
FROM generate_series(1, 760) AS n
CROSS JOIN LATERAL (
    SELECT CASE WHEN n <= 500 THEN 'queued' WHEN n <= 560 THEN 'processing' ELSE 'sent' END AS state) AS made
"""


def begin() -> None:
    """The templates, and what is going on now; in new files, since dead rows of other tests would weigh in the plans."""
    end()
    call_command("load_templates", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute(LIVE.replace("%%", "%"))


def grow(first: int, last: int) -> None:
    """Messages number `first` to `last`; the higher, the older. Statistics as autovacuum leaves them."""
    used = NotificationTemplate.objects.filter(name__in=TEMPLATES).order_by("name")
    names = used.values_list("pk", "published_version_id")
    templates, versions = ([str(one) for one in column] for column in zip(*names, strict=True))
    asked: dict[str, Any] = {
        "first": first, "last": last, "each": MESSAGES_A_RECIPIENT, "templates": templates, "versions": versions
    }  # fmt: skip
    with connection.cursor() as cursor:
        for sql in (FINISHED, ATTEMPTS, PAST, EVENTS, CONSENT, SUPPRESSED, *KEPT):
            cursor.execute(sql, asked)
        for table in TABLES:
            # Statistics of every row, not of a sample: the plans must not depend on chance.
            cursor.execute("SET default_statistics_target = 10000")
            cursor.execute(f"VACUUM (ANALYZE) {table}")
            cursor.execute("RESET default_statistics_target")


def end() -> None:
    """Nothing is left of it."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"TRUNCATE {', '.join(TABLES)}, notification_templates, notification_template_partials CASCADE"
        )
        for table in TABLES:
            # Statistics of every row, not of a sample: the plans must not depend on chance.
            cursor.execute("SET default_statistics_target = 10000")
            cursor.execute(f"VACUUM (ANALYZE) {table}")
            cursor.execute("RESET default_statistics_target")


def message(number: int) -> uuid.UUID:
    return _named("message", number)


def person(number: int) -> uuid.UUID:
    return _named("person", number)


def _named(what: str, number: int) -> uuid.UUID:
    """As md5(…)::uuid above."""
    return uuid.UUID(hashlib.md5(f"{what}{number}".encode(), usedforsecurity=False).hexdigest())
