"""How decisions become a state: whatever order they are heard in, however often, the same state stands."""

import datetime as dt
from dataclasses import replace
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.ledger import Change, ConsentError, State, fold

START = dt.datetime(2026, 3, 1, 12, 0, tzinfo=dt.UTC)
KEY = ("c1", "email", "marketing")


def change(day: int, enabled: bool, source: str = "web_form") -> Change:
    return Change(*KEY, enabled=enabled, source=source, actor="customer", at=START + dt.timedelta(days=day))


@st.composite
def histories(draw: st.DrawFn) -> list[Change]:
    days = draw(st.lists(st.integers(0, 30), min_size=1, max_size=8, unique=True))
    return [change(day, draw(st.booleans())) for day in days]


@given(histories())
def test_the_later_decision_stands(history: list[Change]) -> None:
    states, _ = fold({}, history)
    assert states[KEY].enabled is max(history, key=lambda one: one.at).enabled


@given(histories())
def test_hearing_everything_again_is_no_news(history: list[Change]) -> None:
    states, news = fold({}, history)
    again, more = fold(states, history, known={one.fact for one in news})
    assert more == []
    assert again == states


@given(histories(), st.permutations(range(8)), st.permutations(range(8)))
def test_the_state_is_what_the_ledger_says_in_whatever_order_it_is_read(
    history: list[Change], arrival: list[int], reading: list[int]
) -> None:
    """Changes come in one at a time in any order; a rebuild then reads what was written, in any other."""
    states: dict[tuple[str, str, str], State] = {}
    ledger: list[Change] = []
    for place in arrival[: len(history)]:
        states, news = fold(states, [history[place % len(history)]], known={one.fact for one in ledger})
        ledger += news
    in_order = [ledger[place] for place in reading if place < len(ledger)]
    rebuilt = reduce(State.after, in_order, State())
    assert (states[KEY].granted_at, states[KEY].revoked_at) == (rebuilt.granted_at, rebuilt.revoked_at)


def test_an_old_grant_cannot_undo_a_newer_unsubscribe_but_is_kept_as_proof() -> None:
    states, _ = fold({}, [change(10, False)])
    after, news = fold(states, [change(5, True)])
    assert not after[KEY].enabled
    assert [one.at for one in news] == [START + dt.timedelta(days=5)]
    assert after[KEY].source == "web_form"


@given(histories())
def test_who_says_no_on_another_day_is_not_brought_back_by_an_older_yes(history: list[Change]) -> None:
    """One at a time, as they happen, and then an old file with a yes of any day before the last no."""
    states: dict[tuple[str, str, str], State] = {}
    ledger: list[Change] = []
    for one in sorted([*history, change(31, False)], key=lambda one: one.at):
        states, news = fold(states, [one], known={known.fact for known in ledger})
        ledger += news
    for day in range(31):
        after, _ = fold(states, [change(day, True, "import")], known={known.fact for known in ledger})
        assert not after[KEY].enabled


def test_a_no_that_is_posted_twice_is_one() -> None:
    twice = replace(change(1, False), at=START + dt.timedelta(days=1, hours=23))
    states, _ = fold({}, [change(1, False)])
    assert fold(states, [twice])[1] == []
    assert fold(states, [twice], asked={KEY: START})[1] == []
    assert fold(states, [twice], asked={KEY: START + dt.timedelta(days=1, hours=1)})[1] == [twice]


def test_what_a_provider_says_again_is_nobodys_new_decision() -> None:
    states, _ = fold({}, [change(1, False)])
    assert fold(states, [replace(change(9, False), actor="provider:sendgrid")])[1] == []


def test_at_the_same_moment_the_revocation_stands_whichever_is_heard_first() -> None:
    for first, second in ((True, False), (False, True)):
        states, _ = fold({}, [change(1, first)])
        after, news = fold(states, [change(1, second)])
        assert not after[KEY].enabled
        assert len(news) == 1


def test_the_source_is_the_one_of_the_decision_that_stands() -> None:
    states, _ = fold({}, [change(1, True, "web_form"), change(9, False, "one_click")])
    after, _ = fold(states, [change(4, True, "import")])
    assert after[KEY].source == "one_click"


def test_news_come_oldest_first() -> None:
    _, news = fold({}, [change(9, False), change(1, True), change(5, False)])
    assert [one.at.day for one in news] == [2, 6, 10]


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("channel", "inapp", "consent.no_channel"),
        ("channel", "fax", "consent.no_channel"),
        ("category", "gossip", "consent.no_category"),
        ("category", "security", "consent.mandatory"),
        ("category", "transactional", "consent.mandatory"),
        ("source", "rumour", "consent.no_source"),
        ("customer_id", "", "consent.nobody"),
        ("actor", "", "consent.nobody"),
        ("at", START.replace(tzinfo=None), "consent.naive_time"),
    ],
)
def test_a_change_that_makes_no_sense_says_which_part(field: str, value: object, code: str) -> None:
    parts = {
        "customer_id": "c1",
        "channel": "email",
        "category": "marketing",
        "enabled": False,
        "source": "api",
        "actor": "customer",
        "at": START,
        field: value,
    }
    with pytest.raises(ConsentError) as refused:
        Change(**parts).check()  # type: ignore[arg-type]
    assert refused.value.code == code


def test_a_mandatory_category_can_be_granted_though_it_needs_no_grant() -> None:
    Change("c1", "email", "security", True, "api", "customer", START).check()
