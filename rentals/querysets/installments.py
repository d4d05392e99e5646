"""Which instalments call for a word to the customer: in, `now` and a milestone; out, rows, chosen in SQL by local time.

A milestone is a number of days from the due date, by the customer's own calendar: -3 is three days before, 7 a week after.
"""

import datetime as dt
from typing import TYPE_CHECKING, Any, Self

from django.apps import apps
from django.db import models
from django.db.models import Case, ExpressionWrapper, F, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import Now

from rentals.local_time import ZONE, days_near, local_date, local_time, midnight, plus_days

if TYPE_CHECKING:
    from rentals.models import InstallmentSchedule  # noqa: F401 (named in the generic bases)

# Overdue notices know no quiet hours, so a run that makes up for a missed one must not write at night.
REMIND_FROM, REMIND_UNTIL = dt.time(9), dt.time(21)


class InstallmentQuerySet(models.QuerySet["InstallmentSchedule"]):
    def reminder_due(self, *, now: dt.datetime, days: int, until: int) -> Self:
        """Unpaid instalments past the milestone `days` and before the milestone `until`, of which nobody has told yet.

        A run that was missed is made up for until the next milestone begins: `expires_at`, on each row. What was told
        is told again where the due date moved, and never for an earlier milestone of the same date.
        """
        told = Q(reminded_due_date=F("due_date"), reminded_days__gte=days)
        return (
            self.filter(
                Q(reminded_due_date__isnull=True) | ~told,
                due_date__range=days_near(now, first=1 - until, last=-days),
                status="overdue" if days > 0 else "pending",
            )
            .alias(local_date=_day_to_remind(now))
            .filter(
                due_date__lte=plus_days("local_date", -days),
                due_date__gt=plus_days("local_date", -until),
            )
            .annotate(expires_at=_midnight_after(days=until))
            # As the index has them: by the key, a cursor would walk through all instalments for its first page.
            .order_by("due_date")
        )

    def mark_reminded(self, *, now: dt.datetime, days: int) -> int:
        """Remember that these were told of this milestone of their due date; answers how many. One statement."""
        return self.update(
            reminder_sent_at=now, reminded_due_date=F("due_date"), reminded_days=days, updated_at=Now()
        )


def _day_to_remind(now: dt.datetime) -> Subquery:
    """The customer's date, if it is an hour to write to them, and their booking stands; else NULL."""
    hours = When(local_time__gte=REMIND_FROM, local_time__lt=REMIND_UNTIL, then=local_date(now))
    standing = _own_booking().exclude(status="cancelled").alias(local_time=local_time(now))
    return Subquery(standing.values(local_date=Case(hours, output_field=models.DateField())))


def _midnight_after(*, days: int) -> Subquery:
    """The moment at which that day after the due date begins for the customer."""
    day = ExpressionWrapper(OuterRef("due_date") + Value(days), output_field=models.DateField())
    return Subquery(_own_booking().values(at=midnight(day, zone=ZONE)))


def _own_booking() -> models.QuerySet[Any]:
    """The booking of an instalment that an index found.

    Not a join: the planner takes an hour of the day for a rare thing, and would begin with all customers, or read all
    bookings for each instalment.
    """
    bookings = apps.get_model("rentals", "Booking")._default_manager  # noqa: SLF001 (public by its documentation)
    return bookings.filter(pk=OuterRef("booking_id")).order_by()
