"""Replay, send again, cancel: guarded by status, with a reason, and never on a row that a worker holds."""

import datetime as dt
import json
import uuid
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from notifications.cancel import cancel
from notifications.models import Notification
from notifications.replay import CAP, replay, send_again
from tests.messages import claimed, fresh, queued

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("templates")]
BY: dict[str, Any] = {"by": "staff:1", "reason": "The provider was down."}


def in_state(status: str, **changes: Any) -> Notification:
    row = queued()
    facts: dict[str, dict[str, Any]] = {
        "queued": {},
        "sent": {"metadata": {"sent_at": "x", "provider_reference": "r"}},
        "failed": {"error": "503: busy", "attempts": 3},
        "cancelled": {
            "metadata": {
                "withheld": {
                    "stage": "enqueue",
                    "rule": "r",
                    "reason": "R.",
                    "at": "2026-11-20T12:00:00+00:00",
                }
            }
        },
    }
    Notification.objects.filter(pk=row.pk).update(status=status, **{**facts[status], **changes})
    return fresh(row)


def test_a_failed_row_is_queued_again_with_its_history() -> None:
    row = in_state("failed")
    assert replay([row.pk], **BY).done == (row.pk,)
    after = fresh(row)
    assert (after.status, after.attempts, after.error) == ("queued", 0, None)
    (entry,) = after.metadata["history"]
    assert (entry["what"], entry["by"], entry["reason"]) == ("replayed", "staff:1", "The provider was down.")
    assert replay([row.pk], **BY).skipped == {"it is queued": 1}


@pytest.mark.parametrize("status", ["queued", "sent", "cancelled"])
def test_replay_touches_failed_rows_only(status: str) -> None:
    row = in_state(status)
    result = replay([row.pk, uuid.uuid4()], **BY)
    assert (result.done, result.skipped) == ((), {f"it is {status}": 1, "no such notification": 1})
    assert fresh(row).status == status


def test_an_expired_failure_is_left_alone() -> None:
    row = in_state("failed", expires_at=timezone.now() - dt.timedelta(minutes=1))
    assert replay([row.pk], **BY).skipped == {"it has expired": 1}


@pytest.mark.parametrize("status", ["sent", "cancelled"])
def test_send_again_makes_a_child_and_leaves_the_parent(status: str) -> None:
    row = in_state(status)
    (child_id,) = send_again([row.pk], **BY).done
    child = fresh(child_id)
    assert (child.parent_id, child.status, child.attempts) == (row.pk, "queued", 0)
    assert (child.template_version_id, child.payload, child.to) == (
        row.template_version_id,
        row.payload,
        row.to,
    )
    assert {"sent_at", "withheld"} & set(child.metadata) == set()
    assert fresh(row).status == status


def test_cancel_stops_queued_rows_and_nothing_else() -> None:
    waiting, sent = in_state("queued"), in_state("sent")
    result = cancel([waiting.pk, sent.pk], **BY)
    assert (result.done, result.skipped) == ((waiting.pk,), {"it is sent": 1})
    withheld = fresh(waiting).metadata["withheld"]
    assert (withheld["stage"], withheld["reason"], withheld["by"]) == ("operator", BY["reason"], "staff:1")
    assert claimed() == []


def test_a_row_that_a_worker_holds_is_left_to_it() -> None:
    row = queued()
    claimed()
    assert cancel([row.pk], **BY).skipped == {"a worker has it right now": 1}
    assert fresh(row).status == "processing"


@pytest.mark.django_db(transaction=True)
def test_a_row_whose_lock_is_held_is_left_alone(other_connection: Any) -> None:
    row = in_state("failed")
    other_connection.autocommit = False
    with other_connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s::text, 8025))", [str(row.pk)])
    assert replay([row.pk], **BY).skipped == {"a worker has it right now": 1}
    other_connection.rollback()
    assert replay([row.pk], **BY).done == (row.pk,)


def test_a_dry_run_counts_and_changes_nothing() -> None:
    row = in_state("failed")
    assert replay([row.pk], dry_run=True, **BY).done == (row.pk,)
    assert fresh(row).status == "failed"


@pytest.mark.parametrize("act", [replay, send_again, cancel])
def test_a_reason_is_needed_and_one_call_is_bounded(act: Any) -> None:
    with pytest.raises(ValueError, match="reason"):
        act([uuid.uuid4()], by="staff:1", reason="  ")
    with pytest.raises(ValueError, match="limit is 1000"):
        act([uuid.uuid4() for _ in range(CAP + 1)], **BY)


def test_the_command_replays_what_its_filters_select(capsys: pytest.CaptureFixture[str]) -> None:
    down, bad = in_state("failed"), in_state("failed", error="400: bad field")
    call_command("replay_notifications", reason="was down", error="503", json=True)
    answer = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert {key: answer[key] for key in ("replayed", "skipped", "dry_run")} == {
        "replayed": 1,
        "skipped": {},
        "dry_run": False,
    }
    assert (fresh(down).status, fresh(bad).status) == ("queued", "failed")


@pytest.mark.parametrize(
    ("options", "says"),
    [({"reason": " "}, "--reason"), ({"since": "yesterday"}, "--since"), ({"limit": 0}, "--limit")],
)
def test_the_command_explains_wrong_options(options: dict[str, Any], says: str) -> None:
    with pytest.raises(CommandError, match=says):
        call_command("replay_notifications", **{"reason": "x", **options})
