"""Bookings and the transports they need: in, who rents what and when; out, what is due, by their managers."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from rentals.models.customer import Customer
from rentals.models.equipment import Equipment
from rentals.models.record import Record
from rentals.querysets.bookings import BookingQuerySet, LogisticsTaskQuerySet


class Booking(Record):
    """One machine for one customer, from the first to the last day, both included, in the customer's time zone."""

    class Status(models.TextChoices):
        PENDING = "pending", _("Pending")
        CONFIRMED = "confirmed", _("Confirmed")
        ACTIVE = "active", _("Active")
        COMPLETED = "completed", _("Completed")
        CANCELLED = "cancelled", _("Cancelled")

    class Type(models.TextChoices):
        PICKUP = "pickup", _("Pick-up")
        DELIVERY = "delivery", _("Delivery")

    class BillingStatus(models.TextChoices):
        PENDING = "pending", _("Pending")
        DEPOSIT_PAID = "deposit_paid", _("Deposit paid")
        BALANCE_PAID = "balance_paid", _("Balance paid")
        OVERDUE = "overdue", _("Overdue")

    class Source(models.TextChoices):
        WEB = "web", _("Web")
        ADMIN = "admin", _("Admin")

    booking_number = models.TextField()
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="bookings")
    equipment = models.ForeignKey(Equipment, on_delete=models.PROTECT, related_name="bookings")
    start_date = models.DateField()
    end_date = models.DateField()
    status = models.TextField(choices=Status.choices, default=Status.PENDING)
    type = models.TextField(choices=Type.choices, default=Type.PICKUP)
    delivery_address = models.TextField(blank=True, default="")
    currency = models.TextField(default="CAD")
    total_amount = models.DecimalField(max_digits=12, decimal_places=2, default=0)
    deposit_amount = models.DecimalField(max_digits=12, decimal_places=2, default=0)
    balance_amount = models.DecimalField(max_digits=12, decimal_places=2, default=0)
    balance_due_at = models.DateTimeField(null=True, blank=True)
    billing_status = models.TextField(choices=BillingStatus.choices, default=BillingStatus.PENDING)
    source = models.TextField(choices=Source.choices, default=Source.WEB)

    objects = BookingQuerySet.as_manager()

    class Meta:
        db_table = "bookings"
        verbose_name = _("booking")
        verbose_name_plural = _("bookings")
        ordering = ["-start_date", "-id"]
        indexes = [
            # deposit_due and pickup_today: bookings that begin soon, without the history.
            models.Index(
                fields=["start_date"],
                condition=Q(status__in=["pending", "confirmed"]),
                name="bookings_begin",
            ),
            # return_today: bookings that end soon, without the history.
            models.Index(
                fields=["end_date"], condition=Q(status__in=["confirmed", "active"]), name="bookings_end"
            ),
            # The admin's list in its order, a page at a time.
            models.Index(fields=["-start_date", "-id"], name="bookings_latest"),
        ]
        constraints = [
            # Not unique=True, which adds a second index for LIKE that no query needs.
            models.UniqueConstraint(fields=["booking_number"], name="bookings_number"),
            models.CheckConstraint(
                condition=Q(status__in=["pending", "confirmed", "active", "completed", "cancelled"]),
                name="bookings_status",
            ),
            models.CheckConstraint(condition=Q(type__in=["pickup", "delivery"]), name="bookings_type"),
            models.CheckConstraint(
                condition=Q(billing_status__in=["pending", "deposit_paid", "balance_paid", "overdue"]),
                name="bookings_billing_status",
            ),
            models.CheckConstraint(condition=Q(source__in=["web", "admin"]), name="bookings_source"),
            models.CheckConstraint(condition=Q(end_date__gte=F("start_date")), name="bookings_order"),
            models.CheckConstraint(
                condition=Q(total_amount__gte=0, deposit_amount__gte=0, balance_amount__gte=0),
                name="bookings_amounts",
            ),
            models.CheckConstraint(condition=Q(currency__regex=r"^[A-Z]{3}$"), name="bookings_currency"),
        ]

    def __str__(self) -> str:
        return self.booking_number


class LogisticsTask(Record):
    """One transport of a booking's machine, to the customer or back."""

    class TaskType(models.TextChoices):
        DELIVERY = "delivery", _("Delivery")
        PICKUP = "pickup", _("Pick-up")

    class Status(models.TextChoices):
        PENDING = "pending", _("Pending")
        SCHEDULED = "scheduled", _("Scheduled")
        EN_ROUTE = "en_route", _("En route")
        COMPLETED = "completed", _("Completed")
        CANCELLED = "cancelled", _("Cancelled")

    booking = models.ForeignKey(Booking, on_delete=models.PROTECT, related_name="logistics_tasks")
    task_type = models.TextField(choices=TaskType.choices)
    scheduled_at = models.DateTimeField()
    status = models.TextField(choices=Status.choices, default=Status.PENDING)
    address = models.TextField(blank=True, default="")
    completed_at = models.DateTimeField(null=True, blank=True)

    objects = LogisticsTaskQuerySet.as_manager()

    class Meta:
        db_table = "logistics_tasks"
        verbose_name = _("transport")
        verbose_name_plural = _("transports")
        ordering = ["-scheduled_at", "id"]
        indexes = [
            # delivery_due: transports still to come, without the history.
            models.Index(
                fields=["scheduled_at"],
                condition=Q(status__in=["pending", "scheduled"]),
                name="logistics_tasks_to_come",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(task_type__in=["delivery", "pickup"]), name="logistics_tasks_task_type"
            ),
            models.CheckConstraint(
                condition=Q(status__in=["pending", "scheduled", "en_route", "completed", "cancelled"]),
                name="logistics_tasks_status",
            ),
            models.CheckConstraint(
                condition=~Q(status="completed") | Q(completed_at__isnull=False),
                name="logistics_tasks_completed_at",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.task_type} {self.scheduled_at:%Y-%m-%d %H:%M}"
