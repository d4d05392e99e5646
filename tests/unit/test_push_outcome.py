"""One outcome for all the browsers of a person."""

import uuid

import pytest

from notifications.channels.push import combine
from notifications.errors import Misconfigured, Outcome, Permanent, Sent, Transient, Unknown
from notifications.message import Message, PushTarget, Rendered


def message(count: int, *, already_accepted: bool = False) -> Message:
    return Message(
        id=uuid.uuid4(),
        channel="push",
        category="reminder",
        recipient_key="customer:1",
        rendered=Rendered("en", {}),
        push_targets=tuple(PushTarget(f"s{i}", f"https://push.example/{i}", "", "") for i in range(count)),
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


def test_the_detail_names_who_took_it_and_who_is_gone() -> None:
    result = combine(message(3), {"s0": Sent("a"), "s1": Permanent("404"), "s2": Transient("500")})
    assert result.detail == {"accepted": ["s0"], "gone": ["https://push.example/1"]}


def test_a_retry_that_finds_only_gone_browsers_is_sent_all_the_same() -> None:
    assert isinstance(combine(message(1, already_accepted=True), {"s0": Permanent("410")}), Sent)
    assert isinstance(combine(message(1), {"s0": Permanent("410")}), Permanent)
