"""Which bookings and transports call for a word to the customer: in, `now`; out, rows, chosen in SQL by local time.

A day and its hours are those of the customer's own time zone. Each query first narrows a bare date column to the few
days that «today» can be somewhere on Earth, so that an index answers and the cost does not grow with the history.
"""

import datetime as dt
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q

from rentals.local_time import (
    days_near,
    local_date,
    local_time,
    midnight_after,
    midnight_before,
    plus_days,
)

if TYPE_CHECKING:
    from rentals.models import Booking, LogisticsTask  # noqa: F401 (named in the generic bases)

DEPOSIT_DAYS = 3
DEPOSIT_FROM = dt.time(9)
MORNING_FROM = dt.time(7)
DELIVERY_NOTICE = dt.timedelta(hours=24)


class BookingQuerySet(models.QuerySet["Booking"]):
    def deposit_due(self, *, now: dt.datetime) -> "BookingQuerySet":
        """Bookings that begin within 3 days and whose deposit nobody has paid, from 09:00 of the third day before.

        A run that was missed is made up for on the days after, up to the last day before the booking begins. Each row
        carries `expires_at`, its first local midnight: from then on the desk asks for the money, not a message.
        """
        return (
            self.filter(start_date__range=days_near(now, first=1, last=DEPOSIT_DAYS))
            .alias(local_date=local_date(now), local_time=local_time(now))
            .filter(
                status__in=["pending", "confirmed"],
                billing_status="pending",
                deposit_amount__gt=0,
                start_date__gt=F("local_date"),
                start_date__lte=plus_days("local_date", DEPOSIT_DAYS),
                local_time__gte=DEPOSIT_FROM,
            )
            .annotate(expires_at=midnight_before("start_date"))
            .order_by("pk")
        )

    def pickup_today(self, *, now: dt.datetime) -> "BookingQuerySet":
        """Confirmed bookings that the customer fetches today, from 07:00. `expires_at` is the end of the local day."""
        return (
            self.filter(start_date__range=days_near(now))
            .alias(local_date=local_date(now), local_time=local_time(now))
            .filter(
                status="confirmed",
                type="pickup",
                start_date=F("local_date"),
                local_time__gte=MORNING_FROM,
            )
            .annotate(expires_at=midnight_after("start_date"))
            .order_by("pk")
        )

    def return_today(self, *, now: dt.datetime) -> "BookingQuerySet":
        """Bookings whose last day is today, from 07:00. `expires_at` is the end of the local day.

        A yard that forgets to mark a booking as active must not cost the customer the reminder, so a confirmed one
        counts too, unless it begins today as well: its machine may not be out yet.
        """
        return (
            self.filter(end_date__range=days_near(now))
            .alias(local_date=local_date(now), local_time=local_time(now))
            .filter(
                Q(status="active") | Q(status="confirmed", start_date__lt=F("end_date")),
                status__in=["confirmed", "active"],
                end_date=F("local_date"),
                local_time__gte=MORNING_FROM,
            )
            .annotate(expires_at=midnight_after("end_date"))
            .order_by("pk")
        )


class LogisticsTaskQuerySet(models.QuerySet["LogisticsTask"]):
    def delivery_due(self, *, now: dt.datetime) -> "LogisticsTaskQuerySet":
        """Deliveries of the next 24 hours that are still to come, of bookings that still stand."""
        return (
            self.filter(
                task_type="delivery",
                status__in=["pending", "scheduled"],
                scheduled_at__gt=now,
                scheduled_at__lte=now + DELIVERY_NOTICE,
            )
            .exclude(booking__status__in=["cancelled", "completed"])
            .order_by("pk")
        )
