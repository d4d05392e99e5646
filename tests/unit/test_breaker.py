"""The circuit breaker as a table of transitions, and as a machine that many workers share."""

import datetime as dt
from typing import Any

import pytest
from hypothesis import settings as hypothesis
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from notifications.breaker import (
    Breaker,
    BreakerPolicy,
    Sign,
    State,
    begin_probe,
    end_probe,
    heed,
    sign,
    state,
)
from notifications.errors import Misconfigured, Outcome, Permanent, Sent, Transient, Unknown

NOW = dt.datetime(2026, 11, 23, 12, 0, tzinfo=dt.UTC)
SECOND = dt.timedelta(seconds=1)
LEASE = 120 * SECOND
POLICY = BreakerPolicy(threshold=3, first=30 * SECOND, longest=100 * SECOND)
GOOD, BAD, SLOW = Sign.ANSWERED, Sign.FAULT, Sign.LIMITED

CLOSED = Breaker()
OPEN = Breaker(openings=1, open_until=NOW + 30 * SECOND)
HALF_OPEN = Breaker(openings=1, open_until=NOW)
PROBING = Breaker(openings=1, open_until=NOW, probe_until=NOW + SECOND)


@pytest.mark.parametrize(
    ("before", "signs", "probe", "after"),
    [
        (CLOSED, [GOOD], False, CLOSED),
        (CLOSED, [BAD, BAD], False, Breaker(faults=2)),
        (CLOSED, [BAD, BAD, BAD], False, OPEN),
        (CLOSED, [BAD, BAD, GOOD, BAD], False, Breaker(faults=1)),
        (CLOSED, [], False, CLOSED),
        (Breaker(faults=2), [BAD], False, OPEN),
        (Breaker(faults=2), [GOOD], False, CLOSED),
        (Breaker(faults=2), [SLOW], False, Breaker(faults=2)),
        # What was on its way when it opened changes nothing.
        (OPEN, [GOOD], False, OPEN),
        (OPEN, [BAD] * 9, False, OPEN),
        (PROBING, [GOOD], False, PROBING),
        (PROBING, [BAD] * 9, False, PROBING),
        # The trial decides.
        (PROBING, [GOOD], True, CLOSED),
        (PROBING, [SLOW], True, CLOSED),
        (PROBING, [BAD], True, Breaker(openings=2, open_until=NOW + 60 * SECOND)),
        (PROBING, [], True, HALF_OPEN),
        # A trial that outlived its lease still says what the provider did.
        (HALF_OPEN, [GOOD], True, CLOSED),
        (CLOSED, [BAD], True, Breaker(faults=1)),
    ],
)
def test_transitions(before: Breaker, signs: list[Sign], probe: bool, after: Breaker) -> None:
    assert heed(before, signs, probe=probe, now=NOW, policy=POLICY) == after


@pytest.mark.parametrize(
    ("breaker", "now", "expected"),
    [
        (CLOSED, NOW, State.CLOSED),
        (OPEN, NOW, State.OPEN),
        (OPEN, NOW + 30 * SECOND, State.HALF_OPEN),
        (PROBING, NOW, State.PROBING),
        (PROBING, NOW + SECOND, State.HALF_OPEN),
    ],
)
def test_the_state_follows_the_clock_and_only_half_open_allows_a_trial(
    breaker: Breaker, now: dt.datetime, expected: State
) -> None:
    assert state(breaker, now=now) is expected
    begun = begin_probe(breaker, now=now, lease=LEASE)
    assert (begun is not None) == (expected is State.HALF_OPEN)
    if begun:
        assert begun.probe_until == now + LEASE
        assert end_probe(begun).probe_until is None


@pytest.mark.parametrize(
    ("outcome", "per_address", "expected"),
    [
        (Sent(), False, GOOD),
        (Permanent("400"), False, GOOD),
        (Misconfigured("401"), False, GOOD),
        (Transient("503"), False, BAD),
        (Transient("connect"), True, BAD),
        (Unknown("timeout"), False, BAD),
        (Transient("429", retry_after=SECOND), False, SLOW),
        (Transient("20429", retry_after=SECOND), False, SLOW),
        (Transient("429"), False, BAD),
        (Transient("429"), True, SLOW),
    ],
)
def test_what_an_outcome_says_about_the_provider(outcome: Outcome, per_address: bool, expected: Sign) -> None:
    assert sign(outcome, per_address=per_address) is expected


def test_the_wait_doubles_up_to_the_longest() -> None:
    assert [POLICY.wait(n).total_seconds() for n in (1, 2, 3, 1000)] == [30, 60, 100, 100]


class Workers(RuleBasedStateMachine):
    """Workers that send, try and die in any order, on a provider that works or not."""

    def __init__(self) -> None:
        super().__init__()
        self.now, self.breaker = NOW, CLOSED
        self.trial_ends: dt.datetime | None = None

    @initialize(openings=st.integers(1, 9))
    def begins_open(self, openings: int) -> None:
        self.breaker = Breaker(openings=openings, open_until=NOW + POLICY.wait(openings))

    def hear(self, signs: list[Sign], probe: bool) -> None:
        self.breaker = heed(self.breaker, signs, probe=probe, now=self.now, policy=POLICY)

    @rule(seconds=st.integers(1, 200))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds * SECOND

    @rule(signs=st.lists(st.sampled_from(Sign), max_size=5))
    def a_batch_comes_back(self, signs: list[Sign]) -> None:
        self.hear(signs, probe=False)

    @rule()
    def a_worker_asks(self) -> None:
        begun = begin_probe(self.breaker, now=self.now, lease=LEASE)
        if begun:
            assert not (self.trial_ends and self.now < self.trial_ends), "two trials at once"
            self.breaker, self.trial_ends = begun, self.now + LEASE

    @precondition(lambda self: self.trial_ends)
    @rule(answered=st.booleans())
    def the_trial_answers(self, answered: bool) -> None:
        before = self.breaker
        self.hear([GOOD if answered else BAD], probe=True)
        self.trial_ends = None
        if answered:
            assert self.breaker == CLOSED
        elif before.open_until:
            assert state(self.breaker, now=self.now) is State.OPEN
            assert self.breaker.openings == before.openings + 1

    @precondition(lambda self: self.trial_ends)
    @rule()
    def the_trial_finds_nothing_to_send(self) -> None:
        self.hear([], probe=True)
        self.trial_ends = None

    @invariant()
    def it_never_waits_longer_than_it_may(self) -> None:
        if self.breaker.open_until:
            assert self.breaker.open_until <= self.now + POLICY.longest

    @invariant()
    def a_dead_worker_never_blocks_it(self) -> None:
        later = self.now + max(LEASE, POLICY.longest)
        assert state(self.breaker, now=later) in (State.CLOSED, State.HALF_OPEN)


TestWorkers: Any = Workers.TestCase
TestWorkers.settings = hypothesis(max_examples=100, stateful_step_count=30, deadline=None, derandomize=True)
