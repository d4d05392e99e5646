"""What staff should look at, from the view of candidates: in, `now`; out, one open alert a matter, and word of it to a group.

A warning goes to the inbox, what is critical also by e-mail and push; info to nobody. What staff heard of an alert stands
in its `told_severity`: one that grows graver is told again, once, and one that falls and rises is not. Of a ticket that is
late the leads hear from sla_monitor, on these channels and to the ticket itself; it is not said twice. Of many that are
new at once (a first run, a broken feed) a message tells how many.
"""

import datetime as dt
import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, F
from django.db.models.functions import Now

from consent.directory import directory
from jobs.links import admin_page
from jobs.spec import JobResult, Progress
from jobs.telling import Telling, once
from notifications.message import NotifyRequest, Staff
from rentals.candidates import TYPES, take_candidates
from rentals.models import Alert
from rentals.sla_alerts import take_as_told
from rentals.subjects import subjects

logger = logging.getLogger(__name__)

NAME = "generate_dashboard_alerts"
# Who hears of what. An underused machine (low_utilization) is info, which is told to nobody.
GROUPS: Mapping[str, str] = {
    "overdue_insurance": "operations",
    "booking_conflict": "operations",
    "sla_breach": "support_leads",
    "payout_delay": "finance",
    "payment_failure_spike": "finance",
}
CHANNELS: Mapping[str, Sequence[str]] = {"warning": ("inapp",), "critical": ("inapp", "email", "push")}
# More new ones of a type and severity than this are one message: nobody reads a thousand.
MANY = 20


def run(*, now: dt.datetime, progress: Progress) -> JobResult:
    """Take over the candidates as they are at `now`, and tell of what is news.

    A second run at the same moment waits in `take_candidates` for the end of this one, and then finds all of it told.
    """
    taken = take_candidates(now=now)
    telling = Telling(now=now, progress=progress, total=sum(taken.candidates.values()))
    for type_, count in taken.candidates.items():
        telling.found(type_, count)
    telling.changed("alerts opened", taken.opened)
    telling.changed("alerts updated", taken.updated)
    telling.changed("alerts resolved", taken.resolved)
    if told := take_as_told():
        telling.found("told by sla_monitor", told)
    _tell_untold(telling)
    return telling.result(TYPES)


def _tell_untold(telling: Telling) -> None:
    """Tell of alerts that are news, a few by themselves and many as a number. One query where there is none."""
    untold = Alert.objects.untold(types=GROUPS)
    kinds = untold.order_by("type", "severity").values("type", "severity").annotate(count=Count("pk"))
    requests: list[NotifyRequest] = []
    for kind in kinds:
        group = GROUPS[kind["type"]]
        members = directory().group(group)
        if not members:
            logger.warning("alerts.untold type=%s count=%d group=%s", kind["type"], kind["count"], group)
            telling.found(f"told to nobody: {group} is empty", kind["count"])
            continue
        news = untold.filter(type=kind["type"], severity=kind["severity"])
        first = list(news.order_by("detected_at", "pk")[: MANY + 1])
        told = news.update(told_severity=F("severity"), updated_at=Now())
        is_many = len(first) > MANY
        requests += _one_for_all(first[0], told, members) if is_many else _one_each(first, members)
    telling.tell(requests)


def _one_each(alerts: Sequence[Alert], members: Collection[str]) -> Iterator[NotifyRequest]:
    values = subjects(alerts)
    for alert in alerts:
        if alert.pk in values:
            payload = {
                **values[alert.pk],
                "critical": alert.severity == "critical",
                "alert_url": admin_page("rentals_alert_change", alert.pk),
            }
            for member in members:
                key = once(NAME, alert.severity, alert.pk, member)
                yield _request(f"alert.{alert.type}", alert, member, key, payload, alert_id=str(alert.pk))


def _one_for_all(first: Alert, count: int, members: Collection[str]) -> Iterator[NotifyRequest]:
    unresolved = urlencode({"q": first.type, "status__exact": "open"})
    payload = {
        "count": count,
        "critical": first.severity == "critical",
        **{type_: type_ == first.type for type_ in GROUPS},
        "alerts_url": f"{admin_page('rentals_alert_changelist')}?{unresolved}",
    }
    for member in members:
        # Named by the first of them, which stands in no other message of this severity.
        key = once(NAME, first.severity, "many", first.pk, member)
        yield _request("alert.many", first, member, key, payload, alert_type=first.type)


def _request(
    template: str, alert: Alert, member: str, key: str, payload: Mapping[str, Any], **about: str
) -> NotifyRequest:
    return NotifyRequest(
        template=template,
        to=Staff(member),
        channel=CHANNELS[alert.severity],
        payload=payload,
        idempotency_key=key,
        # What it speaks of, for whoever asks later whether it still holds.
        metadata={"job": NAME, "severity": alert.severity, **about},
    )
