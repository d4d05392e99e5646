"""What becomes of a row after each outcome."""

import datetime as dt
import random
import uuid
from typing import Any

import pytest

from consent.policy import Decision
from notifications.conf import RetryPolicy
from notifications.errors import Misconfigured, Outcome, Permanent, Sent, Transient, Unknown
from notifications.message import Claimed
from notifications.verdict import Verdict, after_delivery, put_back, unrenderable, withheld

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)


def claimed(**changes: Any) -> Claimed:
    values: dict[str, Any] = {
        "id": uuid.uuid4(),
        "lease_token": uuid.uuid4(),
        "channel": "email",
        "category": "reminder",
        "to": {"customer_id": "1"},
        "recipient_key": "customer:1",
        "template_version_id": None,
        "subject": None,
        "payload": {},
        "metadata": {},
        "priority": 2,
        "attempts": 1,
        "scheduled_at": NOW,
        "expires_at": None,
    }
    return Claimed(**{**values, **changes})


def judge(outcome: Outcome, *, resends_unknown: bool = True, **row: Any) -> Verdict:
    return after_delivery(
        claimed(**row),
        outcome,
        policy=RetryPolicy(),
        resends_unknown=resends_unknown,
        now=NOW,
        rng=random.Random(1),
    )


def test_sent_keeps_the_moment_and_the_reference() -> None:
    verdict = judge(Sent(reference="abc"))
    assert (verdict.status, verdict.error, verdict.refund) == ("sent", None, False)
    assert verdict.metadata == {"sent_at": NOW.isoformat(), "provider_reference": "abc"}


def test_transient_waits_and_says_why() -> None:
    verdict = judge(Transient("503", "busy"))
    assert (verdict.status, verdict.error, verdict.refund) == ("queued", "503: busy", False)
    assert verdict.scheduled_at is not None
    assert NOW + dt.timedelta(seconds=15) <= verdict.scheduled_at <= NOW + dt.timedelta(seconds=30)


def test_retry_after_is_honoured() -> None:
    verdict = judge(Transient("429", retry_after=dt.timedelta(minutes=10)))
    assert verdict.scheduled_at == NOW + dt.timedelta(minutes=10)


@pytest.mark.parametrize("outcome", [Transient("503"), Unknown("timeout")])
def test_the_third_failure_is_final(outcome: Outcome) -> None:
    assert judge(outcome, attempts=2).status == "queued"
    assert judge(outcome, attempts=3).status == "failed"


def test_a_retry_after_the_expiry_is_withheld_instead() -> None:
    verdict = judge(Transient("503"), expires_at=NOW + dt.timedelta(seconds=5))
    assert verdict.status == "cancelled"
    assert verdict.metadata["withheld"]["rule"] == "expired"


def test_a_permanent_failure_is_not_tried_again() -> None:
    verdict = judge(Permanent("400", "bad field"))
    assert (verdict.status, verdict.error) == ("failed", "400: bad field")


def test_a_misconfiguration_burns_no_attempt_and_keeps_the_row_due() -> None:
    verdict = judge(Misconfigured("401", "bad key"))
    assert (verdict.status, verdict.scheduled_at, verdict.refund) == ("queued", None, True)


def test_a_lost_answer_is_sent_again_only_where_the_policy_says_so() -> None:
    assert judge(Unknown("timeout"), resends_unknown=True).status == "queued"
    left = judge(Unknown("timeout"), resends_unknown=False)
    assert (left.status, left.metadata["outcome_unknown"]) == ("failed", True)
    assert left.error == "outcome_unknown: timeout"


def test_browsers_that_took_a_push_are_remembered_over_attempts() -> None:
    verdict = judge(
        Transient("503", detail={"accepted": ["b"]}), channel="push", metadata={"push_accepted": ["a"]}
    )
    assert verdict.metadata["push_accepted"] == ["a", "b"]


def test_nothing_sent_gives_the_attempt_back() -> None:
    refused = withheld(Decision(False, "consent.revoked", "No."), now=NOW)
    assert (refused.status, refused.refund) == ("cancelled", True)
    assert refused.metadata["withheld"] == {
        "stage": "delivery",
        "rule": "consent.revoked",
        "reason": "No.",
        "at": NOW.isoformat(),
    }
    assert (put_back().status, put_back().refund) == ("queued", True)
    assert unrenderable("no name").error == "render: no name"
