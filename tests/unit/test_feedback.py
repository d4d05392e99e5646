"""The chain of facts: whatever the order of reports, the same one stands."""

import datetime as dt
import uuid
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from notifications.feedback import CHAIN, ENGAGEMENT, TROUBLE, Fact, highest
from notifications.models import Feedback

ID = uuid.UUID(int=1)
START = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)


def fact(word: str, minute: int, id: uuid.UUID = ID) -> Fact:  # noqa: A002
    return Fact(id, word, START + dt.timedelta(minutes=minute))


def test_the_database_knows_the_same_words_in_the_same_order() -> None:
    assert list(CHAIN) == Feedback.values
    assert set(CHAIN) >= TROUBLE | ENGAGEMENT


def test_every_order_of_a_whole_life_ends_the_same() -> None:
    life = [
        fact("processed", 0),
        fact("deferred", 1),
        fact("delivered", 2),
        fact("bounced", 9),
        fact("bounced", 5),
    ]
    for order in permutations(life):
        assert highest(order)[ID] == fact("bounced", 5)


@given(
    st.lists(st.tuples(st.sampled_from(CHAIN), st.integers(0, 5), st.integers(1, 3)), min_size=1),
    st.randoms(),
)
def test_neither_order_nor_batches_nor_copies_change_what_stands(
    reports: list[tuple[str, int, int]], random: object
) -> None:
    facts = [fact(word, minute, uuid.UUID(int=who)) for word, minute, who in reports]
    shuffled = facts + facts[:2]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    cut = len(shuffled) // 2
    in_batches = highest([*highest(shuffled[cut:]).values(), *highest(shuffled[:cut]).values()])
    assert in_batches == highest(facts)
