"""What each gate said is read from the one answer that a row keeps: those before it passed, those after it were not reached."""

import datetime as dt
from typing import Any

import pytest

from notifications.gate_ladder import Gate, Said, gate_of, ladder
from notifications.models import DeliveryAttempt, Notification
from notifications.models.kept import Kept
from notifications.why import GateAnswer

AT = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
PASSED, HELD, WITHHELD = Said.PASSED, Said.HELD, Said.WITHHELD
NOT_ASKED, NOT_REACHED, NOT_YET, NOT_KEPT = Said.NOT_ASKED, Said.NOT_REACHED, Said.NOT_YET, Said.NOT_KEPT


@pytest.fixture(autouse=True)
def _rules(settings: Any) -> None:
    settings.NOTIFICATIONS = {
        **settings.NOTIFICATIONS, "QUIET_HOURS": {"reminder": {"sms": "08:00-21:00"}}, "RELEVANCE": {},
        "CAPS": {"marketing": ((1, dt.timedelta(days=1)),)},
    }  # fmt: skip


def row(**given: Any) -> Notification:
    values = {"channel": "sms", "category": "reminder", "status": "queued", "metadata": {}, **given}
    return Notification(**values)


def said(
    rule: str, answer: str = "allowed", stage: str = "enqueue", minutes: int = 0, reason: str = ""
) -> GateAnswer:
    return GateAnswer(AT + dt.timedelta(minutes=minutes), stage, answer, rule, reason)


def tried(minutes: int) -> DeliveryAttempt:
    return DeliveryAttempt(started_at=AT + dt.timedelta(minutes=minutes), number=1)


def steps(message: Notification, *answers: GateAnswer, attempts: Any = ()) -> dict[Gate, tuple[Said, Said]]:
    return {rung.gate: (rung.enqueue.said, rung.delivery.said) for rung in ladder(message, answers, attempts)}


def test_what_was_allowed_passed_each_gate_that_had_something_to_ask() -> None:
    found = steps(row(), said("consent.not_revoked"))
    assert found == {
        Gate.EXPIRED: (NOT_ASKED, NOT_ASKED),
        Gate.REACHABLE: (PASSED, NOT_YET),
        Gate.SUPPRESSED: (PASSED, NOT_YET),
        Gate.CONSENT: (PASSED, NOT_YET),
        Gate.RELEVANT: (NOT_ASKED, NOT_ASKED),
        Gate.STOPPED: (NOT_ASKED, NOT_ASKED),
        Gate.FREQUENCY: (NOT_ASKED, NOT_ASKED),
        Gate.HOURS: (PASSED, NOT_YET),
    }
    marketing = steps(row(channel="push", category="marketing"), said("consent.granted"))
    assert marketing[Gate.SUPPRESSED] == (NOT_ASKED, NOT_ASKED)
    assert (marketing[Gate.STOPPED][0], marketing[Gate.FREQUENCY][0]) == (PASSED, PASSED)


def test_the_gate_that_withheld_is_the_last_one_reached() -> None:
    found = steps(row(status="cancelled"), said("consent.revoked", "withheld"))
    assert found[Gate.SUPPRESSED] == (PASSED, NOT_REACHED)
    assert found[Gate.CONSENT] == (WITHHELD, NOT_REACHED)
    assert found[Gate.HOURS] == (NOT_REACHED, NOT_REACHED)


def test_a_hold_stands_beside_the_consent_that_it_was_allowed_by() -> None:
    consent = said("consent.not_revoked")
    rungs = ladder(row(), [consent, said("quiet_hours", "held")], [])
    by_gate = {rung.gate: rung.enqueue for rung in rungs}
    assert (by_gate[Gate.CONSENT].said, by_gate[Gate.CONSENT].answer) == (PASSED, consent)
    assert by_gate[Gate.HOURS].said == HELD


def test_a_hold_that_is_over_is_not_told_as_the_last_word() -> None:
    held = said("quiet_hours", "held", "delivery", minutes=5)
    assert steps(row(), said("consent.not_revoked"), held)[Gate.HOURS] == (PASSED, HELD)
    after = steps(
        row(status="failed", error="x"), said("consent.not_revoked"), held, attempts=[tried(minutes=9)]
    )
    assert after[Gate.HOURS] == (PASSED, PASSED)
    sent = said("consent.not_revoked", "allowed", "delivery", minutes=9)
    assert steps(row(status="sent"), said("consent.not_revoked"), held, sent)[Gate.HOURS] == (PASSED, PASSED)


def test_an_attempt_proves_that_the_gates_let_it_pass() -> None:
    found = steps(row(status="failed", error="550"), said("consent.not_revoked"), attempts=[tried(minutes=1)])
    assert found[Gate.CONSENT] == (PASSED, PASSED)


@pytest.mark.parametrize(
    ("reason", "gate"),
    [
        ("It was no longer useful after 2026-11-20 12:00 UTC.", Gate.EXPIRED),
        ("Quiet hours came first. It is 23:00 for the recipient.", Gate.HOURS),
        ("Its category was stopped. Marketing is stopped.", Gate.STOPPED),
        ("It waited for another one. Another message.", Gate.FREQUENCY),
        ("It was never confirmed. Whether.", Gate.RELEVANT),
    ],
)
def test_an_expiry_belongs_to_the_gate_that_would_have_held_it(reason: str, gate: Gate) -> None:
    assert gate_of(said("expired", "withheld", reason=reason)) == gate


def test_what_is_not_on_record_is_said_to_be_not() -> None:
    assert steps(row(status="sent"))[Gate.CONSENT] == (NOT_KEPT, NOT_KEPT)
    again = row(status="sent")
    again.parent_id = again.pk
    assert steps(again, said("consent.granted", stage="delivery"))[Gate.CONSENT] == (NOT_ASKED, PASSED)
    past = row(status="cancelled")
    past.kept = Kept(AT, ())
    assert steps(past, said("consent.revoked", "withheld"))[Gate.EXPIRED] == (PASSED, NOT_REACHED)
    person = steps(
        row(status="cancelled"), said("consent.granted"), said("cancelled", "withheld", "operator")
    )
    assert person[Gate.CONSENT] == (PASSED, NOT_REACHED)
