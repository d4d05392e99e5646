"""How many readers call us spam: in, reports; out, a count a sending domain and day, a warning, and marketing that stops.

A complaint counts for the day on which its message was sent, so that the rate of a day is of that day's messages, and its
two figures do not depend on the order in which reports come. Gmail wants less than 0.10 %, and never 0.30 % (Yahoo the same).
"""

import datetime as dt
import logging
import uuid
from collections import Counter
from collections.abc import Iterable, Sequence
from email.utils import parseaddr
from typing import Protocol

from django.conf import settings
from django.db import connection
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from consent.arrays import array
from notifications.category_stop import stop
from notifications.channel_state import MACHINE
from notifications.conf import conf
from notifications.enqueue import notify
from notifications.errors import EnqueueError
from notifications.message import Group
from notifications.models import Feedback, ProviderEvent, SendingDay
from notifications.origin import origin

logger = logging.getLogger(__name__)

COUNTED = (Feedback.DELIVERED.value, Feedback.COMPLAINED.value)
# A provider may report the same thing under two ids, which no unique key sees: a message counts once.
KNOWN = """
SELECT DISTINCT notification_id, event_type FROM provider_events
WHERE notification_id = ANY(%s::uuid[]) AND event_type = ANY(%s::text[]) AND applied_at IS NOT NULL
"""
ADD = """
INSERT INTO sending_days AS d (domain, day, delivered, complained)
SELECT * FROM unnest(%s::text[], %s::date[], %s::int[], %s::int[]) AS v(domain, day, delivered, complained)
ORDER BY v.day
ON CONFLICT (day, domain) DO UPDATE
SET delivered = d.delivered + EXCLUDED.delivered, complained = d.complained + EXCLUDED.complained
RETURNING *
"""
Day = tuple[uuid.UUID, str]


class Sent(Protocol):
    @property
    def sent_at(self) -> dt.datetime | None: ...


class Reported(Protocol):
    """An event, and its message, if it is one of ours."""

    @property
    def event(self) -> ProviderEvent: ...
    @property
    def told(self) -> Sent | None: ...


def count(heard: Iterable[Reported], *, now: dt.datetime) -> None:
    """Add what these events report to the days that their messages were sent on, and act where a day got too bad.

    The caller holds the messages' locks, and marks the events as applied in the same transaction.
    """
    found: dict[Day, dt.datetime] = {}
    for one in heard:
        event, told = one.event, one.told
        if event.provider == "sendgrid" and told and event.notification_id and event.event_type in COUNTED:
            found.setdefault((event.notification_id, event.event_type), told.sent_at or event.occurred_at)
    if not found:
        return
    for row in _add(found):
        _judge(row, now=now)


def sending_domain() -> str:
    """The domain of the address that we write from."""
    return parseaddr(settings.EMAIL_FROM)[1].rpartition("@")[2].lower()


def _add(found: dict[Day, dt.datetime]) -> list[SendingDay]:
    with connection.cursor() as cursor:
        cursor.execute(KNOWN, [array({one for one, _ in found}), array(COUNTED)])
        known = set(cursor.fetchall())
    # The business's days, in whatever zone a person reads who has a report applied again.
    here = timezone.get_default_timezone()
    counts: Counter[tuple[dt.date, str]] = Counter(
        (at.astimezone(here).date(), word) for (one, word), at in found.items() if (one, word) not in known
    )
    days = sorted({day for day, _ in counts})
    if not days:
        return []
    columns: Sequence[Sequence[object]] = (
        [sending_domain()] * len(days),
        days,
        *([counts[day, word] for day in days] for word in COUNTED),
    )
    return list(SendingDay.objects.raw(ADD, [array(column) for column in columns]))


def _judge(row: SendingDay, *, now: dt.datetime) -> None:
    policy = conf().complaints
    if not policy.is_enough(delivered=row.delivered, complained=row.complained):
        return
    share = f"{row.complained} of {row.delivered} e-mails that {row.domain} sent on {row.day} were reported as spam"
    if row.rate >= policy.stop_at and row.stopped_at is None:
        reason = f"{share} ({row.rate:.2%}; the limit is {policy.stop_at:.2%})."
        stop(channel="email", category="marketing", reason=reason, by=MACHINE)
        logger.warning("complaints.stopped domain=%s day=%s rate=%.5f", row.domain, row.day, row.rate)
        if _tell(row, stopped=True, now=now):
            row.warned_at = row.warned_at or now
        row.stopped_at = now
    elif row.rate >= policy.warn_at and row.warned_at is None:
        logger.warning("complaints.high domain=%s day=%s rate=%.5f", row.domain, row.day, row.rate)
        if not _tell(row, stopped=False, now=now):
            return
        row.warned_at = now
    else:
        return
    row.save(update_fields=["warned_at", "stopped_at"])


def _tell(row: SendingDay, *, stopped: bool, now: dt.datetime) -> bool:
    """Queue the alert, once a day and kind. What cannot be told must not keep the reports from being applied."""
    try:
        with origin(watch="complaints"):
            notify(
                "system.complaint_rate",
                to=Group(conf().alert_group),
                channel=("email", "inapp"),
                payload={
                    "domain": row.domain,
                    "sent_on": row.day.isoformat(),
                    "rate": f"{row.rate:.2%}",
                    "complained": str(row.complained),
                    "delivered": str(row.delivered),
                    "is_stopped": stopped,
                    "channels_url": _channels_url(),
                },
                idempotency_key=f"complaints:{row.domain}:{row.day}:{'stopped' if stopped else 'high'}",
                now=now,
            )
    except EnqueueError as error:
        logger.error("complaints.untold domain=%s day=%s error=%s", row.domain, row.day, error.code)
        return False
    return True


def _channels_url() -> str:
    try:
        path = reverse("admin:notifications_channelstate_changelist")
    except NoReverseMatch:
        path = "/"
    return f"{settings.PUBLIC_URL}{path}"
