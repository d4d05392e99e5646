"""Replay, send again and cancel in the admin: asked first, with a reason, once, guarded by the row's state, on record."""

import datetime as dt
import json
import threading
import uuid
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from consent.admin_lists import COUNT_LIMIT
from notifications.admin import selection
from notifications.claim import lock_records
from notifications.models import BulkAct, Notification
from notifications.replay import CAP
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
WHY = "The provider was down"
ALL = (VIEW, REPLAY, CANCEL, RESCHEDULE, SETTLE)
MOMENT = (timezone.localtime() + dt.timedelta(days=2)).replace(hour=9, minute=0, second=0, microsecond=0)
GIVEN = {
    "reschedule": {"to": f"{MOMENT:%Y-%m-%dT%H:%M}", "shown": json.dumps({"to": MOMENT.isoformat()})},
    "prioritise": {"priority": "0"},
    "settle": {"verdict": "sent"},
}


def act(name: str) -> str:
    return f"{QUEUE}act/{name}/"


def chosen(*rows: Notification) -> str:
    return ",".join(str(row.pk) for row in rows)


def confirm(client: Client, name: str, *rows: Notification, reason: str = WHY, **more: str) -> Any:
    """Answer the page that asks."""
    data = {"ids": chosen(*rows), "reason": reason, "confirmed": "1", "once": str(uuid.uuid4()), **more}
    return client.post(act(name), data, follow=True)


def across(client: Client, name: str, row: Notification, query: str = "") -> Any:
    """Tick «select all that match» on the filtered list, where `row` is one of those shown."""
    data = {"action": name, "select_across": "1", "_selected_action": [str(row.pk)], "index": "0"}
    return client.post(f"{QUEUE}{query}", data)


def fresh(row: Notification) -> Notification:
    return Notification.objects.get(pk=row.pk)


# ── Asking ──────────────────────────────────────────────────────────────────────────────────────────────
def test_it_asks_first_and_says_who_is_not_eligible_and_why() -> None:
    failed = NotificationFactory.create_batch(2, status="failed")
    sent = NotificationFactory.create(status="sent")
    queued = NotificationFactory.create(status="queued")
    client = operator(VIEW, REPLAY)
    data = {
        "action": "replay",
        "_selected_action": [str(row.pk) for row in (*failed, sent, queued)],
        "index": "0",
    }
    response = client.post(QUEUE, data)
    page = seen(response)
    assert "Replay: 2 messages" in page
    assert "it is sent 1" in page
    assert "it is queued 1" in page
    assert {row.pk for row in response.context["preview"].refused} == {sent.pk, queued.pk}
    assert [fresh(row).status for row in failed] == ["failed", "failed"], "asking changes nothing"
    assert not LogEntry.objects.exists()


def test_what_was_shown_is_what_is_done_however_the_list_moves_on() -> None:
    shown = NotificationFactory.create(status="failed")
    client = operator(VIEW, REPLAY)
    filtered = f"{QUEUE}?status__exact=failed"
    page = across(client, "replay", shown, "?status__exact=failed")
    later = NotificationFactory.create(status="failed")
    response = client.post(
        act("replay"),
        {
            "ids": page.context["ids"],
            "once": str(page.context["once"]),
            "back": page.context["back"],
            "confirmed": "1",
            "reason": WHY,
        },
        follow=True,
    )
    assert response.redirect_chain == [(filtered, 302)], "back to the list as it was filtered"
    assert told(response) == ["1 message is queued again."]
    assert (fresh(shown).status, fresh(later).status) == ("queued", "failed")


def test_beyond_the_cap_the_page_carries_the_filter_and_tells_of_all_that_match(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(selection, "CAP", 3)
    rows = [NotificationFactory.create(status="failed") for _ in range(5)]
    NotificationFactory.create_batch(2, status="sent")
    NotificationFactory.create(status="failed", channel="sms")
    client = operator(VIEW, REPLAY)
    response = across(client, "replay", rows[4], "?channel__exact=email")
    page = seen(response)
    assert (response.context["ids"], response.context["selection"].query) == ("", "channel__exact=email")
    assert "Replay: 5 messages" in page
    assert "runs in the background" in page
    assert "it is sent 2" in page


def test_a_filter_without_eligible_rows_offers_nothing_to_do() -> None:
    row = NotificationFactory.create(status="sent")
    response = across(operator(VIEW, REPLAY), "replay", row)
    assert "There is nothing to do." in seen(response)
    assert 'name="reason"' not in response.content.decode()


def test_the_detail_pages_button_asks_too() -> None:
    row = NotificationFactory.create(status="failed")
    page = operator(VIEW, REPLAY).post(
        act("replay"), {"ids": str(row.pk), "back": f"{QUEUE}{row.pk}/change/"}
    )
    assert "Replay: 1 message" in seen(page)
    assert page.context["back"] == f"{QUEUE}{row.pk}/change/"
    assert fresh(row).status == "failed"


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example", "/admin/logout/", ""])
def test_afterwards_it_never_leads_elsewhere(back: str) -> None:
    row = NotificationFactory.create(status="failed")
    response = confirm(operator(VIEW, REPLAY), "replay", row, back=back)
    assert response.redirect_chain[0][0].startswith(QUEUE)
    assert "evil" not in response.redirect_chain[0][0]


# ── Reasons ─────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("reason", "complaint"),
    [
        ("", "Give a reason"),
        ("   ", "Give a reason"),
        ("asked by marie@example.com", "Leave e-mail addresses"),
        ("she called from (506) 555-0123", "Leave e-mail addresses"),
        ("x" * 301, "at most 300"),
    ],
)
def test_without_a_fit_reason_nothing_happens(reason: str, complaint: str) -> None:
    row = NotificationFactory.create(status="failed")
    response = confirm(operator(VIEW, REPLAY), "replay", row, reason=reason)
    assert complaint in seen(response)
    assert fresh(row).status == "failed"
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize(
    "reason", ["INC-20251122: outage of 2025-11-22, 10:15 to 11:40", "Booking FR-0000700 moved"]
)
def test_dates_and_numbers_of_incidents_are_no_addresses(reason: str) -> None:
    row = NotificationFactory.create(status="failed")
    confirm(operator(VIEW, REPLAY), "replay", row, reason=reason)
    assert fresh(row).status == "queued"


# ── Doing ───────────────────────────────────────────────────────────────────────────────────────────────
def test_replay_queues_a_failed_message_again_and_is_on_record() -> None:
    rows = [
        *NotificationFactory.create_batch(2, status="failed", attempts=3),
        NotificationFactory.create(status="sent"),
    ]
    user = operator_user(VIEW, REPLAY)
    client = Client()
    client.force_login(user)
    response = confirm(client, "replay", *rows)
    assert told(response) == ["2 messages are queued again.", "Left alone: it is sent (1)."]
    for row in rows[:2]:
        again = fresh(row)
        assert (again.status, again.attempts, again.error) == ("queued", 0, None)
        [entry] = again.metadata["history"]
        assert (entry["what"], entry["by"], entry["reason"]) == ("replayed", f"staff:{user.pk}", WHY)
    entries = LogEntry.objects.filter(content_type__model="notification")
    assert {entry.object_id for entry in entries} == {str(row.pk) for row in rows[:2]}
    assert {(entry.user_id, entry.change_message) for entry in entries} == {
        (user.pk, f"replay (2 of 3): {WHY}")
    }
    page = seen(client.get(f"{QUEUE}{rows[0].pk}/history/"))
    assert f"replay (2 of 3): {WHY}" in page


def test_send_again_makes_a_child_and_leaves_the_parent() -> None:
    parent = NotificationFactory.create(status="sent")
    response = confirm(operator(VIEW, REPLAY), "send_again", parent)
    assert told(response) == ["1 new message is queued."]
    child = Notification.objects.get(parent=parent)
    assert (child.status, child.attempts, fresh(parent).status) == ("queued", 0, "sent")
    logged = {entry.object_id for entry in LogEntry.objects.all()}
    assert logged == {str(parent.pk), str(child.pk), str(BulkAct.objects.get().pk)}


def test_cancel_withholds_a_queued_message_with_the_reason() -> None:
    row = NotificationFactory.create(status="queued")
    client = operator(VIEW, CANCEL)
    assert told(confirm(client, "cancel", row)) == ["1 message is cancelled."]
    stopped = fresh(row)
    assert stopped.status == "cancelled"
    assert stopped.metadata["withheld"]["reason"] == WHY
    assert f"Not sent: {WHY}" in seen(client.get(f"{QUEUE}{row.pk}/change/"))


@pytest.mark.parametrize("status", ["queued", "processing", "sent", "failed", "cancelled"])
@pytest.mark.parametrize(
    ("name", "takes"),
    [
        ("replay", {"failed"}),
        ("send_again", {"sent", "cancelled"}),
        ("cancel", {"queued"}),
        ("reschedule", {"queued"}),
        ("prioritise", {"queued"}),
        ("settle", {"failed"}),
    ],
)
def test_each_act_takes_only_its_own_states(name: str, takes: set[str], status: str) -> None:
    row = NotificationFactory.create(status=status)
    if status == "failed":
        Notification.objects.filter(pk=row.pk).update(metadata={"outcome_unknown": True})
    before = Notification.objects.filter(pk=row.pk).values().get()
    response = confirm(operator(*ALL), name, row, **GIVEN.get(name, {}))
    assert any("Left alone" not in text for text in told(response)) == (status in takes)
    if status not in takes:
        assert Notification.objects.filter(pk=row.pk).values().get() == before
        assert Notification.objects.count() == 1
        assert not LogEntry.objects.exists()


# ── Twice, stale, at once ───────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("name", "status"),
    [("replay", "failed"), ("send_again", "sent"), ("send_again", "cancelled"), ("cancel", "queued")],
)
def test_sending_the_same_page_twice_does_it_once(name: str, status: str) -> None:
    row = NotificationFactory.create(status=status)
    client = operator(VIEW, REPLAY, CANCEL)
    page = client.post(act(name), {"ids": str(row.pk)})
    data = {"ids": page.context["ids"], "once": str(page.context["once"]), "confirmed": "1", "reason": WHY}
    first = client.post(act(name), data, follow=True)
    rows = list(Notification.objects.order_by("pk").values())
    second = client.post(act(name), data, follow=True)
    assert "Left alone" not in told(first)[0]
    assert told(second) == [f"Nothing was done a second time. The first time: {told(first)[0]}"]
    assert list(Notification.objects.order_by("pk").values()) == rows


def test_a_second_wish_to_send_again_is_another_message() -> None:
    row = NotificationFactory.create(status="sent")
    client = operator(VIEW, REPLAY)
    confirm(client, "send_again", row)
    confirm(client, "send_again", row)
    assert Notification.objects.filter(parent=row).count() == 2


def test_a_stale_page_finds_nothing_to_do() -> None:
    row = NotificationFactory.create(status="queued")
    client = operator(VIEW, CANCEL)
    page = client.post(act("cancel"), {"ids": str(row.pk)})
    Notification.objects.filter(pk=row.pk).update(
        status="sent", attempts=1, metadata={"sent_at": "2026-11-20T15:00:00+00:00"}
    )
    data = {"ids": page.context["ids"], "confirmed": "1", "reason": WHY, "once": str(page.context["once"])}
    response = client.post(act("cancel"), data, follow=True)
    assert told(response) == ["Left alone: it is sent (1)."]
    assert fresh(row).status == "sent"


@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_the_same_moment_make_one_message() -> None:
    row = NotificationFactory.create(status="sent")
    client = operator(VIEW, REPLAY)
    data = {"ids": str(row.pk), "confirmed": "1", "reason": WHY, "once": str(uuid.uuid4())}
    barrier = threading.Barrier(4)
    answers: list[int] = []

    def click() -> None:
        other = Client()
        other.cookies = client.cookies
        try:
            barrier.wait(30)
            answers.append(other.post(act("send_again"), data).status_code)
        finally:
            connection.close()

    clicks = [threading.Thread(target=click) for _ in range(4)]
    for thread in clicks:
        thread.start()
    for thread in clicks:
        thread.join(30)
    assert answers == [302] * 4
    assert Notification.objects.filter(parent=row).count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_row_in_somebody_elses_hands_is_left_alone(other_connection: Any) -> None:
    row = NotificationFactory.create(status="queued")
    other_connection.autocommit = False
    other_connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 8025))", [str(row.pk)])
    with transaction.atomic():
        assert lock_records([row.pk]) == [], "the test's own lock is the one that the street uses"
    response = confirm(operator(VIEW, CANCEL), "cancel", row)
    other_connection.rollback()
    assert told(response) == ["Left alone: a worker has it right now (1)."]
    assert fresh(row).status == "queued"


# ── Refusals ────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("name", "permissions"),
    [
        ("replay", (VIEW, CANCEL)),
        ("send_again", (VIEW, CANCEL)),
        ("cancel", (VIEW, REPLAY)),
        ("reschedule", (VIEW, REPLAY, CANCEL)),
        ("prioritise", (VIEW, REPLAY, CANCEL)),
        ("settle", (VIEW, REPLAY, CANCEL, RESCHEDULE)),
        ("replay", (REPLAY,)),
        ("cancel", ()),
    ],
)
def test_without_the_right_a_post_is_refused(name: str, permissions: tuple[str, ...]) -> None:
    rows = [NotificationFactory.create(status=status) for status in ("failed", "sent", "queued")]
    response = operator(*permissions).post(
        act(name), {"ids": chosen(*rows), "confirmed": "1", "reason": WHY, "once": str(uuid.uuid4())}
    )
    assert response.status_code == 403
    assert [fresh(row).status for row in rows] == ["failed", "sent", "queued"]
    assert Notification.objects.count() == 3


def test_without_the_right_the_lists_actions_are_not_offered_and_not_run() -> None:
    row = NotificationFactory.create(status="failed")
    viewer = operator(VIEW)
    assert "Replay failed messages" not in seen(viewer.get(QUEUE))
    response = viewer.post(
        QUEUE, {"action": "replay", "_selected_action": [str(row.pk)], "index": "0"}, follow=True
    )
    assert "Replay:" not in seen(response)
    assert fresh(row).status == "failed"
    assert "Replay failed messages" in seen(operator(VIEW, REPLAY).get(QUEUE))


def test_a_post_from_another_site_is_refused() -> None:
    row = NotificationFactory.create(status="failed")
    client = operator(VIEW, REPLAY, csrf=True)
    data = {"ids": str(row.pk), "confirmed": "1", "reason": WHY, "once": str(uuid.uuid4())}
    assert client.post(act("replay"), data).status_code == 403
    assert fresh(row).status == "failed"


@pytest.mark.parametrize("name", ["replay", "send_again", "cancel"])
def test_a_get_changes_nothing(name: str) -> None:
    row = NotificationFactory.create(status="failed")
    response = operator("*").get(
        act(name), {"ids": str(row.pk), "confirmed": "1", "reason": WHY}, follow=True
    )
    assert response.redirect_chain == [(QUEUE, 302)]
    assert told(response) == ["Choose the messages first."]
    assert fresh(row).status == "failed"


@pytest.mark.parametrize("ids", ["", "nonsense", ",,,", "'; DROP TABLE notification_queue; --"])
def test_ids_that_are_none_choose_nothing(ids: str) -> None:
    response = operator("*").post(act("replay"), {"ids": ids, "confirmed": "1", "reason": WHY}, follow=True)
    assert told(response) == ["No messages were chosen."]


def test_an_act_that_does_not_exist_is_not_found() -> None:
    assert operator("*").post(act("delete_all"), {"ids": "x"}).status_code == 404


def test_a_number_that_is_not_ours_cannot_clash_with_a_callers_key() -> None:
    row = NotificationFactory.create(status="sent")
    confirm(operator(VIEW, REPLAY), "send_again", row, once="invoice")
    key = Notification.objects.get(parent=row).idempotency_key
    assert key is not None
    assert key.startswith("again:")
    assert "invoice" not in key


def test_the_cap_of_one_step_is_the_functions_own() -> None:
    assert COUNT_LIMIT > CAP == 1000
