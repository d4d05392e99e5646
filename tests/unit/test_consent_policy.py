"""The rule of consent, as a table: category × what the customer said × suppressions in, a Decision out."""

import pytest

from consent.policy import OPTIONAL, Category, InForce, Scope, can_leave, decide, permits

SAID = {"granted": True, "revoked": False, "never said": None}
RULES = {
    (Category.SECURITY, "granted"): (True, "consent.not_needed"),
    (Category.SECURITY, "revoked"): (True, "consent.not_needed"),
    (Category.SECURITY, "never said"): (True, "consent.not_needed"),
    (Category.TRANSACTIONAL, "granted"): (True, "consent.not_needed"),
    (Category.TRANSACTIONAL, "revoked"): (True, "consent.not_needed"),
    (Category.TRANSACTIONAL, "never said"): (True, "consent.not_needed"),
    (Category.REMINDER, "granted"): (True, "consent.not_revoked"),
    (Category.REMINDER, "revoked"): (False, "consent.revoked"),
    (Category.REMINDER, "never said"): (True, "consent.not_revoked"),
    (Category.MARKETING, "granted"): (True, "consent.granted"),
    (Category.MARKETING, "revoked"): (False, "consent.revoked"),
    (Category.MARKETING, "never said"): (False, "consent.missing"),
}


def test_the_table_covers_every_category_and_every_answer() -> None:
    assert set(RULES) == {(category, said) for category in Category for said in SAID}


@pytest.mark.parametrize(("category", "said"), RULES)
def test_consent_decides_by_category(category: Category, said: str) -> None:
    decision = decide(category=category, enabled=SAID[said])
    assert (decision.allowed, decision.rule) == RULES[category, said]
    assert permits(category=category, enabled=SAID[said]) is decision.allowed


@pytest.mark.parametrize("category", Category)
def test_an_address_that_is_dead_for_everything_stops_even_security(category: Category) -> None:
    decision = decide(category=category, enabled=True, suppressions=[InForce(Scope.ALL, "hard_bounce")])
    assert (decision.allowed, decision.rule) == (False, "suppressed.hard_bounce")


def test_an_address_that_is_dead_for_marketing_takes_everything_else() -> None:
    stopped = {
        category
        for category in Category
        if not decide(
            category=category, enabled=True, suppressions=[InForce(Scope.MARKETING, "complaint")]
        ).allowed
    }
    assert stopped == {Category.MARKETING}


def test_a_marketing_suppression_in_front_does_not_hide_a_total_one_behind_it() -> None:
    both = [InForce(Scope.MARKETING, "complaint"), InForce(Scope.ALL, "hard_bounce")]
    assert (
        decide(category=Category.TRANSACTIONAL, enabled=None, suppressions=both).rule
        == "suppressed.hard_bounce"
    )


def test_a_suppression_outranks_a_grant_and_a_missing_grant() -> None:
    for enabled in (True, False, None):
        decision = decide(
            category=Category.MARKETING, enabled=enabled, suppressions=[InForce(Scope.ALL, "opted_out")]
        )
        assert decision.rule == "suppressed.opted_out"


@pytest.mark.parametrize("category", Category)
def test_in_app_needs_no_consent_because_it_reaches_out_to_nobody(category: Category) -> None:
    assert decide(channel="inapp", category=category, enabled=False).rule == "consent.not_needed"


def test_what_can_be_left_is_what_consent_decides() -> None:
    assert {Category.REMINDER, Category.MARKETING} == OPTIONAL
    assert can_leave(channel="email", category="marketing")
    assert not can_leave(channel="email", category="transactional")
    assert not can_leave(channel="inapp", category="marketing")


@pytest.mark.parametrize("category", Category)
def test_every_reason_is_a_sentence(category: Category) -> None:
    for enabled in SAID.values():
        reason = decide(category=category, enabled=enabled).reason
        assert reason[0].isupper()
        assert reason.endswith(".")
