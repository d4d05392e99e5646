"""From a booking in the business tables to what the customer holds in their hands, once a channel."""

import datetime as dt
import json
from collections import Counter
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client

from consent.models import ConsentEvent
from jobs.runner import run
from notifications.models import InboxItem, Notification
from notifications.worker import drain
from rentals.models import Booking, Customer
from sandbox.testing import SandboxServer
from tests.factories import BookingFactory, CustomerFactory
from tests.messages import browser

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("templates")]
# 08:30 in Moncton: pick-up reminders go out from 07:00.
MORNING = dt.datetime(2026, 11, 20, 12, 30, tzinfo=dt.UTC)


def remind(customer: Customer) -> Booking:
    """A booking that starts today, the job, and the worker; all at the simulated moment."""
    booking: Booking = BookingFactory.create(
        customer=customer,
        start_date=dt.date(2026, 11, 20),
        end_date=dt.date(2026, 11, 25),
        status="confirmed",
    )
    report = run("booking_reminders", now=MORNING, trigger="command")
    assert report.status == "success", report.error
    drain(now=MORNING)
    return booking


def contents(sandbox: SandboxServer, **filters: Any) -> list[dict[str, Any]]:
    return [sandbox.message(m["id"])["content"] for m in sandbox.messages(**filters)]


def test_an_e_mail_in_the_customers_language_with_a_way_out(sandbox: SandboxServer, client: Client) -> None:
    customer = CustomerFactory.create(first_name="Zoé", locale="fr", email="zoe@example.com")
    booking = remind(customer)
    (mail,) = contents(sandbox, provider="sendgrid")
    assert mail["to"][0]["email"] == "zoe@example.com"
    assert mail["subject"].startswith("[Sandbox] ")
    for part in (mail["text"], mail["html"]):
        assert "Zoé" in part
        assert booking.booking_number in part
        assert "20 novembre" in part
    link = mail["headers"]["List-Unsubscribe"].strip("<>")
    assert link in mail["html"]

    page = client.get(urlsplit(link).path)
    assert page.status_code == 200
    assert not ConsentEvent.objects.exists()
    for _ in range(2):
        answer = client.post(urlsplit(link).path, {"List-Unsubscribe": "One-Click"})
        assert answer.status_code == 200
    event = ConsentEvent.objects.get()
    assert (event.action, event.channel, event.category, event.source) == (
        "revoked",
        "email",
        "reminder",
        "one_click",
    )

    # The next reminder is withheld, and says why.
    Booking.objects.filter(pk=booking.pk).update(start_date=dt.date(2026, 11, 21))
    run("booking_reminders", now=MORNING + dt.timedelta(days=1), trigger="command")
    drain(now=MORNING + dt.timedelta(days=1))
    rules = Notification.objects.filter(channel="email", status="cancelled").values_list(
        "metadata__withheld__rule", flat=True
    )
    assert set(rules) == {"consent.revoked"}
    assert len(contents(sandbox, provider="sendgrid")) == 1


def test_a_text_message_to_the_number_on_file(sandbox: SandboxServer) -> None:
    booking = remind(CustomerFactory.create(preferred_contact_method="sms", phone="+15065550142"))
    (sms,) = contents(sandbox, provider="twilio")
    assert sms["to"] == "+15065550142"
    assert booking.booking_number in sms["body"]
    assert sms["segments"] == 1
    row = Notification.objects.get(channel="sms")
    assert sms["status_callback"].endswith(f"/webhooks/twilio/status/?notification_id={row.pk}")


def test_a_push_to_each_of_the_customers_browsers(sandbox: SandboxServer) -> None:
    customer = CustomerFactory.create(preferred_contact_method="push")
    for name in ("laptop", "phone"):
        browser(customer, sandbox.url, name)
    booking = remind(customer)
    pushes = contents(sandbox, provider="webpush")
    assert len({push["endpoint"] for push in pushes}) == 2
    read = json.loads(pushes[0]["raw"])
    assert booking.booking_number in read["title"] + read["body"]
    assert read["url"].endswith(booking.booking_number)


def test_an_item_in_the_inbox_beside_every_other_channel(sandbox: SandboxServer) -> None:
    customer = CustomerFactory.create()
    booking = remind(customer)
    item = InboxItem.objects.get()
    assert item.user_id == f"customer:{customer.pk}"
    assert booking.booking_number in item.title + item.message
    assert item.read_at is None


def test_the_job_twice_and_the_worker_twice_tell_the_customer_once(sandbox: SandboxServer) -> None:
    remind(CustomerFactory.create())
    for minutes in (0, 60):
        run("booking_reminders", now=MORNING + dt.timedelta(minutes=minutes), trigger="command")
        drain(now=MORNING + dt.timedelta(minutes=minutes))
    assert Counter(Notification.objects.values_list("channel", "status")) == {
        ("email", "sent"): 1,
        ("inapp", "sent"): 1,
    }
    stats = sandbox.stats()["providers"]["sendgrid"]
    assert (stats["received"], stats["duplicates"]) == (1, 0)
