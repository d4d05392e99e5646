"""Which insurance reminders are to go out: in, `now`; out, planned rows whose moment has come, with what they speak of.

`rentals/plan_insurance.py` keeps the rows in line with their documents; what is planned here therefore still holds.
"""

import datetime as dt
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Case, Q, Value, When
from django.db.models.functions import Greatest

from rentals.local_time import last_day_of, local_date, local_date_of, midnight, moment_at, plus_days

if TYPE_CHECKING:
    from rentals.models import InsuranceReminder  # noqa: F401 (named in the generic base)

# Days before a document runs out, and the day from which the next one takes over: (7, 3) is news until the third day.
MILESTONES = ((7, 3), (3, 0), (0, -1))
MISSING_EVERY_DAYS = 3
MISSING_TIMES = 3
# The run is daily, in our own morning; somebody further west is still asleep then.
TELL_FROM = dt.time(9)
_ZONE = "document__booking__customer__timezone"


class InsuranceReminderQuerySet(models.QuerySet["InsuranceReminder"]):
    def due(self, *, now: dt.datetime) -> "InsuranceReminderQuerySet":
        """Planned reminders whose moment has come. Days are the customer's own.

        Each row carries `expiry_date`, the document's last day; `planned_date`; `deliver_at`, now or 09:00 of the day;
        and `until`, when the next reminder takes its place. Rows that another run holds are left to it.
        """
        return (
            self.filter(status="pending", scheduled_at__lte=now)
            .alias(today=local_date(now, zone=_ZONE))
            .annotate(
                expiry_date=last_day_of("document__expires_at", zone=_ZONE),
                planned_date=local_date_of("scheduled_at", zone=_ZONE),
                deliver_at=Greatest(Value(now), moment_at("today", TELL_FROM, zone=_ZONE)),
            )
            .annotate(until=_until())
            .select_related("document__booking__equipment")
            .select_for_update(of=("self",), skip_locked=True)
            # The order of the index of what is due: by id, a cursor would rather read all that ever was sent.
            .order_by("scheduled_at", "pk")
        )


def _until() -> Case:
    next_question = midnight(plus_days("today", MISSING_EVERY_DAYS), zone=_ZONE)
    return Case(
        When(Q(reminder_type="missing_info"), then=next_question),
        *(
            When(
                Q(planned_date=plus_days("expiry_date", -days)),
                then=midnight(plus_days("expiry_date", -next_days), zone=_ZONE),
            )
            for days, next_days in MILESTONES
        ),
    )
