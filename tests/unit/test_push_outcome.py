"""One outcome for all the browsers of a person."""

import uuid

import pytest

from notifications.channels.push import combine
from notifications.channels.push_refusals import SUSPICIOUS, SUSPICIOUS_NOW, Refusals
from notifications.errors import Misconfigured, Outcome, Permanent, Sent, Transient, Unknown
from notifications.message import Message, PushTarget, Rendered


def message(count: int, *, already_accepted: bool = False, key_works: bool = False, at: str = "") -> Message:
    return Message(
        id=uuid.uuid4(),
        channel="push",
        category="reminder",
        recipient_key="customer:1",
        rendered=Rendered("en", {}),
        push_targets=tuple(
            PushTarget(f"s{i}", f"https://push.example/{at}{i}", "", "", key_works) for i in range(count)
        ),
        already_accepted=already_accepted,
    )


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ([Sent("a"), Sent("b")], Sent),
        ([Sent("a"), Permanent("410")], Sent),
        ([Sent("a"), Transient("503")], Transient),
        ([Sent("a"), Misconfigured("403")], Sent),
        ([Sent("a"), Unknown("timeout")], Sent),
        ([Misconfigured("403"), Permanent("410")], Misconfigured),
        ([Unknown("timeout")], Unknown),
        ([Permanent("413")], Permanent),
        ([], Permanent),
    ],
)
def test_who_took_it_decides(outcomes: list[Outcome], expected: type[Outcome]) -> None:
    result = combine(message(len(outcomes)), {f"s{i}": outcome for i, outcome in enumerate(outcomes)})
    assert isinstance(result, expected)


def test_the_detail_names_who_took_it_who_is_gone_and_who_refused_our_key() -> None:
    outcomes: dict[str, Outcome] = {
        "s0": Sent("a"),
        "s1": Permanent("404"),
        "s2": Transient("500"),
        "s3": Misconfigured("403"),
        "s4": Misconfigured("401"),
    }
    result = combine(message(5), outcomes)
    assert result.detail == {
        "accepted": ["s0"],
        "gone": ["https://push.example/1"],
        "refused": ["https://push.example/3"],
    }


def test_a_retry_that_finds_only_gone_browsers_is_sent_all_the_same() -> None:
    assert isinstance(combine(message(1, already_accepted=True), {"s0": Permanent("410")}), Sent)
    assert isinstance(combine(message(1), {"s0": Permanent("410")}), Permanent)


def refused_by(refusals: Refusals, at: str, *, key_works: bool) -> Outcome:
    one = message(1, key_works=key_works, at=at)
    return refusals.judge(one, combine(one, {"s0": Misconfigured("403")}))


def accepted_by(refusals: Refusals) -> None:
    refusals.judge(message(1), combine(message(1), {"s0": Sent("a")}))


def test_a_key_that_nobody_is_known_to_take_is_ours_to_mend() -> None:
    assert isinstance(refused_by(Refusals(), "a", key_works=False), Misconfigured)


def test_one_browser_that_refuses_a_good_key_is_tried_again_and_counted() -> None:
    outcome = refused_by(Refusals(), "a", key_works=True)
    assert isinstance(outcome, Transient)
    assert outcome.detail["refused"] == ["https://push.example/a0"]


def test_the_same_browser_again_and_again_says_nothing_about_our_key() -> None:
    refusals = Refusals()
    outcomes = [refused_by(refusals, "a", key_works=True) for _ in range(SUSPICIOUS_NOW)]
    assert {type(outcome) for outcome in outcomes} == {Transient}


def test_several_browsers_in_a_row_speak_against_our_key_however_good_it_was() -> None:
    refusals = Refusals()
    outcomes = [refused_by(refusals, f"{n}-", key_works=True) for n in range(SUSPICIOUS)]
    assert [type(outcome) for outcome in outcomes] == [Transient] * (SUSPICIOUS - 1) + [Misconfigured]


def test_an_acceptance_begins_the_row_anew_and_makes_us_patient() -> None:
    refusals = Refusals()
    for n in range(SUSPICIOUS - 1):
        refused_by(refusals, f"{n}-", key_works=True)
    accepted_by(refusals)
    outcomes = [refused_by(refusals, f"later{n}-", key_works=False) for n in range(SUSPICIOUS_NOW)]
    assert [type(outcome) for outcome in outcomes] == [Transient] * (SUSPICIOUS_NOW - 1) + [Misconfigured]


def test_a_wrong_signature_is_ours_whoever_took_it_before() -> None:
    refusals = Refusals()
    accepted_by(refusals)
    one = message(1, key_works=True)
    assert isinstance(refusals.judge(one, combine(one, {"s0": Misconfigured("401")})), Misconfigured)
