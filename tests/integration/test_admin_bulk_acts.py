"""Acts on thousands in the admin: confirmed by filter, followed on a page of their own, stopped, undone, on record."""

import datetime as dt
import json
import time
import uuid
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone, translation

from config.models import StaffPreference
from notifications.admin import confirm, selection
from notifications.admin.act_page import progress
from notifications.admin.criteria import in_words, matching
from notifications.bulk import order
from notifications.bulk.work import work
from notifications.models import BulkAct, Notification
from tests.factories import CustomerFactory
from tests.messages import fresh
from tests.notification_factories import NotificationFactory
from tests.operators import (
    CANCEL,
    QUEUE,
    REPLAY,
    RESCHEDULE,
    SETTLE,
    VIEW,
    operator,
    operator_user,
    seen,
    told,
)

pytestmark = pytest.mark.django_db
ACTS = "/admin/notifications/bulkact/"
WHY = "The provider was down"
CAP = 3


@pytest.fixture(autouse=True)
def small_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (selection, confirm, order):
        monkeypatch.setattr(module, "CAP", CAP)


def asked(client: Client, name: str, query: str = "?status__exact=failed") -> Any:
    """«Select all that match» on the filtered list."""
    row = Notification.objects.first()
    assert row is not None
    data = {"action": name, "select_across": "1", "_selected_action": [str(row.pk)], "index": "0"}
    return client.post(f"{QUEUE}{query}", data)


def confirmed(client: Client, page: Any, **more: str) -> Any:
    """Send the page as a browser would."""
    given = page.context
    data = {
        "ids": given["ids"],
        "query": given["selection"].query,
        "once": str(given["once"]),
        "back": given["back"],
        "shown": given["shown"],
        "confirmed": "1",
        "reason": WHY,
        **more,
    }
    return client.post(f"{QUEUE}act/{given['act'].name}/", data, follow=True)


def run() -> None:
    work(matching=matching, until=time.monotonic() + 60)


# ── Many ────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("count", [1, CAP, CAP + 1])
def test_up_to_the_cap_it_is_done_at_once_and_beyond_in_the_background(count: int) -> None:
    NotificationFactory.create_batch(count, status="failed")
    client = operator(VIEW, REPLAY)
    response = confirmed(client, asked(client, "replay"))
    act = BulkAct.objects.get()
    if count <= CAP:
        assert told(response) == [f"{count} message{'s are' if count > 1 else ' is'} queued again."]
        assert (act.status, act.total, act.query) == ("done", count, "")
    else:
        assert response.redirect_chain == [(f"{ACTS}{act.pk}/change/", 302)]
        assert "runs in the background" in told(response)[0]
        assert (act.status, act.query) == ("waiting", "status__exact=failed")
        run()
    assert Notification.objects.filter(status="queued").count() == count
    assert f"{count} of {count}" in seen(client.get(f"{ACTS}{act.pk}/change/"))


def test_the_audit_log_has_one_entry_for_all_of_them_with_the_filter_and_the_reason() -> None:
    NotificationFactory.create_batch(CAP + 2, status="failed")
    user = operator_user(VIEW, REPLAY)
    client = Client()
    client.force_login(user)
    confirmed(client, asked(client, "replay", "?status__exact=failed&channel__exact=email"))
    run()
    entry = LogEntry.objects.get()
    assert (entry.user_id, entry.object_id) == (user.pk, str(BulkAct.objects.get().pk))
    assert entry.change_message == f"replay of 5 or more (state: Failed, channel: E-mail): {WHY}"
    history = Notification.objects.all()[0].metadata["history"][-1]
    assert (history["act"], history["by"]) == (entry.object_id, f"staff:{user.pk}")


def test_a_large_page_sent_twice_or_after_a_reload_is_one_act() -> None:
    NotificationFactory.create_batch(CAP + 1, status="sent")
    client = operator(VIEW, REPLAY)
    page = asked(client, "send_again", "?status__exact=sent")
    confirmed(client, page)
    run()
    again = confirmed(client, page)
    assert told(again) == ["This page was confirmed before; here is what became of it."]
    run()
    assert (BulkAct.objects.count(), Notification.objects.filter(parent__isnull=False).count()) == (
        1,
        CAP + 1,
    )


def test_everything_without_a_filter_is_a_choice_too_and_says_so() -> None:
    NotificationFactory.create_batch(CAP + 1)
    client = operator(VIEW, CANCEL)
    confirmed(client, asked(client, "cancel", ""))
    run()
    assert Notification.objects.filter(status="cancelled").count() == CAP + 1
    assert "all messages" in seen(client.get(ACTS))


def test_a_filter_that_is_no_filter_is_refused_before_anything_is_asked_for() -> None:
    NotificationFactory.create_batch(CAP + 1, status="failed")
    client = operator(VIEW, REPLAY)
    page = asked(client, "replay")
    response = confirmed(client, page, query="template__id__exact=nonsense")
    assert "no longer understands" in told(response)[0]
    assert not BulkAct.objects.exists()


@pytest.mark.parametrize("query", ["created_at__gte=2026-03-10T09:00", "period=today"])
def test_a_moment_by_the_operators_clock_is_that_moment_in_the_background_too(query: str) -> None:
    """In Honolulu it is 09:00, and midnight, six hours later than where the workers are."""
    user = operator_user(VIEW, REPLAY)
    StaffPreference.objects.create(user=user, time_zone="Pacific/Honolulu")
    midnight = timezone.now().astimezone(ZoneInfo("Pacific/Honolulu")).replace(hour=0, minute=0, second=0)
    begins = midnight if query == "period=today" else dt.datetime(2026, 3, 10, 19, tzinfo=dt.UTC)
    meant, older = (
        NotificationFactory.create_batch(CAP + 1, status="failed"),
        NotificationFactory.create_batch(CAP, status="failed"),
    )
    Notification.objects.filter(pk__in=[row.pk for row in meant]).update(created_at=begins)
    hours = dt.timedelta(hours=3)
    Notification.objects.filter(pk__in=[row.pk for row in older]).update(created_at=begins - hours)
    client = Client()
    client.force_login(user)
    confirmed(client, asked(client, "replay", f"?status__exact=failed&{query}"))
    run()
    assert BulkAct.objects.get().done == CAP + 1
    assert {fresh(row).status for row in older} == {"failed"}


def test_what_becomes_due_after_it_was_confirmed_is_not_among_what_was_due() -> None:
    NotificationFactory.create_batch(CAP + 1)
    soon = NotificationFactory.create(scheduled_at=timezone.now() + dt.timedelta(minutes=5))
    client = operator(VIEW, CANCEL)
    confirmed(client, asked(client, "cancel", "?status__exact=due"))
    Notification.objects.filter(pk=soon.pk).update(scheduled_at=timezone.now())
    run()
    assert (BulkAct.objects.get().done, fresh(soon).status) == (CAP + 1, "queued")


def test_an_address_that_was_searched_for_is_kept_as_the_keys_it_stands_for() -> None:
    customer = CustomerFactory.create(email="marie@example.com")
    for _ in range(CAP + 1):
        NotificationFactory.create(status="failed", to={"customer_id": str(customer.pk)})
    other = NotificationFactory.create(status="failed")
    client = operator(VIEW, REPLAY)
    found = client.post(f"{QUEUE}find/", {"q": "marie@example.com"})
    confirmed(client, asked(client, "replay", f"?{found['Location'].partition('?')[2]}"))
    run()
    act = BulkAct.objects.get()
    assert "marie" not in act.query
    assert (act.done, fresh(other).status) == (CAP + 1, "failed")


# ── Before it is confirmed ──────────────────────────────────────────────────────────────────────────────
def test_it_warns_of_marketing_of_second_texts_and_of_those_in_doubt() -> None:
    people = [NotificationFactory.create(status="sent", category="marketing") for _ in range(2)]
    NotificationFactory.create(status="failed", metadata={"outcome_unknown": True})
    client = operator(VIEW, REPLAY)
    page = seen(asked(client, "send_again", "?status__exact=sent"))
    assert "2 of them are marketing." in page
    assert "2 people get a text for the second time." in page
    assert "line up behind what is due" in page
    assert people
    page = seen(asked(client, "replay"))
    assert "Nobody knows whether 1 of them has arrived" in page


def test_a_new_moment_is_shown_on_the_recipients_clocks_before_it_is_confirmed() -> None:
    customer = CustomerFactory.create(timezone="America/Vancouver")
    row = NotificationFactory.create(to={"customer_id": str(customer.pk)})
    soon = NotificationFactory.create(expires_at=timezone.now() + dt.timedelta(hours=1))
    client = operator(VIEW, RESCHEDULE)
    to = (timezone.localtime() + dt.timedelta(days=2)).replace(hour=14, minute=0, second=0, microsecond=0)
    page = client.post(f"{QUEUE}act/reschedule/", {"ids": f"{row.pk},{soon.pk}"})
    assert "Show what would happen" in seen(page)
    page = confirmed(client, page, to=f"{to:%Y-%m-%dT%H:%M}")
    text = seen(page)
    assert f"America/Vancouver 1 message {to:%Y-%m-%d} 10:00" in text
    assert "it would expire before that moment 1" in text
    assert fresh(row).scheduled_at != to, "nothing is done before it was shown"
    response = confirmed(client, page, to=f"{to:%Y-%m-%dT%H:%M}")
    assert told(response)[0] == "1 message is rescheduled."
    assert fresh(row).scheduled_at == to


def test_another_moment_than_the_one_that_was_shown_is_shown_first() -> None:
    row = NotificationFactory.create()
    client = operator(VIEW, RESCHEDULE)
    to = timezone.localtime() + dt.timedelta(days=2)
    shown = json.dumps({"to": to.isoformat()})
    data = {"ids": str(row.pk), "once": str(uuid.uuid4()), "confirmed": "1", "reason": WHY, "shown": shown}
    response = client.post(
        f"{QUEUE}act/reschedule/", {**data, "to": f"{to + dt.timedelta(days=1):%Y-%m-%dT%H:%M}"}
    )
    assert "On the recipients’ clocks" in seen(response)
    assert not BulkAct.objects.exists()


@pytest.mark.parametrize(
    ("to", "complaint"),
    [
        ("", "Say when."),
        ("tomorrow", "Write a date"),
        ("2099-01-01T09:00", "Choose a moment within a year."),
        ("0001-01-01T00:00", "Choose a moment within a year."),
        ("2026-03-08T02:30", "the clocks go forward over it"),
    ],
)
def test_a_moment_that_is_none_is_refused(to: str, complaint: str) -> None:
    row = NotificationFactory.create(
        to={"customer_id": str(CustomerFactory.create(timezone="America/Vancouver").pk)}
    )
    data = {"ids": str(row.pk), "confirmed": "1", "reason": WHY, "to": to}
    assert complaint in seen(operator(VIEW, RESCHEDULE).post(f"{QUEUE}act/reschedule/", data))


@pytest.mark.parametrize(
    ("verdict", "status", "words"), [("sent", "sent", "was sent"), ("not_sent", "failed", "was not sent"), ("replay", "queued", "and is replayed")]
)  # fmt: skip
def test_an_outcome_is_settled_as_it_was_found(verdict: str, status: str, words: str) -> None:
    row = NotificationFactory.create(status="failed", metadata={"outcome_unknown": True})
    client = operator(VIEW, SETTLE)
    page = client.post(f"{QUEUE}act/settle/", {"ids": str(row.pk)})
    assert "Say whether it was sent." in seen(confirmed(client, page))
    confirmed(client, page, verdict=verdict)
    assert fresh(row).status == status
    act_page = seen(client.get(f"{ACTS}{BulkAct.objects.get().pk}/change/"))
    assert words in act_page
    assert "A settled outcome stands" in act_page


def test_only_a_message_in_doubt_has_the_button_to_settle_it() -> None:
    known, doubtful = (
        NotificationFactory.create(status="failed", metadata=metadata) for metadata in ({}, {"outcome_unknown": True})
    )  # fmt: skip
    client = operator(VIEW, SETTLE)
    assert "Settle the outcome" not in seen(client.get(f"{QUEUE}{known.pk}/change/"))
    assert "Settle the outcome" in seen(client.get(f"{QUEUE}{doubtful.pk}/change/"))


# ── The act's page ──────────────────────────────────────────────────────────────────────────────────────
def started(client: Client) -> BulkAct:
    NotificationFactory.create_batch(CAP + 1, status="failed")
    confirmed(client, asked(client, "replay"))
    return BulkAct.objects.get()


def test_its_page_says_who_what_why_and_how_far_and_the_part_that_reloads_says_so_too() -> None:
    client = operator(VIEW, REPLAY)
    act = started(client)
    page = seen(client.get(f"{ACTS}{act.pk}/change/"))
    for text in ("state: Failed", WHY, "Waiting", "They are being chosen"):
        assert text in page
    assert "data-going" in client.get(f"{ACTS}{act.pk}/progress/").content.decode()
    Notification.objects.filter(pk=Notification.objects.all()[0].pk).update(expires_at=timezone.now())
    run()
    part = client.get(f"{ACTS}{act.pk}/progress/")
    assert "data-going" not in part.content.decode(), "nothing reloads any more"
    assert "it has expired 1" in seen(part)
    left = seen(client.get(f"{ACTS}{act.pk}/change/?only=left"))
    assert left.count("Left alone: it has expired") == 1


def test_how_far_it_is_costs_the_same_however_many_messages(django_assert_max_num_queries: Any) -> None:
    client = operator(VIEW, REPLAY)
    act = started(client)
    run()
    with django_assert_max_num_queries(12):
        client.get(f"{ACTS}{act.pk}/progress/")
    with django_assert_max_num_queries(20):
        client.get(f"{ACTS}{act.pk}/change/")


def test_the_list_costs_the_same_however_many_acts(django_assert_max_num_queries: Any) -> None:
    client = operator(VIEW, CANCEL)
    for _ in range(4):
        row = NotificationFactory.create()
        client.post(f"{QUEUE}act/cancel/", {"ids": str(row.pk), "confirmed": "1", "reason": WHY})
    with django_assert_max_num_queries(10) as few:
        assert "Cancel" in seen(client.get(ACTS))
        before = len(few)
    for _ in range(8):
        row = NotificationFactory.create()
        client.post(f"{QUEUE}act/cancel/", {"ids": str(row.pk), "confirmed": "1", "reason": WHY})
    with django_assert_max_num_queries(before):
        client.get(ACTS)


def test_the_pace_of_an_act_leaves_out_what_it_waited() -> None:
    """Begun days ago and stopped since, it goes on as fast as it went."""
    begun = timezone.now() - dt.timedelta(days=3)
    act = BulkAct(status="running", total=2000, done=900, skipped={"gone": 100}, started_at=begun, worked=10)
    assert (progress(act).rate, progress(act).remaining) == ("100 a second", "about 10 s left")


def test_acts_that_take_turns_take_longer() -> None:
    client = operator(VIEW, REPLAY)
    act = started(client)
    BulkAct.objects.filter(pk=act.pk).update(status="running", total=2000, done=1000, worked=10)
    assert "about 10 s left" in seen(client.get(f"{ACTS}{act.pk}/progress/"))
    other = BulkAct.objects.get()
    other.pk, other.status = uuid.uuid4(), "waiting"
    other.save(force_insert=True)
    assert "about 20 s left" in seen(client.get(f"{ACTS}{act.pk}/progress/"))


def test_each_chunk_adds_what_it_was_worked_at() -> None:
    client = operator(VIEW, REPLAY)
    act = started(client)
    run()
    worked = BulkAct.objects.get(pk=act.pk).worked
    assert 0 < worked < 600


def test_a_stopped_act_goes_on_and_a_second_click_says_so() -> None:
    client = operator(VIEW, REPLAY)
    act = started(client)
    assert told(client.post(f"{ACTS}{act.pk}/stop/", follow=True))[0].startswith("It is stopped.")
    assert told(client.post(f"{ACTS}{act.pk}/stop/", follow=True))[0].startswith("It was over already")
    run()
    assert Notification.objects.filter(status="failed").count() == CAP + 1
    assert told(client.post(f"{ACTS}{act.pk}/go_on/", follow=True)) == ["It goes on where it stood."]
    assert told(client.post(f"{ACTS}{act.pk}/go_on/", follow=True))[0].startswith("It goes on already")
    run()
    assert Notification.objects.filter(status="queued").count() == CAP + 1


def test_an_act_is_undone_with_a_reason_once_and_leads_there_and_back() -> None:
    row = NotificationFactory.create(status="queued")
    client = operator(VIEW, CANCEL)
    client.post(f"{QUEUE}act/cancel/", {"ids": str(row.pk), "confirmed": "1", "reason": WHY})
    act = BulkAct.objects.get()
    undo = f"{ACTS}{act.pk}/undo/"
    assert "1 of 1 messages" in seen(client.get(undo))
    assert "Give a reason" in seen(client.post(undo, {"reason": ""}))
    assert fresh(row).status == "cancelled"
    response = client.post(undo, {"reason": "Wrong filter"}, follow=True)
    assert told(response) == ["Taken back: 1 of 1."]
    assert fresh(row).status == "queued"
    again = client.post(undo, {"reason": "Wrong filter"}, follow=True)
    assert told(again) == ["It was undone before; nothing was done a second time."]
    assert again.redirect_chain[0][0] == response.redirect_chain[0][0]
    assert "It was taken back" in seen(client.get(f"{ACTS}{act.pk}/change/"))
    assert {entry.change_message for entry in LogEntry.objects.all()} == {
        f"cancel (1 of 1): {WHY}",
        "undo (1 of 1): Wrong filter",
    }


# ── Refusals ────────────────────────────────────────────────────────────────────────────────────────────
def test_who_may_not_do_it_sees_no_button_and_can_neither_stop_nor_undo_it() -> None:
    act = started(operator(VIEW, REPLAY))
    other = operator(VIEW, CANCEL)
    page = other.get(f"{ACTS}{act.pk}/change/")
    assert "stop-button" not in page.content.decode()
    for name in ("stop", "go_on", "undo"):
        assert other.post(f"{ACTS}{act.pk}/{name}/", {"reason": WHY}).status_code == 403
    assert BulkAct.objects.get().status == "waiting"


def test_who_may_not_act_at_all_sees_none() -> None:
    act = started(operator(VIEW, REPLAY))
    viewer = operator(VIEW)
    for path in ("", f"{act.pk}/change/", f"{act.pk}/progress/", f"{act.pk}/undo/"):
        assert viewer.get(f"{ACTS}{path}").status_code == 403
    assert seen(operator("notifications.view_bulkact").get(f"{ACTS}{act.pk}/change/"))


@pytest.mark.parametrize("name", ["stop", "go_on", "undo"])
def test_a_get_or_a_post_from_another_site_changes_nothing(name: str) -> None:
    act = started(operator(VIEW, REPLAY))
    assert operator(VIEW, REPLAY, csrf=True).post(f"{ACTS}{act.pk}/{name}/").status_code == 403
    operator(VIEW, REPLAY).get(f"{ACTS}{act.pk}/{name}/")
    assert BulkAct.objects.get().status == "waiting"


@pytest.mark.parametrize(
    "path", ["nonsense/change/", f"{uuid.UUID(int=7)}/change/", f"{uuid.UUID(int=7)}/progress/"]
)
def test_an_act_that_is_none_is_not_found(path: str) -> None:
    assert operator(VIEW, REPLAY).get(f"{ACTS}{path}").status_code == 404


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("", "all messages"),
        ("all=1", "all messages"),
        ("status__exact=failed&p=2", "state: Failed"),
        (
            "error_class=503&created_at__gte=2026-11-20T12%3A00%2B00%3A00",
            "error class: 503, asked for from: 2026-11-20 08:00 AST",
        ),
        ("q=customer%3A7", "search: customer:7"),
    ],
)
def test_a_filter_is_told_in_words(query: str, words: str) -> None:
    with translation.override("en"):
        assert in_words(query) == words
