"""One worker that has the same row twice, by an older and a newer claim: only the newer one counts, and nothing breaks."""

import datetime as dt
import random
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from django.utils import timezone

from notifications.channels.registry import CHANNELS
from notifications.conf import conf
from notifications.courier import Courier
from notifications.intake import Intake
from notifications.lane import Lane
from notifications.message import Claimed, Delivery
from notifications.models import Notification
from notifications.prepare import prepare
from notifications.record import record
from notifications.release import release
from notifications.settle import Settlement
from notifications.verdict import Verdict
from notifications.worker import drain
from sandbox.testing import SandboxServer
from tests.messages import claimed, fresh, queued

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("templates")]


class Hands:
    """The middle of a drain, one step at a time, for e-mail."""

    def __init__(self) -> None:
        self.books = Settlement(conf(), now=None, rng=random.Random(1))
        self.courier = Courier(width=4)
        self.intake = Intake(self.books, self.courier)
        self.lane = Lane(CHANNELS["email"](), conf())

    def take(self) -> Claimed:
        (row,) = claimed()
        ready, settled = prepare([row], now=timezone.now())
        assert not settled
        self.lane.add(ready)
        return row

    def land(self) -> None:
        while self.lane.flying:
            landed = self.lane.landed(self.courier.finished(enough=1, patience=1.0))
            self.books.finish(self.lane, landed)


@pytest.fixture
def hands(sandbox: SandboxServer) -> Iterator[Hands]:
    made = Hands()
    yield made
    made.courier.close()


def crash() -> None:
    """A server that went down before the claim's COMMIT was on disk comes back without it (`claim.RELAXED`)."""
    Notification.objects.update(status="queued", attempts=0, lease_token=None, lease_until=None)


def test_a_claim_that_a_crash_took_back_is_not_sent_beside_its_newer_one(
    hands: Hands, sandbox: SandboxServer
) -> None:
    row = queued()
    first = hands.take()
    crash()
    second = hands.take()
    assert first.id == second.id
    hands.intake.send_off(hands.lane)
    assert list(hands.lane.flying) == [second.hold]
    hands.land()
    assert len(sandbox.messages()) == 1
    assert fresh(row).status == "sent"


def test_a_late_call_and_its_successor_both_land(hands: Hands, sandbox: SandboxServer) -> None:
    row = queued()
    first = hands.take()
    hands.intake.send_off(hands.lane)
    Notification.objects.update(lease_until=timezone.now() - dt.timedelta(seconds=1))
    release()  # the outcome is unknown, so an e-mail is sent again
    Notification.objects.update(scheduled_at=timezone.now())
    second = hands.take()
    hands.intake.send_off(hands.lane)
    assert set(hands.lane.flying) == {first.hold, second.hold}
    hands.land()
    assert len(sandbox.messages()) == 2
    after = fresh(row)
    assert after.status == "sent"
    assert sorted(attempt.outcome for attempt in after.delivery_attempts.all()) == ["sent", "sent", "unknown"]


def test_a_record_that_fails_for_one_channel_takes_no_other_answer_with_it(
    sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    mail, text = queued(), queued(channel="sms")

    def fail_for_mail(
        verdicts: Sequence[tuple[Claimed, Verdict]], deliveries: Sequence[Delivery] = ()
    ) -> Any:
        if any(delivery.claimed.channel == "email" for delivery in deliveries):
            raise RuntimeError("the disk is full")
        return record(verdicts, deliveries)

    monkeypatch.setattr("notifications.settle.record", fail_for_mail)
    with pytest.raises(RuntimeError, match="disk is full"):
        drain()
    assert (fresh(mail).status, fresh(text).status) == ("processing", "sent")
