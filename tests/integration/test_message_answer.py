"""A message's page answers in its first line, and says what follows; by the state of its row, not by hand."""

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from consent.preferences import revoke
from consent.suppress import suppress
from notifications.admin.detail import FEW, load, message_page
from notifications.cancel import cancel
from notifications.channel_state import pause
from notifications.headline import Headline
from notifications.models import Notification
from notifications.next_step import next_steps
from notifications.origin import origin
from notifications.replay import replay, send_again
from notifications.settle_unknown import settle_unknown
from notifications.webhooks.apply import apply_waiting
from notifications.worker import drain
from sandbox.testing import SandboxServer
from templates_app.drafts import new_draft
from templates_app.models import NotificationTemplate
from templates_app.publish import publish
from tests.factories import CustomerFactory
from tests.messages import fresh, queued
from tests.notification_factories import DeliveryAttemptFactory, NotificationFactory, ProviderEventFactory
from tests.operators import CANCEL, QUEUE, REPLAY, VIEW, operator, operator_user, seen

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("templates")]


def page(row: Notification, *permissions: str, **given: Any) -> Any:
    found = load(row.pk)
    assert found is not None
    return message_page(found, operator_user(*(permissions or ("*",))), now=timezone.now(), **given)


def answer(row: Notification) -> Headline:
    headline = page(row).headline
    assert isinstance(headline, Headline)
    return headline


def steps(row: Notification) -> list[str]:
    return next_steps(fresh(row), list(fresh(row).tries()))


# ── The answer ──────────────────────────────────────────────────────────────────────────────────────────
def test_waiting_for_the_recipients_morning(settings: Any) -> None:
    settings.NOTIFICATIONS = {**settings.NOTIFICATIONS, "QUIET_HOURS": {"reminder": {"sms": "07:00-21:00"}}}
    night = dt.datetime.combine(
        timezone.localdate() + dt.timedelta(days=2), dt.time(3), ZoneInfo("America/Moncton")
    )
    row = queued(CustomerFactory.create(timezone="America/Moncton"), channel="sms", scheduled_at=night)
    told = answer(row)
    assert told.text.startswith("Waits until 07:00 in the recipient's time zone (America/Moncton): ")
    assert told.now == "Quiet hours; then the gates are asked again."
    assert page(row).beat == "30s", "nobody looks every five seconds for a night"


def test_waiting_for_its_time_its_turn_and_its_channel() -> None:
    later = queued(scheduled_at=timezone.now() + dt.timedelta(days=3, minutes=1))
    assert answer(later).text.endswith(", in 3 d.")
    due = queued()
    assert answer(due).text.startswith("Due for ")
    pause("email", until=timezone.now() + dt.timedelta(hours=1), reason="The key is changed.", by="staff:0")
    told = answer(due)
    assert told.text == "Due, but the channel E-mail is stopped by staff:0: The key is changed."
    assert told.now.startswith("It waits until ")


def test_a_try_that_failed_is_followed_by_the_next(sandbox: SandboxServer) -> None:
    sandbox.behave("sendgrid", status=503)
    row = queued()
    drain()
    told = answer(row)
    assert told.text.startswith("Attempt 2 of 3 follows at ")
    assert told.now == "SendGrid is not available."
    assert steps(row)[0].startswith("Next try at ")
    for hours in (1, 2):
        drain(now=timezone.now() + dt.timedelta(hours=hours))
    told = answer(row)
    assert told.text == "Failed after 3 attempts: 503: request: service unavailable."
    assert told.now == "SendGrid is not available. Nothing more will happen until somebody replays it."
    assert [text.partition(" ")[0] for text in steps(row)] == ["Tried", "Tried", "We"]
    replay([row.pk], by="staff:0", reason="It is up again.")
    sandbox.behave_well()
    drain(now=timezone.now() + dt.timedelta(hours=3))
    assert steps(row)[2].startswith("We gave up; a person replayed it at ")
    assert steps(row)[3] == "Nothing more to do: the provider took it."


def test_a_refusal_for_good_says_that_the_address_is_suppressed(sandbox: SandboxServer) -> None:
    sandbox.behave("twilio", status=400, code=21211)
    row = queued(channel="sms")
    drain()
    assert steps(row) == ["We gave up: it would be refused again. The address is suppressed."]
    assert "The number is no phone number." in f"{answer(row).text} {answer(row).now}"


def test_a_wrong_key_is_no_attempt_of_the_message(sandbox: SandboxServer) -> None:
    sandbox.behave("sendgrid", status=401)
    row = queued()
    drain()
    assert steps(row) == ["It waits for the channel to be mended; this try does not count."]


def test_a_lost_answer_and_the_person_who_found_out(sandbox: SandboxServer) -> None:
    sandbox.behave("twilio", hang_up=True)
    row = queued(channel="sms")
    drain()
    told = answer(row).text
    assert told.startswith("Nobody knows whether it arrived: The connection broke before the answer.")
    assert "outcome_unknown" not in told
    assert steps(row)[0].startswith("Not sent again by itself: it may have arrived.")
    settle_unknown([row.pk], was_sent=True, by="staff:0", reason="She has it.")
    assert answer(row).text == "Sent, as staff:0 found out: She has it."
    assert steps(row) == ["It was settled later: it was sent."]


def test_a_delivery_that_is_confirmed_at_once_is_not_confirmed_nought_seconds_later(
    sandbox: SandboxServer,
) -> None:
    row = queued()
    drain()
    at = dt.datetime.fromisoformat(fresh(row).metadata["sent_at"]).replace(microsecond=0)
    ProviderEventFactory.create(notification_id=row.pk, event_type="delivered", code="", occurred_at=at)
    apply_waiting()
    assert answer(row).text == "Sent; the provider confirmed delivery within a second."


@pytest.mark.parametrize(
    ("word", "text", "tone"),
    [
        ("processed", "Sent; the provider has it (processed) and has not confirmed delivery yet.", "warn"),
        ("delivered", "Sent; the provider confirmed delivery 3 s later.", "ok"),
        ("bounced", "Sent, but it did not arrive: the provider reported it bounced 3 s later.", "bad"),
        ("complained", "Sent and delivered; 3 s later the reader answered: complained.", "warn"),
    ],
)
def test_what_the_provider_reported_changes_the_answer(
    sandbox: SandboxServer, word: str, text: str, tone: str
) -> None:
    row = queued()
    drain()
    assert answer(row).text.endswith("the provider accepted it, and has not reported on it yet.")
    assert page(row).beat == "5s"
    sent_at = dt.datetime.fromisoformat(fresh(row).metadata["sent_at"])
    at = sent_at + dt.timedelta(seconds=3)
    ProviderEventFactory.create(notification_id=row.pk, event_type=word, code="", occurred_at=at)
    apply_waiting()
    told = answer(row)
    assert (told.text, told.tone) == (text, tone)
    assert page(row).beat == ("5s" if word == "processed" else "")


def test_withheld_says_who_said_no_and_when() -> None:
    said, never = CustomerFactory.create_batch(2)
    revoke(
        customer_id=str(said.pk), channel="email", category="reminder", source="preference_page",
        actor="customer", at=dt.datetime(2026, 11, 20, 15, tzinfo=dt.UTC),
    )  # fmt: skip
    told = answer(queued(said))
    assert (
        told.text
        == "Withheld: the customer revoked reminder messages by E-mail on 2026-11-20 (preference page)."
    )
    assert told.now == "It is never sent by itself. Sending it again asks the gates anew."
    dead = suppress(channel="email", address=never.email, reason="complaint")
    day = timezone.localdate(dead.created_at).isoformat()
    assert answer(queued(never)).text == f"Withheld: the address is suppressed since {day} (complaint)."


def test_cancelled_names_the_person_to_whoever_sees_the_message() -> None:
    row = queued()
    olive = User.objects.create_user("olive", is_staff=True)
    cancel([row.pk], by=f"staff:{olive.pk}", reason="Wrong date.")
    assert "Cancelled by olive at " in page(row, VIEW).headline.text
    lines = [line.text for line in page(row, VIEW).lines]
    assert "Cancelled by olive: Wrong date." in lines


def test_a_message_that_cannot_be_written_says_so() -> None:
    row = NotificationFactory.create(status="failed", attempts=0, error="render: {{x}} has no value.")
    text = answer(row).text
    assert text == "Failed before anything was sent: its text cannot be made. {{x}} has no value."


# ── What stands around it ───────────────────────────────────────────────────────────────────────────────
def test_who_asked_is_linked_for_who_may_open_it() -> None:
    with origin(job="booking_reminders", run="0192f3c4-0000-7000-8000-000000000001", trigger="schedule"):
        row = queued()
    found = {one.text: one.url for one in page(row).askers}
    assert found == {
        "Job booking_reminders": "/admin/jobs/jobrun/job/booking_reminders/",
        "Run 0192f3c4": "/admin/jobs/jobrun/0192f3c4-0000-7000-8000-000000000001/change/",
        "started by schedule": "",
    }
    assert [one.url for one in page(row, VIEW).askers] == ["", "", ""]
    assert [one.text for one in page(queued()).askers] == ["A call of notify() that named no origin"]
    with origin(api="booking-app"):
        assert page(queued()).askers[0].text == "API token booking-app"


def test_a_newer_version_is_named() -> None:
    row = queued()
    assert page(row).version.newer is None
    template = NotificationTemplate.objects.get(name="booking.pickup_today")
    user = operator_user("*")
    publish(new_draft(template, by=user), by=user)
    version = page(row).version
    assert (version.pinned.text, version.newer.text) == ("booking.pickup_today v1", "booking.pickup_today v2")


def test_the_family_is_told_on_both_sides_and_over_channels(sandbox: SandboxServer) -> None:
    customer = CustomerFactory.create()
    row = queued(customer, idempotency_key="pickup:17")
    other = queued(customer, channel="sms", idempotency_key="pickup:17")
    drain()
    (child,) = send_again([row.pk], by="staff:0", reason="She asked.").done
    kin = page(row).relatives
    assert [one.pk for one in kin.children] == [child]
    assert [(one.pk, one.channel) for one in kin.siblings] == [(other.pk, "SMS")]
    assert page(fresh(child)).relatives.parent.pk == row.pk


def test_six_acts_are_two_and_a_menu(monkeypatch: pytest.MonkeyPatch) -> None:
    from notifications.admin.acts import CANCEL as ACT

    monkeypatch.setattr("notifications.admin.detail.ACTS", {str(n): ACT for n in range(3)})
    assert len(page(queued()).acts) == 3
    monkeypatch.setattr("notifications.admin.detail.ACTS", {str(n): ACT for n in range(6)})
    found = page(queued())
    assert (len(found.acts), len(found.more_acts)) == (2, 4)


# ── Cost, and what is live ──────────────────────────────────────────────────────────────────────────────
def test_hundreds_are_capped_until_asked_for_and_cost_no_query_more(sandbox: SandboxServer) -> None:
    row = NotificationFactory.create(status="failed", idempotency_key="a:1")
    many = NotificationFactory.create(status="failed", idempotency_key="a:2")
    start = timezone.now() - dt.timedelta(days=1)
    for n in range(FEW + 30):
        at = start + dt.timedelta(minutes=n)
        DeliveryAttemptFactory.create(notification=many, number=n + 1, started_at=at)
        ProviderEventFactory.create(notification_id=many.pk, occurred_at=at)
        NotificationFactory.create(parent=many)
    client = operator("*")
    counts = []
    for one in (row, many):
        client.get(f"{QUEUE}{one.pk}/change/")
        with CaptureQueriesContext(connection) as asked:
            response = client.get(f"{QUEUE}{one.pk}/change/")
        counts.append(len(asked))
    # A version's code of an attempt is in a table of ours: nothing is asked for it.
    assert counts[0] == counts[1] <= 30
    shown = response.context["page"]
    assert (len(shown.attempts), len(shown.relatives.children), shown.relatives.more) == (FEW, 10, True)
    assert shown.attempts[-1].number == FEW + 30, "the newest"
    text = seen(response)
    assert "earlier attempts and reports are not shown" in text
    every = client.get(f"{QUEUE}{many.pk}/change/?all=1").context["page"]
    assert (len(every.attempts), len(every.relatives.children), every.hidden) == (FEW + 30, FEW + 30, 0)


def test_the_live_part_stops_when_nothing_moves() -> None:
    moving, over = queued(), NotificationFactory.create(status="failed")
    client = operator(VIEW)
    assert client.get(f"{QUEUE}{moving.pk}/live/").status_code == 200
    answered = client.get(f"{QUEUE}{over.pk}/live/")
    assert answered.status_code == 286
    assert "csrf" not in answered.content.decode(), "what is loaded again holds no token that changes"
    assert f"{moving.pk}/live/" in client.get(f"{QUEUE}{moving.pk}/change/").content.decode()
    assert f"{over.pk}/live/" not in client.get(f"{QUEUE}{over.pk}/change/").content.decode()


def test_the_live_part_is_for_who_may_see_messages() -> None:
    row = queued()
    assert operator(REPLAY, CANCEL).get(f"{QUEUE}{row.pk}/live/").status_code == 403
    missing = "0b0f7c1e-6f2e-4c43-9d2b-0d8f6a1c2b3d"
    assert operator(VIEW).get(f"{QUEUE}{missing}/live/").status_code == 404
