"""How a job tells people: what cannot be said of one row takes nothing away from the others."""

import datetime as dt
from typing import Any

import pytest

from jobs.links import customer_page
from jobs.spec import silent
from jobs.telling import UNSAYABLE, Telling
from notifications.errors import EnqueueError
from notifications.message import Group, NotifyRequest
from notifications.models import Notification
from tests.factories import CustomerFactory
from tests.messages import PICKUP

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("templates")]
NOW = dt.datetime(2026, 11, 20, 15, 0, tzinfo=dt.UTC)


def reminder(**fields: Any) -> NotifyRequest:
    customer = CustomerFactory.create()
    given = {"template": "booking.pickup_today", "to": customer.pk, "channel": "email", "payload": PICKUP}
    return NotifyRequest(**{**given, **fields})


def test_a_row_of_which_nothing_can_be_said_is_counted_logged_by_its_key_and_stops_no_other(
    caplog: pytest.LogCaptureFixture,
) -> None:
    telling = Telling(now=NOW, progress=silent)
    nameless = reminder(payload={**PICKUP, "equipment": " "}, idempotency_key="booking_reminders:pickup:17")
    stranger = reminder(to="nobody", idempotency_key="booking_reminders:pickup:18")
    telling.tell([reminder(), nameless, reminder(), stranger, reminder()])
    result = telling.result(["pickup"])
    assert (result.queued, result.found) == (3, {"pickup": 0, UNSAYABLE: 2})
    assert Notification.objects.count() == 3
    assert "job.unsayable key=booking_reminders:pickup:17 error=missing_placeholder" in caplog.text
    assert "job.unsayable key=booking_reminders:pickup:18 error=unknown_recipient" in caplog.text


@pytest.mark.parametrize(
    "wrong", [{"template": "booking.pickup_todya"}, {"to": Group("nobody")}, {"channel": "fax"}]
)
def test_what_is_wrong_with_all_of_them_is_loud(wrong: dict[str, Any]) -> None:
    with pytest.raises(EnqueueError):
        Telling(now=NOW, progress=silent).tell([reminder(), reminder(**wrong)])
    assert not Notification.objects.exists()


def test_a_number_with_blanks_and_slashes_makes_an_address_all_the_same() -> None:
    assert customer_page("BOOKING_URL", booking_number="BK 10/42").endswith("/bookings/BK%2010%2F42")
