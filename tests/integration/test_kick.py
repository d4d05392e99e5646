"""A commit that enqueued starts one drain, however many commits come before it begins."""

from typing import Any

import pytest
from django.db import transaction

from notifications import kick
from notifications.kick import begin_drain
from tests.factories import CustomerFactory
from tests.messages import queued

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("templates")]
calls: list[str] = []


def count() -> None:
    calls.append("kick")


def fail() -> None:
    raise OSError("the broker is down")


@pytest.fixture(autouse=True)
def counted(settings: Any) -> None:
    calls.clear()
    settings.NOTIFICATIONS = {**settings.NOTIFICATIONS, "KICK": f"{__name__}.count"}


def test_many_messages_in_one_transaction_kick_once_and_only_after_the_commit() -> None:
    with transaction.atomic():
        for _ in range(3):
            queued()
        assert calls == []
    assert calls == ["kick"]


def test_commits_before_the_drain_begins_do_not_kick_again_and_later_ones_do() -> None:
    queued()
    queued()
    assert len(calls) == 1
    begin_drain()
    queued()
    assert len(calls) == 2


def test_a_kick_that_was_lost_is_repeated_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    queued()
    monkeypatch.setattr(kick, "PATIENCE", kick.PATIENCE * 0)
    queued()
    assert len(calls) == 2


def test_a_rollback_or_a_withheld_message_kicks_nobody() -> None:
    with transaction.atomic():
        queued()
        transaction.set_rollback(True)
    queued(CustomerFactory.create(email=""))
    assert calls == []


def test_a_broker_that_is_down_does_not_break_the_callers_commit(settings: Any) -> None:
    settings.NOTIFICATIONS = {**settings.NOTIFICATIONS, "KICK": f"{__name__}.fail"}
    assert queued().status == "queued"
