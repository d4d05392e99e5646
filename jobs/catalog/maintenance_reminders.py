"""What the workshop should look at: in, `now`; out, maintenance alerts, the machines' states, and word to the workshop.

New alerts of a run stand in one list, since a workshop plans its day, not a machine; it stays silent on a day without
news. A message of its own comes only for a machine that is overdue while a customer has it: somebody must call them.
So each alert is told once in a list, and once more at most, if it comes to that.
"""

import datetime as dt
from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models.functions import Now

from jobs.audience import members
from jobs.links import admin_page
from jobs.spec import JobResult, Progress
from jobs.telling import PAGE, Telling, once, pages
from notifications.message import Group, NotifyRequest
from rentals.maintenance import News, Opened, judge, open_new, resolve, set_states
from rentals.models import MaintenanceAlert

NAME = "maintenance_reminders"
WORKSHOP = Group("workshop")
# What somebody reads over a coffee; the rest is counted, and stands behind the link.
LISTED = 50


def run(*, now: dt.datetime, progress: Progress) -> JobResult:
    """Resolve what was serviced, open what is new, and say so."""
    telling = Telling(now=now, progress=progress)
    judge(now=now)
    telling.changed("alerts resolved", resolve(now=now))
    opened = open_new(now=now, limit=LISTED)
    telling.changed("alerts opened", opened.total)
    for state, count in sorted(set_states().items()):
        telling.changed(f"machines now {state}", count)
    for kind, count in opened.counts.items():
        telling.found(kind, count)
    # Alerts and states stand also where there is nobody to hear of them.
    if members(WORKSHOP, job=NAME):
        if opened.total:
            telling.tell([_list(opened, now=now)])
        _tell_overdue(telling, now)
    return telling.result((*opened.counts, "overdue_and_out"))


def _tell_overdue(telling: Telling, now: dt.datetime) -> None:
    """What was told is not asked for again: hundreds of machines are out for weeks, and each has as many messages as the
    workshop has people and channels."""
    out = MaintenanceAlert.objects.overdue_and_out(now=now).select_related("equipment")
    for page in pages(out.iterator(chunk_size=PAGE)):
        telling.tell(_overdue(alert) for alert in page)
        told = MaintenanceAlert.objects.filter(pk__in=[alert.pk for alert in page])
        told.update(told_out_at=now, updated_at=Now())
        telling.found("overdue_and_out", len(page))


def _list(opened: Opened, *, now: dt.datetime) -> NotifyRequest:
    left = opened.total - len(opened.first)
    return NotifyRequest(
        template="maintenance.worklist",
        to=WORKSHOP,
        channel=("email", "inapp"),
        payload={
            "count": opened.total,
            "overdue": _lines(opened.first, "overdue"),
            "faults": _lines(opened.first, "fault"),
            "due": _lines(opened.first, "due"),
            **({"more": left} if left else {}),
            "alerts_url": admin_page("rentals_maintenancealert_changelist") + "?resolved_at__isempty=1",
        },
        # An alert is new once, so any of them names the list that it stands in.
        idempotency_key=once(NAME, "list", opened.first[0].id, _local_date(now)),
        # A list that was cut says more than its alerts, and holds whatever became of them.
        metadata={"job": NAME, "alert_ids": [] if left else [str(alert.id) for alert in opened.first]},
    )


def _overdue(alert: MaintenanceAlert) -> NotifyRequest:
    return NotifyRequest(
        template="maintenance.overdue_and_out",
        to=WORKSHOP,
        channel=("email", "push", "inapp"),
        payload={
            "unit": alert.equipment.unit_id,
            "machine": alert.equipment.label,
            "limit": _limit(alert),
            "equipment_url": admin_page("rentals_equipment_change", alert.equipment_id),
        },
        idempotency_key=once(NAME, "overdue", alert.pk),
        metadata={"job": NAME, "alert_ids": [str(alert.pk)], "while_out": str(alert.equipment_id)},
    )


def _lines(news: Sequence[News], urgency: str) -> list[dict[str, Any]]:
    return [
        {"unit": alert.unit_id, "machine": alert.label, "limit": _limit(alert)}
        for alert in news
        if alert.urgency == urgency
    ]


def _limit(alert: News | MaintenanceAlert) -> str:
    """The date, the hours or the code, written as any language of the workshop reads it."""
    if alert.due_at is not None:
        return _local_date(alert.due_at)
    return alert.fault_code or f"{alert.threshold_value:.0f} h"


def _local_date(moment: dt.datetime) -> str:
    return moment.astimezone(ZoneInfo(settings.TIME_ZONE)).date().isoformat()
