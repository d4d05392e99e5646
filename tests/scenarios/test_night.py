"""A reminder that comes due at night: it waits for the morning, and for the booking to still stand by then."""

import datetime as dt
from typing import Any

import pytest

from jobs.runner import run
from notifications.models import Notification
from notifications.story import story
from notifications.worker import drain
from rentals.models import Booking
from sandbox.testing import SandboxServer
from tests.factories import CustomerFactory, LogisticsTaskFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("templates")]
# 22:40 in Moncton on the 19th, and 08:00 the next morning.
NIGHT = dt.datetime(2026, 11, 20, 2, 40, tzinfo=dt.UTC)
MORNING = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def as_delivered(settings: Any) -> None:
    """The quiet hours that come with Postroom."""
    settings.NOTIFICATIONS = {k: v for k, v in settings.NOTIFICATIONS.items() if k != "QUIET_HOURS"}


def announced() -> tuple[Booking, Notification]:
    """A delivery tomorrow evening, and the text message about it."""
    customer = CustomerFactory.create(preferred_contact_method="sms")
    at = NIGHT + dt.timedelta(hours=23)
    booking = LogisticsTaskFactory.create(booking__customer=customer, scheduled_at=at).booking
    report = run("booking_reminders", now=NIGHT, trigger="command")
    assert report.status == "success", report.error
    drain(now=NIGHT)
    return booking, Notification.objects.get(channel="sms", metadata__booking_id=str(booking.pk))


def told(row: Notification) -> list[str]:
    return [event.text for event in story(Notification.objects.get(pk=row.pk))]


def texts(sandbox: SandboxServer) -> list[str]:
    return [sandbox.message(m["id"])["content"]["body"] for m in sandbox.messages(provider="twilio")]


def test_it_waits_for_the_morning_and_goes_out_once(sandbox: SandboxServer) -> None:
    booking, row = announced()
    assert Notification.objects.get(channel="inapp").status == "sent"  # nobody is woken by the inbox
    drain(now=MORNING - dt.timedelta(seconds=1))
    assert texts(sandbox) == []
    lines = told(row)
    assert lines[2] == (
        "Held when it was queued: It is 22:40 for the recipient; it may go out from 08:00 (America/Moncton). "
        "(rule quiet_hours)"
    )
    assert lines[-1].startswith("Waits for 2026-11-20 08:0")

    drain(now=MORNING + dt.timedelta(minutes=5))
    drain(now=MORNING + dt.timedelta(minutes=6))
    (body,) = texts(sandbox)
    assert booking.booking_number in body
    assert told(row)[-1].startswith("Sent: ")


def test_a_booking_cancelled_overnight_is_not_spoken_of(sandbox: SandboxServer) -> None:
    booking, row = announced()
    Booking.objects.filter(pk=booking.pk).update(status="cancelled")
    drain(now=MORNING + dt.timedelta(minutes=5))
    assert texts(sandbox) == []
    lines = told(row)
    assert lines[2].startswith("Held when it was queued: It is 22:40")
    assert lines[3] == (
        "Withheld just before sending: It no longer holds: The booking is cancelled. (rule relevance.ended)"
    )
    after = Notification.objects.get(pk=row.pk)
    assert (after.status, after.attempts) == ("cancelled", 0)
