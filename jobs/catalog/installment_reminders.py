"""Instalments due and overdue: in, `now`; out, a reminder at each milestone, alerts that grow with the debt, finance's digest.

Once, because a row remembers the milestone that was told last, and the key names it with the due date:
`installment_reminders:overdue:<id>:<due date>`. An instalment that was postponed is spoken of again.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from jobs.audience import members
from jobs.links import admin_page, customer_page
from jobs.spec import JobResult, Progress
from jobs.telling import PAGE, Telling, once, pages
from notifications.message import Group, NotifyRequest
from rentals.models import Booking, InstallmentSchedule
from rentals.overdue import mark_overdue, postpone, raise_alerts, reopen_graver, resolve_settled
from rentals.overdue_news import News, take_news
from rentals.querysets.installments import InstallmentQuerySet

NAME = "installment_reminders"
FINANCE = Group("finance")
# By the clock of TIME_ZONE: finance reads one digest a day, of what every time zone's night brought.
DIGEST_FROM = dt.time(8)

# What a message says of its booking; a page of them is read by key.
_SPOKEN_OF = Booking.objects.select_related("equipment").only(
    "booking_number", "customer_id", "currency", "equipment__make", "equipment__model"
)


@dataclass(frozen=True, slots=True)
class Milestone:
    """From `days` after the due date on, until the next one takes over."""

    name: str
    days: int
    until: int
    channels: Sequence[str]

    @property
    def template(self) -> str:
        return f"installment.{self.name}"


MILESTONES = (
    Milestone("due_soon", -3, 0, ("preferred", "inapp")),
    Milestone("due_today", 0, 1, ("preferred", "inapp")),
    Milestone("overdue", 1, 7, ("preferred", "inapp")),
    # From here on in writing as well, whatever the customer prefers, and at last on the phone.
    Milestone("overdue_second", 7, 14, ("preferred", "email", "inapp")),
    # Whoever has not paid after 30 days hears from a person.
    Milestone("overdue_final", 14, 30, ("preferred", "email", "sms", "inapp")),
)


def run(*, now: dt.datetime, progress: Progress) -> JobResult:
    """Bring status and alerts up to date, then queue every reminder that is due at `now`."""
    changes = _keep_books(now)
    due = [(milestone, _due(milestone, now)) for milestone in MILESTONES]
    telling = Telling(now=now, progress=progress, total=sum(rows.count() for _, rows in due))
    for what, count in changes.items():
        telling.changed(what, count)
    for milestone, rows in due:
        _remind(milestone, rows, telling, now)
    _tell_finance(telling, now)
    return telling.result(milestone.name for milestone in MILESTONES)


def _keep_books(now: dt.datetime) -> dict[str, int]:
    """The overdue reminders below read the status that this writes."""
    postponed = postpone(now=now)
    resolved = resolve_settled(now=now)
    overdue, opened = mark_overdue(now=now)
    return {
        "instalments postponed": postponed,
        "alerts resolved": resolved,
        "instalments overdue": overdue,
        "alerts opened": opened + reopen_graver(now=now),
        "alerts raised": raise_alerts(now=now),
    }


def _due(milestone: Milestone, now: dt.datetime) -> InstallmentQuerySet:
    return InstallmentSchedule.objects.reminder_due(now=now, days=milestone.days, until=milestone.until)


def _remind(milestone: Milestone, rows: InstallmentQuerySet, telling: Telling, now: dt.datetime) -> None:
    # Locked, so that the date that is remembered is the date that was told.
    locked = rows.select_for_update(of=("self",), no_key=True)
    for page in pages(locked.iterator(chunk_size=PAGE)):
        bookings = _SPOKEN_OF.in_bulk({row.booking_id for row in page})
        telling.tell(_reminder(milestone, row, bookings[row.booking_id]) for row in page)
        told = InstallmentSchedule.objects.filter(pk__in=[row.pk for row in page])
        told.mark_reminded(now=now, days=milestone.days)
        telling.found(milestone.name, len(page))


def _reminder(milestone: Milestone, row: Any, booking: Booking) -> NotifyRequest:
    due_date = row.due_date.isoformat()
    return NotifyRequest(
        template=milestone.template,
        to=str(booking.customer_id),
        channel=milestone.channels,
        payload={
            "booking_number": booking.booking_number,
            "equipment": booking.equipment.label,
            "installment_number": row.installment_number,
            "due_date": due_date,
            "amount": {"amount": str(row.amount), "currency": booking.currency},
            "payment_url": customer_page("PAYMENT_URL", booking_number=booking.booking_number),
        },
        idempotency_key=once(NAME, milestone.name, row.pk, due_date),
        expires_at=row.expires_at,
        # What the message speaks of, for whoever asks later whether it still holds.
        metadata={
            "job": NAME,
            "reminder": milestone.name,
            "installment_id": str(row.pk),
            "event": due_date,
        },
    )


def _tell_finance(telling: Telling, now: dt.datetime) -> None:
    here = timezone.localtime(now, timezone.get_default_timezone())
    if here.time() < DIGEST_FROM or not members(FINANCE, job=NAME):
        return
    if news := take_news(day=here.date()):
        telling.tell([_digest(news, here.date())])


def _digest(news: News, day: dt.date) -> NotifyRequest:
    return NotifyRequest(
        template="finance.installments_overdue",
        to=FINANCE,
        channel=("email", "inapp"),
        payload={
            "day": day.isoformat(),
            "count": news.count,
            "totals": [{"sum": _sum(t.amount, t.currency), "count": str(t.count)} for t in news.totals],
            "shown": len(news.first),
            "installments": [
                {
                    "booking_number": late.booking_number,
                    "number": str(late.installment_number),
                    "due_date": late.due_date.isoformat(),
                    "sum": _sum(late.amount, late.currency),
                }
                for late in news.first
            ],
            "list_url": admin_page("rentals_installmentschedule_changelist") + "?status__exact=overdue",
        },
        # The first of them stands for all, since each is in one digest only.
        idempotency_key=once(NAME, "digest", news.first[0].id, day.isoformat()),
        metadata={"job": NAME, "digest": day.isoformat(), "count": news.count},
    )


def _sum(amount: Any, currency: str) -> str:
    """Readable in both languages: 12 345.00 CAD, kept on one line."""
    return f"{amount:,.2f} {currency}".replace(",", "\N{NO-BREAK SPACE}").replace(" ", "\N{NO-BREAK SPACE}")
