"""Why was this sent, or not? The story answers in plain words."""

import datetime as dt
import json

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from consent.addresses import blind_index
from consent.preferences import revoke
from notifications.cancel import cancel
from notifications.channel_state import pause
from notifications.channels.meanings import meaning
from notifications.models import Notification
from notifications.origin import origin
from notifications.replay import replay, send_again
from notifications.story import story
from notifications.webhooks.apply import apply_waiting
from notifications.worker import drain
from sandbox.testing import SandboxServer
from tests.factories import CustomerFactory
from tests.messages import fresh, queued
from tests.notification_factories import ProviderEventFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("templates")]


def told(row: Notification) -> str:
    return "\n".join(event.text for event in story(fresh(row)))


def test_a_message_that_failed_was_replayed_and_arrived(sandbox: SandboxServer) -> None:
    with origin(job="booking_reminders", run="r1"):
        row = queued()
    sandbox.behave("sendgrid", status=400, times=1)
    drain()
    replay([row.pk], by="staff:7", reason="The field was mended.")
    drain()
    lines = [event.text for event in story(fresh(row))]
    assert lines[0].startswith(
        "Asked for by job booking_reminders, run r1: template booking.pickup_today, email to customer"
    )
    assert lines[1].startswith("Allowed when it was queued: ")
    assert "through sendgrid" in lines[2]
    assert "permanent (400" in lines[2]
    assert lines[3] == "Replayed by staff:7: The field was mended."
    assert lines[4].startswith("Allowed just before sending: ")
    assert "sent (" in lines[5]
    assert lines[6].startswith("Sent: the provider accepted it at ")


def test_a_report_of_the_same_second_comes_after_the_attempt_it_is_about(sandbox: SandboxServer) -> None:
    """Providers tell whole seconds, so that by their clock it arrived before we had sent it."""
    row = queued()
    drain()
    [tried] = fresh(row).tries()
    second = tried.started_at.replace(microsecond=0)
    for word in ("delivered", "processed"):  # they come in any order, too
        ProviderEventFactory.create(notification_id=row.pk, event_type=word, occurred_at=second)
    apply_waiting()
    events = story(fresh(row))
    assert [event.kind for event in events] == [
        "asked", "allowed", "allowed", "attempt", "provider", "provider", "now",
    ]  # fmt: skip
    assert [event.text for event in events if event.kind == "provider"] == [
        "sendgrid reported: processed.",
        "sendgrid reported: delivered.",
    ]


def test_a_withheld_message_says_which_rule_and_what_sent_it_again() -> None:
    customer = CustomerFactory.create()
    revoke(
        customer_id=str(customer.pk), channel="email", category="reminder", source="admin", actor="staff:1",
        at=timezone.now(),
    )  # fmt: skip
    row = queued(customer)
    assert "Withheld when it was queued: " in told(row)
    assert "(rule consent.revoked)" in told(row)
    (child,) = send_again([row.pk], by="staff:1", reason="She asked.").done
    assert f"It sends {row.pk} again." in told(fresh(child))


def test_a_cancelled_message_names_the_person() -> None:
    row = queued()
    cancel([row.pk], by="staff:3", reason="Wrong date.")
    assert "Cancelled by staff:3: Wrong date." in told(row)


def test_a_waiting_message_says_until_when_and_after_what(sandbox: SandboxServer) -> None:
    sandbox.behave("sendgrid", status=503)
    row = queued()
    drain()
    assert "Waits for " in told(row)
    assert "after: 503" in told(row)


def test_the_story_holds_no_address(sandbox: SandboxServer) -> None:
    row = queued(CustomerFactory.create(email="canary.bird@example.com"))
    drain()
    assert "canary" not in told(row)


def test_the_command_tells_it_in_text_and_json(capsys: pytest.CaptureFixture[str]) -> None:
    row = queued(scheduled_at=timezone.now() + dt.timedelta(days=1))
    call_command("explain_notification", str(row.pk))
    assert f"Notification {row.pk}: queued" in capsys.readouterr().out
    call_command("explain_notification", str(row.pk), json=True)
    answer = json.loads(capsys.readouterr().out)
    assert [entry["kind"] for entry in answer["story"]] == ["asked", "allowed", "now"]


@pytest.mark.parametrize("wrong", ["42", "00000000-0000-0000-0000-000000000000"])
def test_the_command_explains_a_wrong_id(wrong: str) -> None:
    with pytest.raises(CommandError, match="no notification"):
        call_command("explain_notification", wrong)


def test_a_code_is_told_in_words(sandbox: SandboxServer) -> None:
    sandbox.behave("twilio", status=400, code=21408)
    row = queued(channel="sms")
    drain()
    (attempt,) = [event.text for event in story(fresh(row)) if event.kind == "attempt"]
    assert "21408" in attempt
    assert meaning(provider="twilio", code="21408") in attempt


def test_a_lost_answer_is_told_as_unknown(sandbox: SandboxServer) -> None:
    sandbox.behave("twilio", hang_up=True)
    row = queued(channel="sms")
    drain()
    assert story(fresh(row))[-1].text.startswith("Nobody knows whether it arrived")


def test_a_due_message_says_what_keeps_its_channel() -> None:
    row = queued()
    assert "a worker takes it in its turn" in story(row)[-1].text
    pause("email", until=None, reason="The sender changes.", by="staff:7")
    assert "stopped by staff:7 until somebody resumes it: The sender changes." in story(row)[-1].text


def test_the_story_tells_what_the_provider_reported_and_what_followed(sandbox: SandboxServer) -> None:
    row = queued(CustomerFactory.create(email="gone@example.com"))
    drain()
    ProviderEventFactory.create(event_type="delivered", code="delivered", notification_id=row.pk)
    bounce = ProviderEventFactory.create(
        event_type="bounced",
        code="bounce",
        notification_id=row.pk,
        detail={"event": "bounce", "status": "5.1.1", "reason": "550 no such user"},
        address_hmac=blind_index("email", "gone@example.com"),
        address_hint="g•••@e•••.com",
    )
    assert "sendgrid reported: delivered. It is about to be applied." in told(row)
    apply_waiting()
    text = told(row)
    assert (
        "sendgrid reported: bounced. The mailbox refuses mail for good. (5.1.1 550 no such user) "
        "So the address is suppressed (hard bounce)."
    ) in text
    assert ", and reports it bounced at " in text
    again = queued(CustomerFactory.create(email="gone@example.com"))
    assert f", asked for by report {bounce.pk}." in told(again)


def test_a_report_that_cannot_be_applied_says_so() -> None:
    row = queued()
    ProviderEventFactory.create(notification_id=row.pk, attempts=5, error="KeyError in draw")
    assert "It could not be applied (KeyError in draw): a person may have it tried again." in told(row)


def test_explain_and_its_json_say_how_far_a_message_got(capsys: pytest.CaptureFixture[str]) -> None:
    row = queued()
    ProviderEventFactory.create(notification_id=row.pk)
    apply_waiting()
    call_command("explain_notification", str(row.pk))
    assert ": queued, delivered" in capsys.readouterr().out
    call_command("explain_notification", str(row.pk), "--json")
    found = json.loads(capsys.readouterr().out)
    assert found["feedback"] == "delivered"
    assert found["feedback_at"]
