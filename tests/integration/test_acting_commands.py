"""The commands that act on messages: by ids or filters, with a reason, recorded as the admin's acts are, and taken back."""

import datetime as dt
import json
import uuid
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from notifications.bulk.order import Wish, ask
from notifications.models import BulkAct, Notification
from tests.messages import fresh
from tests.notification_factories import NotificationFactory

pytestmark = pytest.mark.django_db
DOUBT = {"outcome_unknown": True}


def said(capsys: pytest.CaptureFixture[str], name: str, *ids: object, **options: Any) -> str:
    call_command(name, *map(str, ids), **{"reason": "The hall is closed.", **options})
    return capsys.readouterr().out


def test_cancel_stops_what_its_filters_select_and_records_an_act(capsys: pytest.CaptureFixture[str]) -> None:
    mine, other = NotificationFactory.create(channel="sms"), NotificationFactory.create()
    answer = json.loads(said(capsys, "cancel_notifications", channel="sms", json=True))
    act = BulkAct.objects.get()
    assert answer == {"cancelled": 1, "skipped": {}, "dry_run": False, "act": str(act.pk)}
    assert (act.by, act.reason, act.done, act.status) == ("command", "The hall is closed.", 1, "done")
    assert (fresh(mine).status, fresh(other).status) == ("cancelled", "queued")


def test_named_ones_that_do_not_go_are_told_why(capsys: pytest.CaptureFixture[str]) -> None:
    row, sent = NotificationFactory.create(), NotificationFactory.create(status="sent")
    text = said(capsys, "cancel_notifications", row.pk, sent.pk, uuid.UUID(int=1))
    assert "1 cancelled." in text
    assert "1 left alone: it is sent." in text
    assert "1 left alone: no such notification." in text


def test_reschedule_prioritise_and_settle(capsys: pytest.CaptureFixture[str]) -> None:
    row, lost = NotificationFactory.create(), NotificationFactory.create(status="failed", metadata=DOUBT)
    to = timezone.now() + dt.timedelta(days=1)
    said(capsys, "reschedule_notifications", row.pk, to=to.isoformat())
    said(capsys, "prioritise_notifications", row.pk, priority=0)
    said(capsys, "settle_notifications", lost.pk, was="not-sent", replay=True)
    assert (fresh(row).scheduled_at, fresh(row).priority) == (to, 0)
    assert (fresh(lost).status, fresh(lost).metadata.get("outcome_unknown")) == ("queued", None)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("cancel_notifications", {}),
        ("reschedule_notifications", {"to": "2036-01-01T09:00"}),
        ("prioritise_notifications", {"priority": 0}),
        ("settle_notifications", {"was": "sent"}),
        ("replay_notifications", {}),
    ],
)
def test_a_dry_run_counts_and_records_nothing(
    name: str, options: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    NotificationFactory.create()
    NotificationFactory.create(status="failed", metadata=DOUBT)
    before = list(Notification.objects.order_by("pk").values())
    everything = {} if name == "replay_notifications" else {"all": True}
    assert said(capsys, name, dry_run=True, **everything, **options).startswith("1 would")
    assert list(Notification.objects.order_by("pk").values()) == before
    assert not BulkAct.objects.exists()


@pytest.mark.parametrize(
    ("name", "given", "says"),
    [
        ("cancel_notifications", [], "--all"),
        ("cancel_notifications", ["nonsense"], "no id of a notification"),
        ("cancel_notifications", [str(uuid.UUID(int=1)), "--channel", "sms"], "not both"),
        ("cancel_notifications", ["--all", "--limit", "0"], "--limit"),
        ("cancel_notifications", ["--since", "yesterday"], "--since"),
        ("reschedule_notifications", ["--all", "--to", "tomorrow"], "--to"),
        ("prioritise_notifications", ["--all", "--priority", "9"], "--priority"),
        ("settle_notifications", ["--all", "--was", "sent", "--replay"], "--replay goes with"),
    ],
)
def test_wrong_options_are_explained(name: str, given: list[str], says: str) -> None:
    with pytest.raises(CommandError, match=says):
        call_command(name, "--reason", "x", *given)


def test_a_reason_holds_no_address() -> None:
    with pytest.raises(CommandError, match="--reason"):
        call_command("cancel_notifications", "--all", "--reason", "asked by marie@example.com")


# ── acts ────────────────────────────────────────────────────────────────────────────────────────────────
def waiting() -> BulkAct:
    NotificationFactory.create(status="failed")
    wish = Wish("replay", by="staff:1", reason="Down.", query="status__exact=failed")
    return ask(wish, now=timezone.now())[0]


def test_it_lists_them_does_what_waits_and_takes_back(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("acts")
    assert "Nobody has acted" in capsys.readouterr().out
    act = waiting()
    call_command("acts")
    assert f"{act.pk}  replay     waiting  0 of ?" in capsys.readouterr().out
    call_command("acts", run=True)
    assert "done     1 of 1, 0 left alone; state: Failed; Down." in capsys.readouterr().out
    call_command("acts", undo=act.pk, reason="A slip.", json=True)
    (undo,) = json.loads(capsys.readouterr().out)
    assert (undo["act"], undo["undoes"], undo["done"], undo["status"]) == ("undo", str(act.pk), 1, "done")
    assert Notification.objects.get().status == "failed"


def test_it_stops_one(capsys: pytest.CaptureFixture[str]) -> None:
    act = waiting()
    call_command("acts", stop=act.pk)
    assert "stopped" in capsys.readouterr().out
    with pytest.raises(CommandError, match="over already"):
        call_command("acts", stop=act.pk)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"stop": uuid.UUID(int=1)}, "no act"),
        ({"undo": uuid.UUID(int=1), "reason": "x"}, "no act"),
        ({"limit": 0}, "--limit"),
    ],
)
def test_what_cannot_be_is_explained(options: dict[str, Any], says: str) -> None:
    with pytest.raises(CommandError, match=says):
        call_command("acts", **options)


def test_an_undo_needs_a_reason_and_something_to_undo() -> None:
    act = waiting()
    with pytest.raises(CommandError, match="--reason"):
        call_command("acts", undo=act.pk)
    with pytest.raises(CommandError, match="running"):
        call_command("acts", undo=act.pk, reason="x")
