"""Business records for tests: in, what a test cares about; out, saved rows with everything else filled in plausibly."""

import datetime as dt
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.auth.models import Group, User
from factory.declarations import LazyAttribute, SelfAttribute, Sequence, SubFactory
from factory.django import DjangoModelFactory
from factory.helpers import post_generation

from rentals.models import (
    Booking,
    Customer,
    CustomerTag,
    CustomerTagMember,
    Equipment,
    LogisticsTask,
    Payment,
)


class CustomerFactory(DjangoModelFactory[Customer]):
    class Meta:
        model = Customer

    first_name = "Marie"
    last_name = Sequence(lambda n: f"LeBlanc{n}")
    email = Sequence(lambda n: f"marie{n}@example.com")
    phone = Sequence(lambda n: f"+1506555{n % 10_000:04d}")
    locale = "en"
    timezone = "America/Moncton"
    preferred_contact_method = "email"
    city = "Moncton"
    province = "NB"


class CustomerTagFactory(DjangoModelFactory[CustomerTag]):
    class Meta:
        model = CustomerTag

    name = Sequence(lambda n: f"tag {n}")


class CustomerTagMemberFactory(DjangoModelFactory[CustomerTagMember]):
    class Meta:
        model = CustomerTagMember

    customer = SubFactory(CustomerFactory)
    tag = SubFactory(CustomerTagFactory)


class EquipmentFactory(DjangoModelFactory[Equipment]):
    class Meta:
        model = Equipment

    unit_id = Sequence(lambda n: f"TEST-{n:05d}")  # the sample business counts its own from EX-00001
    serial_number = Sequence(lambda n: f"SN{n:08d}")
    category = "excavator"
    make = "Kubota"
    model = "KX040"
    year = 2023
    daily_rate = Decimal("420.00")


class BookingFactory(DjangoModelFactory[Booking]):
    """A confirmed booking, its deposit paid, two weeks after the tests' `moment`: nothing is due about it."""

    class Meta:
        model = Booking

    booking_number = Sequence(lambda n: f"FR-{n:06d}")
    customer = SubFactory(CustomerFactory)
    equipment = SubFactory(EquipmentFactory)
    start_date = dt.date(2026, 12, 4)
    end_date = LazyAttribute(lambda booking: booking.start_date + dt.timedelta(days=4))
    status = "confirmed"
    type = "pickup"
    total_amount = Decimal("2100.00")
    deposit_amount = Decimal("500.00")
    balance_amount = Decimal("1600.00")
    billing_status = "deposit_paid"


class LogisticsTaskFactory(DjangoModelFactory[LogisticsTask]):
    """A delivery planned for 09:00 in Moncton on the booking's first day."""

    class Meta:
        model = LogisticsTask

    booking = SubFactory(BookingFactory, type="delivery", delivery_address="120 Main Street, Moncton")
    task_type = "delivery"
    scheduled_at = LazyAttribute(
        lambda task: dt.datetime.combine(task.booking.start_date, dt.time(9), ZoneInfo("America/Moncton"))
    )
    status = "scheduled"
    address = SelfAttribute("booking.delivery_address")


class PaymentFactory(DjangoModelFactory[Payment]):
    class Meta:
        model = Payment

    booking = SubFactory(BookingFactory)
    amount = Decimal("500.00")
    status = "completed"


class StaffFactory(DjangoModelFactory[User]):
    """A member of staff who cannot log in; `groups=("finance", …)` puts them into recipient groups."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    username = Sequence(lambda n: f"staff{n}")
    email = LazyAttribute(lambda user: f"{user.username}@rental.example")
    first_name = "Paul"
    last_name = "Cormier"
    is_staff = True

    @post_generation
    def groups(self: User, create: bool, names: tuple[str, ...] | None, **_: Any) -> None:
        for name in names or ():
            self.groups.add(Group.objects.get_or_create(name=name)[0])
