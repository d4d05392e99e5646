"""How long a retry waits."""

import datetime as dt
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifications.backoff import delay

BASE, CAP = dt.timedelta(seconds=30), dt.timedelta(hours=1)


@pytest.mark.parametrize(
    ("attempt", "ceiling"), [(1, 30), (2, 60), (3, 120), (7, 1920), (8, 3600), (500, 3600)]
)
def test_the_wait_doubles_up_to_the_cap_and_keeps_half_as_floor(attempt: int, ceiling: int) -> None:
    waits = [
        delay(attempt=attempt, base=BASE, cap=CAP, rng=random.Random(i)).total_seconds() for i in range(200)
    ]
    assert ceiling * 0.5 <= min(waits) < ceiling * 0.6
    assert ceiling * 0.9 < max(waits) <= ceiling


def test_a_provider_that_asks_for_longer_gets_it() -> None:
    asked = dt.timedelta(hours=2)
    assert delay(attempt=1, base=BASE, cap=CAP, retry_after=asked, rng=random.Random(1)) == asked


@given(
    st.integers(1, 10_000), st.integers(0, 2**32), st.one_of(st.none(), st.timedeltas(dt.timedelta(0), CAP))
)
def test_the_wait_is_never_negative_nor_beyond_the_cap(
    attempt: int, seed: int, asked: dt.timedelta | None
) -> None:
    wait = delay(attempt=attempt, base=BASE, cap=CAP, retry_after=asked, rng=random.Random(seed))
    assert dt.timedelta(0) < wait <= CAP
